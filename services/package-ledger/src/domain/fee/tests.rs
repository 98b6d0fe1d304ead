use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::money::Currency;
use crate::domain::tariff::tests::{first_version, instant};
use crate::domain::tariff::{SizeClass, TariffLine};

const MICRO: TimeDelta = TimeDelta::microseconds(1);

fn cop(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::Cop)
}

fn small() -> Rates {
    first_version().rates(SizeClass::Small)
}

fn received(at: &str) -> StorageClock {
    StorageClock { received_at: Some(instant(at)), stopped_at: None }
}

fn price(rates: &Rates, clock: StorageClock, at: DateTime<Utc>) -> Fee {
    fee(rates, clock, &[], at).unwrap()
}

/// Everything but the instant, the words and what comes after.
fn amounts(fee: &Fee) -> (Money, Money, Money, Money, Vec<FeeLine>) {
    (fee.total, fee.base, fee.storage, fee.waived, fee.lines.clone())
}

#[test]
fn monday_to_thursday_costs_3500() {
    // Ten in the morning in Bogotá.
    let fee = price(&small(), received("2026-11-02T15:00:00Z"), instant("2026-11-05T15:00:00Z"));
    assert_eq!(fee.total, cop(350_000));
    assert_eq!((fee.base, fee.storage, fee.waived), (cop(150_000), cop(200_000), cop(0)));
    assert_eq!(
        fee.lines,
        [
            FeeLine { code: FeeCode::Base, quantity: 1, unit_minor: 150_000, amount: cop(150_000) },
            FeeLine { code: FeeCode::Storage, quantity: 2, unit_minor: 100_000, amount: cop(200_000) },
        ]
    );
    assert_eq!(
        fee.trace,
        [
            "elapsed = 2026-11-05T15:00:00Z - received 2026-11-02T15:00:00Z = 72 h",
            "n = ceil(72 h / 24 h) = 3",
            "charged = max(0, 3 - 24 h / 24 h) = 2",
            "storage = min(2 x 1,000.00 COP, cap 30,000.00 COP) = 2,000.00 COP",
            "total = 1,500.00 COP + 2,000.00 COP - 0.00 COP = 3,500.00 COP",
        ]
    );
    assert_eq!(fee.tariff_version_id, first_version().id);
    assert_eq!(fee.next_change_at, Some(instant("2026-11-05T15:00:00.000001Z")));
}

#[test]
fn a_large_parcel_costs_its_own_base() {
    let extra = first_version().rates(SizeClass::Extra);
    let fee = price(&extra, received("2026-11-02T15:00:00Z"), instant("2026-11-05T15:00:00Z"));
    assert_eq!(fee.total, cop(400_000));
}

#[test]
fn the_last_instant_of_a_day_belongs_to_it() {
    let clock = received("2026-11-02T15:00:00Z");
    let day_after = instant("2026-11-03T15:00:00Z");
    let last_free = price(&small(), clock, day_after);
    assert_eq!((last_free.total, last_free.next_change_at), (cop(150_000), Some(day_after + MICRO)));
    let first_paid = price(&small(), clock, day_after + MICRO);
    assert_eq!(first_paid.total, cop(250_000));
    assert_eq!(first_paid.trace[1], "n = ceil(24 h 0 min 0.000001 s / 24 h) = 2");
    // What is finer than the database keeps does not count.
    assert_eq!(price(&small(), clock, day_after + TimeDelta::nanoseconds(999)).total, cop(150_000));
}

#[test]
fn where_completed_periods_count_one_counts_from_its_end() {
    let mut rates = small();
    rates.line.rounding = Rounding::Completed;
    let clock = received("2026-11-02T15:00:00Z");
    let end = instant("2026-11-04T15:00:00Z");
    let before = price(&rates, clock, end - MICRO);
    assert_eq!((before.storage, before.next_change_at), (cop(0), Some(end)));
    assert_eq!(price(&rates, clock, end).storage, cop(100_000));
    assert_eq!(price(&rates, clock, end).trace[1], "n = floor(48 h / 24 h) = 2");
}

