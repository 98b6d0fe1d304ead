//! The reckoning behind a fee, in words and numbers that a customer can check.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Amounts, MICROS_PER_HOUR, Scale, StorageClock};
use crate::domain::money::Money;
use crate::domain::tariff::{Rates, Rounding};

/// What went into a fee, for its trace.
pub(super) struct Reckoning<'a> {
    /// The prices.
    pub(super) rates: &'a Rates,
    /// The same in the terms of the formula.
    pub(super) scale: &'a Scale,
    /// When storage began and ended.
    pub(super) clock: StorageClock,
    /// The instant asked for.
    pub(super) at: DateTime<Utc>,
    /// Microseconds of storage.
    pub(super) elapsed: i64,
    /// `n`.
    pub(super) periods: i64,
    /// Those of them that cost something, the cap aside.
    pub(super) chargeable: i64,
    /// What was waived, be it more than there is.
    pub(super) granted: Money,
}

impl Reckoning<'_> {
    /// Step by step.
    pub(super) fn told(&self, amounts: &Amounts) -> Vec<String> {
        let Self { scale, elapsed, periods, chargeable, granted, .. } = self;
        let Amounts { base, storage, waived, total } = amounts;
        let (elapsed, period) = (hours(*elapsed), scale.period_hours);
        let rounded = match scale.rounding {
            Rounding::Started => "ceil",
            Rounding::Completed => "floor",
        };
        let money = |amount_minor| Money::new(amount_minor, self.rates.currency);
        let (rate, cap) = (money(self.rates.line.rate_minor), money(self.rates.line.cap_minor));
        let included = scale.included_hours;
        let mut trace = vec![
            self.span(&elapsed),
            format!("n = {rounded}({elapsed} / {period} h) = {periods}"),
            format!("charged = max(0, {periods} - {included} h / {period} h) = {chargeable}"),
            format!("storage = min({chargeable} x {rate}, cap {cap}) = {storage}"),
        ];
        if granted.amount_minor > 0 {
            trace.push(format!("waived = min({granted}, {base} + {storage}) = {waived}"));
        }
        trace.push(format!("total = {base} + {storage} - {waived} = {total}"));
        trace
    }

    fn span(&self, elapsed: &str) -> String {
        let received = self.clock.received_at.map(rfc3339).unwrap_or_default();
        let at = rfc3339(self.at);
        match self.clock.stopped_at {
            Some(stopped_at) => {
                let stopped = rfc3339(stopped_at);
                format!("elapsed = min({at}, stopped {stopped}) - received {received} = {elapsed}")
            }
            None => format!("elapsed = {at} - received {received} = {elapsed}"),
        }
    }
}

/// What there is to tell before reception.
pub(super) fn before_reception(at: DateTime<Utc>, zero: Money) -> Vec<String> {
    vec![format!("not received by {}: total = {zero}", rfc3339(at))]
}

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// `72 h`, or `72 h 0 min 0.000001 s` where it is not a whole number of hours.
fn hours(micros: i64) -> String {
    let (hours, rest) = (micros / MICROS_PER_HOUR, micros % MICROS_PER_HOUR);
    if rest == 0 {
        return format!("{hours} h");
    }
    let (minutes, rest) = (rest / 60_000_000, rest % 60_000_000);
    let (secs, micros) = (rest / 1_000_000, rest % 1_000_000);
    if micros == 0 {
        format!("{hours} h {minutes} min {secs} s")
    } else {
        format!("{hours} h {minutes} min {secs}.{micros:06} s")
    }
}
