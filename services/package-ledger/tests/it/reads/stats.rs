//! The desk in figures.

use chrono::{NaiveTime, TimeDelta};
use serde_json::json;

use super::fixtures::Row;
use crate::harness::Harness;

const PATH: &str = "/v1/packages/stats";

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_counted_in_one_statement_and_kept() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
    let now = harness.tomorrow().date_naive().and_time(noon).and_utc() + TimeDelta::days(1);
    harness.clock.set(now);
    let ana = harness.customer("Ana", "+573000000001", None).await;
    let (first, second) = (harness.held_slot("A-1").await, harness.held_slot("A-2").await);
    harness.sql("INSERT INTO slot (id, code, size_class, status, created_at, updated_at) VALUES (gen_random_uuid(), 'X-1', 'extra', 'free', now(), now())").await;
    let ago = |hours| now - TimeDelta::hours(hours);
    harness
        .packages(&[
            Row::announced(ana, now),
            Row::received(None, ago(11)),
            Row::stored(ana, first, ago(13)),
            Row::stored(ana, second, ago(24 * 31)),
            Row::delivered(ana, ago(24 * 6)),
            Row::delivered(ana, ago(24 * 7)),
        ])
        .await;
    let cold = harness.get(PATH, &staff.auditor).await.expect(200);
    assert_eq!(cold.statements(), 2, "who asks, and the figures");
    let stats = cold.json();
    assert_eq!(
        stats["statuses"],
        json!({"announced": 1, "received": 1, "stored": 2, "notified": 0, "delivered": 2, "returned": 0, "abandoned": 0,
            "cancelled": 0, "lost": 0, "damaged": 0})
    );
    assert_eq!((&stats["overdue"], &stats["unidentified"]), (&json!(1), &json!(1)));
    assert_eq!((&stats["received_today"], &stats["received_7_days"]), (&json!(1), &json!(3)));
    assert_eq!(
        stats["slots"],
        json!({"small": {"free": 0, "held": 2, "blocked": 0}, "extra": {"free": 1, "held": 0, "blocked": 0}})
    );
    let warm = harness.get(PATH, &staff.auditor).await.expect(200);
    assert_eq!((warm.statements(), &warm.body), (0, &cold.body));
    let tag = cold.header("etag").to_owned();
    let unchanged = harness.get_with(PATH, &staff.auditor, &[("If-None-Match", &tag)]).await.expect(304);
    assert_eq!(unchanged.statements(), 0);
    // At midnight another day begins, in every copy.
    harness.clock.set(now + TimeDelta::hours(12) - TimeDelta::microseconds(1));
    assert_eq!(harness.get(PATH, &staff.auditor).await.expect(200).json()["received_today"], 1);
    harness.clock.set(now + TimeDelta::hours(12));
    assert_eq!(harness.get(PATH, &staff.auditor).await.expect(200).json()["received_today"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_at_the_desk_shows_in_the_next_figures() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let free = async || {
        let stats = harness.get(PATH, &staff.operator).await.expect(200);
        (stats.statements(), stats.json()["slots"]["small"]["free"].as_i64().unwrap())
    };
    free().await;
    assert_eq!(free().await, (0, 0));
    let slot = json!({"codes": ["A-1"], "size_class": "small"});
    harness.post("/v1/slots", &staff.admin, &slot).await.expect(201);
    assert_eq!(free().await, (1, 1));
}