#[test]
fn nothing_is_due_before_reception() {
    let at = instant("2026-11-02T15:00:00Z");
    let announced = price(&small(), StorageClock::default(), at);
    assert_eq!((announced.total, announced.lines.len(), announced.next_change_at), (cop(0), 0, None));
    assert_eq!(announced.trace, ["not received by 2026-11-02T15:00:00Z: total = 0.00 COP"]);
    // Asked about an instant before a reception that is known, what is known is told.
    let earlier = price(&small(), received("2026-11-02T15:00:00Z"), at - MICRO);
    assert_eq!((earlier.total, earlier.next_change_at), (cop(0), Some(at)));
    assert_eq!(price(&small(), received("2026-11-02T15:00:00Z"), at).total, cop(150_000));
}

#[test]
fn storage_costs_no_more_than_the_cap_and_then_nothing_changes() {
    let clock = received("2026-11-02T15:00:00Z");
    let last = instant("2026-11-02T15:00:00Z") + TimeDelta::days(30) + MICRO;
    assert_eq!(price(&small(), clock, last - MICRO).next_change_at, Some(last));
    let capped = price(&small(), clock, last);
    assert_eq!((capped.storage, capped.next_change_at), (cop(3_000_000), None));
    let much_later = price(&small(), clock, last + TimeDelta::days(10_000));
    assert_eq!(amounts(&much_later), amounts(&capped));
}

#[test]
fn a_cap_within_a_period_cuts_it() {
    let mut rates = small();
    rates.line.cap_minor = 250_000;
    let fee = price(&rates, received("2026-11-02T15:00:00Z"), instant("2026-11-20T15:00:00Z"));
    assert_eq!((fee.storage, fee.next_change_at), (cop(250_000), None));
    let cut = FeeLine { code: FeeCode::StorageCap, quantity: 1, unit_minor: -50_000, amount: cop(-50_000) };
    assert_eq!(fee.lines[2], cut);
}

#[test]
fn the_clock_of_a_package_that_left_stands() {
    let stopped_at = Some(instant("2026-11-05T15:00:00Z"));
    let clock = StorageClock { stopped_at, ..received("2026-11-02T15:00:00Z") };
    let fee = price(&small(), clock, instant("2027-11-05T15:00:00Z"));
    assert_eq!((fee.total, fee.next_change_at), (cop(350_000), None));
    assert_eq!(
        fee.trace[0],
        "elapsed = min(2027-11-05T15:00:00Z, stopped 2026-11-05T15:00:00Z) - received 2026-11-02T15:00:00Z = 72 h"
    );
    // Of the past it is still told how it went on, up to where it stopped.
    let early = price(&small(), clock, instant("2026-11-03T15:00:00Z"));
    assert_eq!(early.next_change_at, Some(instant("2026-11-03T15:00:00Z") + MICRO));
    assert_eq!(price(&small(), clock, instant("2026-11-04T16:00:00Z")).next_change_at, None);
}

#[test]
fn a_clock_that_stops_with_a_change_still_counts_it() {
    let received_at = instant("2026-11-02T15:00:00Z");
    let change = received_at + TimeDelta::days(1) + MICRO;
    let stopped_at =
        |stopped_at| StorageClock { received_at: Some(received_at), stopped_at: Some(stopped_at) };
    assert_eq!(price(&small(), stopped_at(change), received_at).next_change_at, Some(change));
    assert_eq!(price(&small(), stopped_at(change), change + TimeDelta::days(9)).total, cop(250_000));
    assert_eq!(price(&small(), stopped_at(change - MICRO), received_at).next_change_at, None);
}

