//! What holds of every fee, whatever the tariff and the instants.

use super::*;
use crate::domain::fee::lifetime::{MAX_LIST_LIFETIME_SECS, lifetime_secs, valid_until};

const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

fn rates() -> impl Strategy<Value = Rates> {
    let hours = (1..100_i32, 0..5_i32);
    let amounts = (0..300_000_i64, prop_oneof![Just(0), 1..200_000_i64], 0..3_000_000_i64);
    (hours, amounts, any::<bool>()).prop_map(|((period_hours, included), (base, rate, cap), is_started)| {
        let line = TariffLine {
            base_minor: base,
            included_hours: included * period_hours,
            period_hours,
            rate_minor: rate,
            cap_minor: cap,
            rounding: if is_started { Rounding::Started } else { Rounding::Completed },
        };
        Rates { line, ..small() }
    })
}

fn at(micros: i64) -> DateTime<Utc> {
    instant("2026-01-01T00:00:00Z") + TimeDelta::microseconds(micros)
}

/// Microseconds after the start of a year, now and then on a boundary of hours or next to it.
fn micros() -> impl Strategy<Value = i64> {
    let boundary = (0..24 * 120_i64, -1..=1_i64).prop_map(|(hour, off)| hour * MICROS_PER_HOUR + off);
    prop_oneof![0..120 * MICROS_PER_DAY, boundary]
}

fn clock() -> impl Strategy<Value = StorageClock> {
    let stop = proptest::option::of(micros());
    (micros(), stop).prop_map(|(received, stop)| StorageClock {
        received_at: Some(at(received)),
        stopped_at: stop.map(|stop| at(received + stop)),
    })
}

fn waivers() -> impl Strategy<Value = Vec<Money>> {
    proptest::collection::vec((0..400_000_i64).prop_map(cop), 0..3)
}

