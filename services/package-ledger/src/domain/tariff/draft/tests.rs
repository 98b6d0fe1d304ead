use super::*;
use crate::domain::tariff::Tariff;
use crate::domain::tariff::tests::first_version;

fn new_tariff() -> NewTariff {
    let Tariff { valid_from, currency, notice_days, lines, policy, .. } = first_version();
    NewTariff { effective_from: valid_from, currency, notice_days, lines, policy }
}

fn faults(change: impl FnOnce(&mut NewTariff)) -> Vec<(String, &'static str)> {
    let mut tariff = new_tariff();
    change(&mut tariff);
    let faults = tariff.checked().err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn our_own_tariff_is_sound() {
    assert_eq!(new_tariff().checked(), Ok(new_tariff()));
}

#[test]
fn tariffs_of_other_desks_are_sound() {
    // Seven days free for a normal parcel and three for a pallet, then by the day.
    assert_eq!(
        faults(|tariff| {
            tariff.currency = Currency::Usd;
            let normal =
                TariffLine { base_minor: 0, included_hours: 168, rate_minor: 200, ..tariff.lines.small };
            let pallet = TariffLine { included_hours: 72, rate_minor: 500, ..normal };
            tariff.lines = TariffLines { small: normal, extra: pallet };
            tariff.policy =
                HoldPolicy { free_hours: 72, max_hold_days: 60, abandon_days: 90, ..tariff.policy.clone() };
        }),
        []
    );
    // Ten days free, then back to the sender: storage itself never costs anything.
    assert_eq!(
        faults(|tariff| {
            let free = TariffLine { base_minor: 0, rate_minor: 0, cap_minor: 0, ..tariff.lines.small };
            tariff.lines = TariffLines { small: free, extra: free };
            tariff.policy.reminder_days = Vec::new();
        }),
        []
    );
}

#[test]
fn what_is_out_of_bounds_is_told_with_its_place() {
    type Change = fn(&mut NewTariff);
    let cases: [(Change, &str, &str); 15] = [
        (|tariff| tariff.notice_days = -1, "/notice_days", "out_of_range"),
        (|tariff| tariff.lines.small.base_minor = -1, "/lines/small/base_minor", "out_of_range"),
        (|tariff| tariff.lines.extra.rate_minor = -1, "/lines/extra/rate_minor", "out_of_range"),
        (|tariff| tariff.lines.small.cap_minor = i64::MAX, "/lines/small/cap_minor", "out_of_range"),
        (|tariff| tariff.lines.small.period_hours = 0, "/lines/small/period_hours", "out_of_range"),
        (|tariff| tariff.lines.small.period_hours = 23, "/lines/small/included_hours", "invalid_format"),
        (|tariff| tariff.lines.extra.included_hours = 36, "/lines/extra/included_hours", "invalid_format"),
        (|tariff| tariff.policy.free_hours = 25, "/policy/free_hours", "out_of_range"),
        (|tariff| tariff.policy.free_hours = -1, "/policy/free_hours", "out_of_range"),
        (|tariff| tariff.policy.abandon_days = 30, "/policy/abandon_days", "out_of_range"),
        (|tariff| tariff.policy.min_sms = -1, "/policy/min_sms", "out_of_range"),
        (|tariff| tariff.policy.min_calls = 101, "/policy/min_calls", "out_of_range"),
        (|tariff| tariff.policy.reminder_days = vec![3, 3], "/policy/reminder_days/1", "out_of_range"),
        (|tariff| tariff.policy.reminder_days = vec![0], "/policy/reminder_days/0", "out_of_range"),
        (|tariff| tariff.policy.reminder_days = (1..=21).collect(), "/policy/reminder_days", "too_long"),
    ];
    for (change, pointer, code) in cases {
        assert_eq!(faults(change), [(pointer.to_owned(), code)]);
    }
    // A reminder on the day on which the hold ends would say what its end says.
    let late = faults(|tariff| tariff.policy.reminder_days = vec![30]);
    assert_eq!(late, [("/policy/reminder_days/0".to_owned(), "out_of_range")]);
}

#[test]
fn all_faults_are_told_at_once() {
    let told = faults(|tariff| {
        tariff.notice_days = 366;
        tariff.lines.extra.base_minor = -1;
        tariff.policy.min_sms = -1;
    });
    assert_eq!(told.len(), 3);
}
