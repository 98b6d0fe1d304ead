use proptest::prelude::*;

use super::*;

/// The first version, as the migration has it.
pub(crate) fn first_version() -> Tariff {
    let small = TariffLine {
        base_minor: 150_000,
        included_hours: 24,
        period_hours: 24,
        rate_minor: 100_000,
        cap_minor: 3_000_000,
        rounding: Rounding::Started,
    };
    Tariff {
        id: Uuid::from_u128(1),
        version: 1,
        currency: Currency::Cop,
        valid_from: instant("2000-01-01T00:00:00Z"),
        valid_to: None,
        notice_days: 15,
        lines: TariffLines { small, extra: TariffLine { base_minor: 200_000, ..small } },
        policy: HoldPolicy {
            free_hours: 24,
            reminder_days: vec![1, 3, 7, 15, 25],
            max_hold_days: 30,
            abandon_days: 45,
            min_sms: 3,
            min_calls: 2,
        },
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_parcel_is_small_to_30_cm_a_side_and_below_5_kg() {
    for (dims_mm, weight_g, expected) in [
        ([300, 300, 300], 4_999, SizeClass::Small),
        ([300, 300, 300], 5_000, SizeClass::Extra),
        ([301, 10, 10], 100, SizeClass::Extra),
        ([10, 301, 10], 100, SizeClass::Extra),
        ([10, 10, 301], 100, SizeClass::Extra),
    ] {
        assert_eq!(SizeClass::of(dims_mm, weight_g), expected, "{dims_mm:?} mm, {weight_g} g");
        assert!(SizeClass::Extra.fits(dims_mm, weight_g));
    }
}

#[test]
fn names_lead_back() {
    for size in SizeClass::ALL {
        assert_eq!(SizeClass::parse(size.as_str()), Some(*size));
        assert_eq!(serde_json::to_string(size).unwrap(), format!("\"{}\"", size.as_str()));
    }
    for rounding in Rounding::ALL {
        assert_eq!(Rounding::parse(rounding.as_str()), Some(*rounding));
        assert_eq!(serde_json::to_string(rounding).unwrap(), format!("\"{}\"", rounding.as_str()));
    }
}

#[test]
fn a_tariff_may_take_effect_with_the_last_microsecond_of_the_notice_and_not_before() {
    let now = instant("2026-11-29T10:00:00Z");
    let earliest = instant("2026-12-14T10:00:00Z");
    assert_eq!(check_notice(earliest, now, 15), Ok(()));
    let too_soon = check_notice(earliest - TimeDelta::microseconds(1), now, 15);
    assert_eq!(too_soon, Err(NoticeTooShort { earliest }));
    // What is allowed now was too soon a microsecond later.
    assert!(check_notice(earliest, now + TimeDelta::microseconds(1), 15).is_err());
    assert_eq!(check_notice(now, now, 0), Ok(()));
}

#[test]
fn the_version_that_began_last_is_in_force() {
    let start = instant("2026-12-14T10:00:00Z");
    let first = first_version();
    let second = Tariff { id: Uuid::from_u128(2), version: 2, valid_from: start, ..first_version() };
    let tariffs = [second, first];
    let version = |at| in_force(&tariffs, at).map(|tariff| tariff.version);
    assert_eq!(version(start - TimeDelta::microseconds(1)), Some(1));
    assert_eq!(version(start), Some(2));
    assert_eq!(version(instant("1999-12-31T23:59:59Z")), None);
}

#[test]
fn a_version_that_has_ended_is_not_in_force() {
    let end = instant("2026-12-14T10:00:00Z");
    let tariffs = [Tariff { valid_to: Some(end), ..first_version() }];
    assert!(in_force(&tariffs, end - TimeDelta::microseconds(1)).is_some());
    assert_eq!(in_force(&tariffs, end), None);
}

proptest! {
    #[test]
    fn there_is_one_version_at_every_instant_after_the_first(
        starts in proptest::collection::btree_set(1_i64..1_000, 1..6),
        at in 0_i64..1_100,
    ) {
        let instant = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        let tariffs: Vec<Tariff> = starts.iter().zip(1..).map(|(start, version)| {
            Tariff { version, valid_from: instant(*start), ..first_version() }
        }).collect();
        let expected = starts.iter().rposition(|start| *start <= at).map(|index| tariffs[index].version);
        prop_assert_eq!(in_force(&tariffs, instant(at)).map(|tariff| tariff.version), expected);
    }
}
