use proptest::prelude::*;

use super::*;
use crate::domain::tariff::tests::{first_version, instant};

const MICRO: TimeDelta = TimeDelta::microseconds(1);

fn policy() -> HoldPolicy {
    first_version().policy
}

fn received_at() -> DateTime<Utc> {
    instant("2026-11-02T15:00:00Z")
}

fn told(deadlines: &[Deadline]) -> Vec<(DeadlineKind, i32, i64)> {
    let after = |deadline: &Deadline| (deadline.due_at - received_at()).num_days();
    deadlines.iter().map(|deadline| (deadline.kind, deadline.ordinal, after(deadline))).collect()
}

#[test]
fn after_a_jump_of_60_days_all_are_due_in_order() {
    let now = received_at() + TimeDelta::days(60);
    let all = deadlines(&policy(), received_at(), None);
    let due: Vec<Deadline> = all.iter().copied().filter(|deadline| deadline.due_at <= now).collect();
    assert_eq!(due, all);
    assert_eq!(
        told(&due),
        [
            (DeadlineKind::FreeTimeEnds, 0, 1),
            (DeadlineKind::Reminder, 1, 1),
            (DeadlineKind::Reminder, 2, 3),
            (DeadlineKind::Reminder, 3, 7),
            (DeadlineKind::Reminder, 4, 15),
            (DeadlineKind::Reminder, 5, 25),
            (DeadlineKind::HoldEnds, 0, 30),
            (DeadlineKind::AbandonmentDue, 0, 45),
        ]
    );
}

#[test]
fn a_customer_is_not_reminded_of_what_was_not_told() {
    let notified_at = received_at() + TimeDelta::days(3);
    let left = deadlines(&policy(), received_at(), Some(notified_at));
    let reminders: Vec<_> =
        told(&left).into_iter().filter(|(kind, ..)| *kind == DeadlineKind::Reminder).collect();
    // The others keep their ordinals.
    let expected = [(3, 7), (4, 15), (5, 25)].map(|(ordinal, day)| (DeadlineKind::Reminder, ordinal, day));
    assert_eq!(reminders, expected);
    assert_eq!(left.len(), 6);
    let just_before = deadlines(&policy(), received_at(), Some(notified_at - MICRO));
    assert_eq!(just_before.len(), 7);
}

#[test]
fn each_kind_does_what_it_is_for() {
    let customer = |template| Effect::NotifyCustomer { template };
    let operators = |template| Effect::NotifyOperators { template };
    assert_eq!(DeadlineKind::FreeTimeEnds.effects(), []);
    assert_eq!(DeadlineKind::Reminder.effects(), [customer("storage_reminder")]);
    assert_eq!(DeadlineKind::HoldEnds.effects(), [customer("hold_ended"), operators("package_overdue")]);
    assert_eq!(DeadlineKind::AbandonmentDue.effects(), [operators("abandonment_due")]);
}

#[test]
fn the_order_of_names_is_the_order_of_kinds_at_one_instant() {
    // Rows are read in the order of instant and name.
    let (free, reminder) = (DeadlineKind::FreeTimeEnds, DeadlineKind::Reminder);
    assert!(free < reminder && free.as_str() < reminder.as_str());
}

#[test]
fn a_waiting_package_is_overdue_after_the_last_instant_of_its_hold() {
    let hold_until = policy().hold_until(received_at());
    for status in Status::ALL {
        let waits = matches!(status, Status::Stored | Status::Notified);
        assert!(!is_overdue(hold_until, Some(hold_until), *status));
        assert_eq!(is_overdue(hold_until + MICRO, Some(hold_until), *status), waits, "{status:?}");
        assert!(!is_overdue(hold_until + MICRO, None, *status));
    }
}

proptest! {
    #[test]
    fn deadlines_rise_strictly_under_every_sound_policy(
        free_hours in 0..800_i32,
        days in proptest::collection::btree_set(1..60_i32, 0..20),
        abandon_days in 61..400_i32,
        notified in proptest::option::of(0..100_i64),
    ) {
        let reminder_days = days.into_iter().collect();
        let policy = HoldPolicy { free_hours, reminder_days, max_hold_days: 60, abandon_days, ..policy() };
        let notified_at = notified.map(|days| received_at() + TimeDelta::days(days));
        let all = deadlines(&policy, received_at(), notified_at);
        prop_assert!(all.is_sorted_by(|one, next| one < next && one.due_at <= next.due_at));
        let ends = |kind| all.iter().filter(|deadline| deadline.kind == kind).count();
        prop_assert_eq!(ends(DeadlineKind::FreeTimeEnds), 1);
        prop_assert_eq!(ends(DeadlineKind::HoldEnds), 1);
        prop_assert_eq!(all.last().map(|deadline| deadline.kind), Some(DeadlineKind::AbandonmentDue));
    }
}
