//! Lives keep the rules of the desk, and are the same each time.

use std::collections::BTreeMap;

use super::*;
use crate::demo::slots;

fn end() -> DateTime<Utc> {
    "2026-11-29T00:00:00Z".parse().unwrap()
}

#[test]
fn lives_are_believable_and_end_before_the_demo_does() {
    let Plans { all, slots } = plans(20_000, 2_000, end());
    assert_eq!(all.len(), 20_000);
    assert!(slots >= slots::COUNT);
    assert!(all.is_sorted_by_key(Plan::created_at));
    let count = |status| all.iter().filter(|plan| plan.status() == status).count();
    assert!(count(Status::Delivered) > 17_000, "{}", count(Status::Delivered));
    let last_no = all.iter().filter_map(|plan| plan.receipt_no).max();
    assert_eq!(last_no, i64::try_from(count(Status::Delivered)).ok());
    for status in Status::ALL.iter().filter(|status| **status != Status::Received) {
        assert!(count(*status) > 0, "none is {status:?}");
    }
    for plan in &all {
        let times = [
            plan.announced_at,
            plan.received_at,
            plan.stored_at,
            plan.notified_at,
            plan.damaged_at,
            plan.end_at(),
        ];
        let times: Vec<_> = times.into_iter().flatten().collect();
        assert!(times.is_sorted() && times.iter().all(|at| *at < end()), "{plan:?}");
        assert!(plan.created_at() > end() - TimeDelta::days(calendar::DAYS + 3), "{plan:?}");
    }
    let own = all.iter().filter(|plan| plan.customer == Some(0) && plan.is_on_shelf()).count();
    assert!(own >= 4, "{own}");
}

#[test]
fn no_slot_holds_two_packages_at_a_time_and_each_fits() {
    let Plans { all, .. } = plans(20_000, 2_000, end());
    let mut stays: BTreeMap<usize, Vec<[DateTime<Utc>; 2]>> = BTreeMap::new();
    for plan in all.iter().filter(|plan| plan.stored_at.is_some()) {
        let slot = plan.slot.unwrap();
        assert!(slots::size(slot) == SizeClass::Extra || plan.size == SizeClass::Small);
        stays.entry(slot).or_default().push([plan.stored_at.unwrap(), plan.end_at().unwrap_or(end())]);
    }
    for stays in stays.values_mut() {
        stays.sort();
        assert!(stays.windows(2).all(|pair| pair[0][1] < pair[1][0]), "{stays:?}");
    }
}

#[test]
fn the_same_day_gives_the_same_lives() {
    let told = |customers| format!("{:?}", plans(500, customers, end()).all);
    assert_eq!(told(50), told(50));
    assert_ne!(told(50), told(51));
}
