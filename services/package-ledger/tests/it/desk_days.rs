//! Many days at the desk, by many clerks at once: whatever they do, the books balance at every instant, every package is in one state and
//! every slot holds one package, and the chains of custody verify (P-D4, P-D5, P-D8).
//!
//! `ALDIA_DESK_DAYS` says how many days; 500 take some minutes.

mod clerk;
mod watch;

use std::sync::Arc;

use chrono::{TimeZone as _, Utc};
use clerk::Clerk;
use futures_util::future::join_all;
use uuid::Uuid;
use watch::Watch;

use crate::harness::Harness;

const CLERKS: u64 = 16;
const CUSTOMERS: u32 = 40;
const SLOTS: usize = 60;
/// Days of a run that nobody says more of.
const USUAL_DAYS: u64 = 32;

/// Whom parcels are for.
#[derive(Clone, Debug)]
struct Customer {
    token: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clerks_do_nothing_is_lost_and_the_books_balance() {
    let days = option_env!("ALDIA_DESK_DAYS").and_then(|days| days.parse().ok()).unwrap_or(USUAL_DAYS);
    let harness = Arc::new(Harness::start().await);
    harness.clock.set(Utc.with_ymd_and_hms(2026, 2, 2, 8, 0, 0).unwrap());
    let staff = Arc::new(harness.staff().await);
    let codes: Vec<String> = (0..SLOTS).map(|n| format!("D-{n:03}")).collect();
    let (small, extra) = codes.split_at(SLOTS / 2);
    for (size_class, codes) in [("small", small), ("extra", extra)] {
        let slots = serde_json::json!({"codes": codes, "size_class": size_class});
        harness.post("/v1/slots", &staff.admin, &slots).await.expect(201);
    }
    let mut customers = Vec::new();
    for n in 0..CUSTOMERS {
        let person = Uuid::now_v7();
        harness.enrolled(person, &format!("Customer {n}"), &format!("+57300{n:07}")).await;
        customers.push(Customer { token: harness.token(person) });
    }
    let customers = Arc::new(customers);
    let watch = Watch::start(&harness);
    let shelf = Arc::default();
    let clerks = (0..CLERKS).map(|seed| {
        let clerk = Clerk::new(
            seed,
            Arc::clone(&harness),
            Arc::clone(&staff),
            Arc::clone(&customers),
            Arc::clone(&shelf),
        );
        tokio::spawn(clerk.work(days.div_ceil(CLERKS)))
    });
    let done: Vec<clerk::Done> = join_all(clerks).await.into_iter().map(Result::unwrap).collect();
    let looks = watch.stop().await;
    assert!(looks > 10, "the books were looked at {looks} times only");
    let sum = done.iter().fold(clerk::Done::default(), |sum, one| sum.and(one));
    assert!(sum.delivered > 0 && sum.returned > 0 && sum.repeated > 0 && sum.refused > 0, "{sum:?}");
    watch::everything_is_whole(&harness, &staff.auditor).await;
}
