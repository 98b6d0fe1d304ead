//! When things happen at the desk: by weekday, hour of the day and season, as in Bogotá.

use chrono::{DateTime, Datelike, Duration, NaiveDate, TimeDelta, Timelike, Utc, Weekday};

use super::chance::Chance;

/// Bogotá is five hours behind UTC all year.
const BEHIND_UTC: TimeDelta = Duration::hours(5);
/// How far back the demo data go: eighteen months.
pub(super) const DAYS: i64 = 548;

/// How likely a carrier comes in each hour of the day.
const CARRIER_HOURS: [u32; 24] =
    [0, 0, 0, 0, 0, 0, 0, 0, 6, 14, 18, 16, 9, 7, 12, 14, 11, 6, 3, 0, 0, 0, 0, 0];
/// How likely a parcel is fetched in each.
const PICKUP_HOURS: [u32; 24] = [0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 6, 6, 9, 7, 5, 5, 7, 12, 17, 15, 0, 0, 0, 0];
/// How likely one is announced in each.
const ANNOUNCE_HOURS: [u32; 24] = [1, 0, 0, 0, 0, 1, 2, 4, 7, 9, 9, 8, 8, 7, 7, 7, 7, 8, 9, 10, 10, 8, 5, 3];

/// What somebody does at some hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A carrier brings parcels.
    Delivery,
    /// Somebody fetches one.
    Pickup,
    /// Somebody says that one will come.
    Announcement,
}

/// How many parcels become known on a day, compared with other days.
pub(super) fn weight(day: NaiveDate, days_ago: i64) -> u32 {
    let weekday = match day.weekday() {
        Weekday::Mon => 115,
        Weekday::Tue => 110,
        Weekday::Wed | Weekday::Thu => 100,
        Weekday::Fri => 105,
        Weekday::Sat => 60,
        Weekday::Sun => 35,
    };
    // Sales at the end of November, gifts until Christmas, little afterwards.
    let season = match (day.month(), day.day()) {
        (11, 25..) | (12, 16..=23) => 160,
        (12, ..=15) => 180,
        (12, 24..) => 90,
        (1, ..=14) => 75,
        _ => 100,
    };
    // The desk has become more popular.
    let growth = 110 - u32::try_from(days_ago.clamp(0, DAYS) * 25 / DAYS).unwrap_or_default();
    weekday * season * growth / 1000
}

/// The day at the desk.
pub(super) fn local_day(at: DateTime<Utc>) -> NaiveDate {
    (at - BEHIND_UTC).date_naive()
}

/// Whether the desk is open on a day.
pub(super) fn is_open(day: NaiveDate) -> bool {
    day.weekday() != Weekday::Sun
}

/// The day itself, or the next one on which the desk is open.
pub(super) fn next_open(day: NaiveDate) -> NaiveDate {
    if is_open(day) { day } else { day + TimeDelta::days(1) }
}

/// Some instant of a day at the desk.
pub(super) fn instant(day: NaiveDate, occasion: Occasion, chance: &mut Chance) -> DateTime<Utc> {
    let hours = match occasion {
        Occasion::Delivery => CARRIER_HOURS,
        Occasion::Pickup => PICKUP_HOURS,
        Occasion::Announcement => ANNOUNCE_HOURS,
    };
    let hour = i64::try_from(chance.weighted(hours)).unwrap_or_default();
    let micros = i64::from(chance.below(3_600_000)) * 1_000 + i64::from(chance.below(1_000));
    midnight(day) + TimeDelta::hours(hour) + TimeDelta::microseconds(micros)
}

/// When a day begins at the desk.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() + BEHIND_UTC
}

/// The end of the demo data on this day: its midnight in UTC, so that they are the same whenever on the day they are made.
pub(super) fn anchor(now: DateTime<Utc>) -> DateTime<Utc> {
    let into_the_day = TimeDelta::seconds(i64::from(now.num_seconds_from_midnight()))
        + TimeDelta::nanoseconds(i64::from(now.nanosecond()));
    now - into_the_day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_is_open_by_day_and_busiest_before_christmas() {
        let mut chance = Chance::of("calendar", 0);
        let day = NaiveDate::from_ymd_opt(2026, 11, 5).unwrap();
        for _ in 0..1000 {
            let at = instant(day, Occasion::Delivery, &mut chance);
            assert_eq!(local_day(at), day);
            assert!((8..19).contains(&(at - BEHIND_UTC).hour()), "{at}");
        }
        let on = |month, day| NaiveDate::from_ymd_opt(2025, month, day).unwrap();
        assert!(weight(on(12, 10), 0) > weight(on(10, 8), 0));
        assert!(weight(on(10, 5), 0) < weight(on(10, 6), 0), "a Sunday");
        assert_eq!(next_open(on(10, 5)), on(10, 6));
    }

    #[test]
    fn the_end_is_the_same_all_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(anchor(at("2026-11-29T05:16:18.5Z")), at("2026-11-29T00:00:00Z"));
        assert_eq!(anchor(at("2026-11-29T00:00:00Z")), at("2026-11-29T00:00:00Z"));
    }
}