#[test]
fn waivers_lower_the_fee_to_nothing_at_most() {
    let (clock, at) = (received("2026-11-02T15:00:00Z"), instant("2026-11-05T15:00:00Z"));
    let some = fee(&small(), clock, &[cop(100_000), cop(50_000)], at).unwrap();
    assert_eq!((some.total, some.waived), (cop(200_000), cop(150_000)));
    assert_eq!(
        some.lines.last().map(|line| (line.code, line.amount)),
        Some((FeeCode::Waiver, cop(-150_000)))
    );
    let all = fee(&small(), clock, &[cop(9_000_000)], at).unwrap();
    assert_eq!((all.total, all.waived), (cop(0), cop(350_000)));
    assert_eq!(
        all.trace[4..],
        [
            "waived = min(90,000.00 COP, 1,500.00 COP + 2,000.00 COP) = 3,500.00 COP",
            "total = 1,500.00 COP + 2,000.00 COP - 3,500.00 COP = 0.00 COP",
        ]
    );
}

#[test]
fn what_cannot_be_reckoned_with_is_refused() {
    let (clock, at) = (received("2026-11-02T15:00:00Z"), instant("2026-11-05T15:00:00Z"));
    assert_eq!(fee(&small(), clock, &[cop(-1)], at), Err(FeeError::NegativeWaiver));
    let dollar = Money::new(1, Currency::Usd);
    assert!(matches!(fee(&small(), clock, &[dollar], at), Err(FeeError::Money(_))));
    let unsound = |change: fn(&mut TariffLine)| {
        let mut rates = small();
        change(&mut rates.line);
        fee(&rates, clock, &[], at)
    };
    assert_eq!(unsound(|line| line.period_hours = 0), Err(FeeError::UnsoundRates));
    assert_eq!(unsound(|line| line.rate_minor = -1), Err(FeeError::UnsoundRates));
    assert!(matches!(unsound(|line| line.base_minor = i64::MAX), Err(FeeError::Money(_))));
    let ages = StorageClock { received_at: Some(DateTime::<Utc>::MIN_UTC), stopped_at: None };
    assert_eq!(fee(&small(), ages, &[], DateTime::<Utc>::MAX_UTC), Err(FeeError::TooLong));
}

#[test]
fn what_was_paid_is_not_outstanding() {
    let fee = price(&small(), received("2026-11-02T15:00:00Z"), instant("2026-11-05T15:00:00Z"));
    assert_eq!(outstanding(&fee, cop(0)), Ok(cop(350_000)));
    assert_eq!(outstanding(&fee, cop(100_000)), Ok(cop(250_000)));
    assert_eq!(outstanding(&fee, cop(400_000)), Ok(cop(0)));
    assert!(outstanding(&fee, Money::new(1, Currency::Usd)).is_err());
}

#[test]
fn clock_changes_and_leap_days_are_hours_like_any_other() {
    for (received_at, at, expected) in [
        // New York goes to summer time in the night: a local day of 23 hours, still free.
        ("2026-03-07T10:00:00-05:00", "2026-03-08T10:00:00-04:00", 150_000),
        // An hour later it is 24 hours, and free for the last time.
        ("2026-03-07T10:00:00-05:00", "2026-03-08T11:00:00-04:00", 150_000),
        ("2026-03-07T10:00:00-05:00", "2026-03-08T11:00:00.000001-04:00", 250_000),
        // Berlin goes back to winter time: a local day of 25 hours.
        ("2026-10-24T10:00:00+02:00", "2026-10-25T09:00:00+01:00", 150_000),
        ("2026-10-24T10:00:00+02:00", "2026-10-25T10:00:00+01:00", 250_000),
        // Two days over the end of February, in a leap year and in another.
        ("2028-02-28T10:00:00Z", "2028-03-01T10:00:00Z", 250_000),
        ("2027-02-28T10:00:00Z", "2027-03-01T10:00:00Z", 150_000),
    ] {
        let fee = price(&small(), received(received_at), instant(at));
        assert_eq!(fee.total, cop(expected), "{received_at} to {at}");
    }
}

mod properties;