/// So many thousandths of a time, in microseconds.
fn share(time: TimeDelta, permille: i64) -> i64 {
    time.num_microseconds().unwrap() * permille / 1_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_fee_never_falls_with_time(
        rates in rates(),
        clock in clock(),
        waivers in waivers(),
        one in micros(),
        other in micros(),
    ) {
        let (earlier, later) = (at(one.min(other)), at(one.max(other)));
        let [earlier, later] = [earlier, later].map(|at| fee(&rates, clock, &waivers, at).unwrap());
        prop_assert!(earlier.total.amount_minor <= later.total.amount_minor);
        prop_assert!(earlier.storage.amount_minor <= later.storage.amount_minor);
    }

    #[test]
    fn nothing_costs_more_than_base_and_cap_or_less_than_nothing(
        rates in rates(),
        clock in clock(),
        waivers in waivers(),
        now in micros(),
    ) {
        let fee = fee(&rates, clock, &waivers, at(now)).unwrap();
        prop_assert!((0..=rates.line.cap_minor).contains(&fee.storage.amount_minor));
        prop_assert!((0..=rates.line.base_minor + rates.line.cap_minor).contains(&fee.total.amount_minor));
        prop_assert!(fee.waived.amount_minor <= fee.base.amount_minor + fee.storage.amount_minor);
    }

    #[test]
    fn the_lines_are_the_total(rates in rates(), clock in clock(), waivers in waivers(), now in micros()) {
        let fee = fee(&rates, clock, &waivers, at(now)).unwrap();
        for line in &fee.lines {
            prop_assert_eq!(line.quantity * line.unit_minor, line.amount.amount_minor);
        }
        let together: i64 = fee.lines.iter().map(|line| line.amount.amount_minor).sum();
        prop_assert_eq!(together, fee.total.amount_minor);
        let parts = fee.base.amount_minor + fee.storage.amount_minor - fee.waived.amount_minor;
        prop_assert_eq!(parts, fee.total.amount_minor);
    }

    #[test]
    fn storage_is_free_to_the_last_microsecond_of_what_the_base_includes(
        rates in rates(),
        permille in 0..=1_000_i64,
    ) {
        let received_at = at(0);
        let included = TimeDelta::hours(rates.line.included_hours.into());
        let within = TimeDelta::microseconds(share(included, permille));
        let clock = StorageClock { received_at: Some(received_at), stopped_at: None };
        for elapsed in [TimeDelta::zero(), within, included] {
            prop_assert_eq!(price(&rates, clock, received_at + elapsed).storage, cop(0));
        }
    }

    #[test]
    fn the_formula_is_the_one_of_the_terms(rates in rates(), elapsed in micros()) {
        let line = rates.line;
        let clock = StorageClock { received_at: Some(at(0)), stopped_at: None };
        let elapsed = elapsed.max(0);
        let period_micros = i64::from(line.period_hours) * MICROS_PER_HOUR;
        // Counted period by period instead of divided.
        let ends = (1_i64..).map(|n| n * period_micros);
        let completed = ends.take_while(|end| *end <= elapsed).count();
        let is_one_open = elapsed > i64::try_from(completed).unwrap() * period_micros;
        let n = completed + usize::from(is_one_open && line.rounding == Rounding::Started);
        let free = usize::try_from(line.included_hours / line.period_hours).unwrap();
        let charged = i64::try_from(n.saturating_sub(free)).unwrap();
        let expected = (charged * line.rate_minor).min(line.cap_minor) + line.base_minor;
        prop_assert_eq!(price(&rates, clock, at(elapsed)).total, cop(expected));
    }

    #[test]
    fn only_the_length_of_storage_counts(
        rates in rates(),
        elapsed in micros(),
        one in 0..4_000_i64,
        other in micros(),
    ) {
        let elapsed = TimeDelta::microseconds(elapsed);
        let price_from = |start: DateTime<Utc>| {
            let clock = StorageClock { received_at: Some(start), stopped_at: None };
            amounts(&price(&rates, clock, start + elapsed))
        };
        // Over any leap day and any change of clocks in eleven years.
        prop_assert_eq!(price_from(at(one * MICROS_PER_DAY)), price_from(at(other)));
    }

    #[test]
    fn the_next_change_is_exact(
        rates in rates(),
        clock in clock(),
        waivers in waivers(),
        now in micros(),
        permille in 0..=1_000_i64,
    ) {
        let price = |at| fee(&rates, clock, &waivers, at).unwrap();
        let now = at(now);
        let told = price(now);
        if let Some(next) = told.next_change_at {
            prop_assert!(next > now);
            let between = now + TimeDelta::microseconds(share(next - now - MICRO, permille));
            prop_assert_eq!(amounts(&price(between)), amounts(&told));
            prop_assert_eq!(amounts(&price(next - MICRO)), amounts(&told));
            prop_assert_ne!(amounts(&price(next)), amounts(&told));
            prop_assert_eq!(price(next - MICRO).next_change_at, Some(next));
        } else {
            prop_assert_eq!(amounts(&price(now + TimeDelta::days(20_000))), amounts(&told));
        }
    }

    #[test]
    fn without_waivers_a_change_is_one_of_the_total(rates in rates(), clock in clock(), now in micros()) {
        let told = price(&rates, clock, at(now));
        if let Some(next) = told.next_change_at {
            prop_assert!(price(&rates, clock, next).total.amount_minor > told.total.amount_minor);
        }
    }

    #[test]
    fn before_its_reception_a_package_costs_nothing(
        rates in rates(),
        clock in clock(),
        waivers in waivers(),
        before in 1..MICROS_PER_DAY,
    ) {
        let earlier = clock.received_at.unwrap() - TimeDelta::microseconds(before);
        let fee = fee(&rates, clock, &waivers, earlier).unwrap();
        prop_assert_eq!((fee.total, fee.lines), (cop(0), vec![]));
    }

    #[test]
    fn quote_pickup_and_audit_agree(
        rates in rates(),
        received in micros(),
        held in micros(),
        waivers in waivers(),
        later in micros(),
    ) {
        let received_at = Some(at(received));
        let picked_up_at = at(received + held.max(0));
        let open = StorageClock { received_at, stopped_at: None };
        let closed = StorageClock { received_at, stopped_at: Some(picked_up_at) };
        let quote = fee(&rates, open, &waivers, picked_up_at).unwrap();
        let pickup = fee(&rates, closed, &waivers, picked_up_at).unwrap();
        let much_later = picked_up_at + TimeDelta::microseconds(later.max(0));
        let audit = fee(&rates, closed, &waivers, much_later).unwrap();
        prop_assert_eq!(amounts(&quote), amounts(&pickup));
        prop_assert_eq!(amounts(&quote), amounts(&audit));
    }

    #[test]
    fn no_copy_of_a_list_shows_another_amount_than_the_function(
        rows in proptest::collection::vec((rates(), clock()), 1..5),
        now in micros(),
        permille in 0..=1_000_i64,
    ) {
        let list = |at| -> Vec<Fee> { rows.iter().map(|(rates, clock)| price(rates, *clock, at)).collect() };
        let made_at = at(now);
        let copy = list(made_at);
        let lifetime = lifetime_secs(made_at, valid_until(copy.iter().map(|fee| fee.next_change_at)));
        prop_assert!(lifetime <= MAX_LIST_LIFETIME_SECS);
        let longest = TimeDelta::seconds(lifetime.into());
        for age in [TimeDelta::microseconds(share(longest, permille)), longest] {
            let shown: Vec<_> = copy.iter().map(amounts).collect();
            let right: Vec<_> = list(made_at + age).iter().map(amounts).collect();
            prop_assert_eq!(shown, right);
        }
    }
}
