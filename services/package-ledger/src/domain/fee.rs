//! What a package costs at an instant, with the reckoning behind it (P-D1).
//!
//! [`fee`] is the only place that prices storage: list, quote, pickup and audit all call it, so that they cannot differ.
//!
//! `n = ceil(elapsed / period)` where started periods count, `floor` where completed ones do; `storage = max(0, n - included / period)
//! x rate`, at most the cap; `total = base + storage - waivers`, at least nothing.
//!
//! **Time.** Elapsed is counted from reception, in microseconds as the database keeps them, to the instant asked for or to where the
//! clock was stopped. Instants are UTC and periods are fixed hours, so neither clock changes nor leap days matter.
//!
//! **Boundaries.** An instant that ends a period belongs to it. Exactly 24 h after reception one period has started (`ceil(24 / 24) =
//! 1`), a microsecond later two: storage that includes 24 h is still free at the former and costs from the latter on. Where completed
//! periods count, a period counts from exactly its end.
//!
//! **Waivers** count at every instant, also before they were granted: a question about the past is answered by today's knowledge.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::money::{Money, MoneyError};
use super::named::named;
use super::tariff::{Rates, Rounding};

pub(crate) mod lifetime;
mod trace;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// When storage of a package began and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StorageClock {
    /// Its reception, if it has come.
    pub(crate) received_at: Option<DateTime<Utc>>,
    /// Where the clock stopped: it was handed over, returned, lost, …
    pub(crate) stopped_at: Option<DateTime<Utc>>,
}

named! {
    /// What a line of a fee is for.
    FeeCode {
        /// Handling.
        Base = "base",
        /// Storage beyond what the base pays for.
        Storage = "storage",
        /// The part of the last period that is above the cap.
        StorageCap = "storage_cap",
        /// What the desk does without.
        Waiver = "waiver",
    }
}

/// One line: `amount` is `quantity` times `unit_minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FeeLine {
    /// What it is for.
    pub(crate) code: FeeCode,
    /// How often: of storage, the periods that are charged.
    pub(crate) quantity: i64,
    /// Each, in minor units.
    pub(crate) unit_minor: i64,
    /// Together; below zero where it lowers the fee.
    pub(crate) amount: Money,
}

/// What a package costs at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fee {
    /// The instant.
    pub(crate) at: DateTime<Utc>,
    /// What is due: base and storage without what is waived, never below zero.
    pub(crate) total: Money,
    /// For handling.
    pub(crate) base: Money,
    /// For storage, at most the cap.
    pub(crate) storage: Money,
    /// What is waived of both; no more than there is.
    pub(crate) waived: Money,
    /// What the total consists of. Lines that come to nothing are left out.
    pub(crate) lines: Vec<FeeLine>,
    /// The reckoning, step by step, with its numbers.
    pub(crate) trace: Vec<String>,
    /// The version of the tariff that it is by.
    pub(crate) tariff_version_id: Uuid,
    /// The first instant after `at` with other amounts: until then nothing changes by time alone. None where nothing ever will, as when
    /// the cap is reached or the clock stopped, or when nobody can know yet, because the package has not come.
    pub(crate) next_change_at: Option<DateTime<Utc>>,
}

/// Why a fee cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeeError {
    /// The tariff or the waivers cannot be reckoned with.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The tariff has a number that none may have; one that was checked has not.
    #[error("a tariff with negative numbers, or with a period of no length, prices nothing")]
    UnsoundRates,
    /// A waiver would make the package dearer.
    #[error("a waiver is below zero")]
    NegativeWaiver,
    /// The instants are further apart than can be counted.
    #[error("the instants are too far apart")]
    TooLong,
}

/// What a package costs at an instant. Before its reception, nothing.
///
/// # Errors
/// [`FeeError`]; none of them with a tariff that was checked, waivers of its currency, and instants of this era.
pub(crate) fn fee(
    rates: &Rates,
    clock: StorageClock,
    waivers: &[Money],
    at: DateTime<Utc>,
) -> Result<Fee, FeeError> {
    let scale = Scale::of(rates)?;
    let granted = granted(rates, waivers)?;
    let Some(elapsed) = elapsed_micros(clock, at)? else {
        return Ok(nothing_yet(rates, &scale, clock, at));
    };
    let periods = scale.periods(elapsed);
    let chargeable = (periods - scale.included).max(0);
    let charged = chargeable.min(scale.most);
    let amounts = Amounts::of(rates, charged, granted)?;
    let next = if charged < scale.most { scale.tick_after(periods) } else { None };
    let reckoning =
        trace::Reckoning { rates, scale: &scale, clock, at, elapsed, periods, chargeable, granted };
    Ok(Fee {
        at,
        total: amounts.total,
        base: amounts.base,
        storage: amounts.storage,
        waived: amounts.waived,
        lines: lines(rates, charged, &amounts)?,
        trace: reckoning.told(&amounts),
        tariff_version_id: rates.tariff_id,
        next_change_at: next.and_then(|micros| clock.running_at(micros)),
    })
}

/// What of a fee is still to be paid. Where more was paid than is due, nothing is.
///
/// # Errors
/// What was paid is of another currency.
pub(crate) fn outstanding(fee: &Fee, paid: Money) -> Result<Money, MoneyError> {
    let left = fee.total.checked_sub(paid)?;
    Ok(Money { amount_minor: left.amount_minor.max(0), ..left })
}

/// A line of a tariff in the terms of the formula.
struct Scale {
    period_hours: i32,
    included_hours: i32,
    period_micros: i64,
    /// Periods that cost nothing.
    included: i64,
    /// After so many charged periods storage costs no more.
    most: i64,
    rounding: Rounding,
}

impl Scale {
    fn of(rates: &Rates) -> Result<Self, FeeError> {
        let line = rates.line;
        let is_sound = line.period_hours > 0
            && line.included_hours >= 0
            && line.base_minor >= 0
            && line.rate_minor >= 0
            && line.cap_minor >= 0;
        if !is_sound {
            return Err(FeeError::UnsoundRates);
        }
        let most = if line.rate_minor > 0 { ceil(line.cap_minor, line.rate_minor) } else { 0 };
        Ok(Self {
            period_hours: line.period_hours,
            included_hours: line.included_hours,
            // Fits: 2^31 hours are less than 2^63 microseconds.
            period_micros: i64::from(line.period_hours) * MICROS_PER_HOUR,
            included: i64::from(line.included_hours / line.period_hours),
            most,
            rounding: line.rounding,
        })
    }

    fn periods(&self, elapsed: i64) -> i64 {
        match self.rounding {
            Rounding::Started => ceil(elapsed, self.period_micros),
            Rounding::Completed => elapsed / self.period_micros,
        }
    }

    /// How long after reception the next charged period counts, if so many count now.
    fn tick_after(&self, periods: i64) -> Option<i64> {
        let next = periods.max(self.included) + 1;
        match self.rounding {
            Rounding::Started => (next - 1).checked_mul(self.period_micros)?.checked_add(1),
            Rounding::Completed => next.checked_mul(self.period_micros),
        }
    }
}

fn ceil(number: i64, divisor: i64) -> i64 {
    number / divisor + i64::from(number % divisor > 0)
}

fn granted(rates: &Rates, waivers: &[Money]) -> Result<Money, FeeError> {
    if waivers.iter().any(|waiver| waiver.amount_minor < 0) {
        return Err(FeeError::NegativeWaiver);
    }
    Ok(Money::sum(rates.currency, waivers)?)
}

/// How long the package has been stored, in microseconds; none before its reception.
fn elapsed_micros(clock: StorageClock, at: DateTime<Utc>) -> Result<Option<i64>, FeeError> {
    let at = at.timestamp_micros();
    let Some(received_at) = clock.received_at.map(|received_at| received_at.timestamp_micros()) else {
        return Ok(None);
    };
    if at < received_at {
        return Ok(None);
    }
    let end = clock.stopped_at.map_or(at, |stopped_at| at.min(stopped_at.timestamp_micros()));
    let elapsed = end.checked_sub(received_at).ok_or(FeeError::TooLong)?;
    Ok(Some(elapsed.max(0)))
}

impl StorageClock {
    /// The instant so long after reception, if the clock still runs then.
    fn running_at(self, micros: i64) -> Option<DateTime<Utc>> {
        let instant = self.received_at?.timestamp_micros().checked_add(micros)?;
        let is_stopped = self.stopped_at.is_some_and(|stopped_at| stopped_at.timestamp_micros() < instant);
        if is_stopped { None } else { DateTime::from_timestamp_micros(instant) }
    }
}

struct Amounts {
    base: Money,
    storage: Money,
    waived: Money,
    total: Money,
}

impl Amounts {
    fn of(rates: &Rates, charged: i64, granted: Money) -> Result<Self, MoneyError> {
        let money = |amount_minor| Money::new(amount_minor, rates.currency);
        let base = money(rates.line.base_minor);
        let uncapped = money(rates.line.rate_minor).checked_mul(charged)?;
        let storage = uncapped.checked_min(money(rates.line.cap_minor))?;
        let gross = base.checked_add(storage)?;
        let waived = granted.checked_min(gross)?;
        Ok(Self { base, storage, waived, total: gross.checked_sub(waived)? })
    }
}

fn lines(rates: &Rates, charged: i64, amounts: &Amounts) -> Result<Vec<FeeLine>, MoneyError> {
    let uncapped = Money::new(rates.line.rate_minor, rates.currency).checked_mul(charged)?;
    let above_cap = amounts.storage.checked_sub(uncapped)?;
    let waived = amounts.waived.checked_mul(-1)?;
    let once = |code, amount: Money| FeeLine { code, quantity: 1, unit_minor: amount.amount_minor, amount };
    let all = [
        once(FeeCode::Base, amounts.base),
        FeeLine {
            code: FeeCode::Storage,
            quantity: charged,
            unit_minor: rates.line.rate_minor,
            amount: uncapped,
        },
        once(FeeCode::StorageCap, above_cap),
        once(FeeCode::Waiver, waived),
    ];
    Ok(all.into_iter().filter(|line| line.amount.amount_minor != 0).collect())
}

/// The fee before reception. If it is known when that is, it is known too when the fee changes.
fn nothing_yet(rates: &Rates, scale: &Scale, clock: StorageClock, at: DateTime<Utc>) -> Fee {
    let zero = Money::zero(rates.currency);
    let next_change_at = if rates.line.base_minor > 0 {
        // Due at reception, even where the clock was stopped at once.
        StorageClock { stopped_at: None, ..clock }.running_at(0)
    } else if scale.most > 0 {
        scale.tick_after(0).and_then(|micros| clock.running_at(micros))
    } else {
        None
    };
    Fee {
        at,
        total: zero,
        base: zero,
        storage: zero,
        waived: zero,
        lines: Vec::new(),
        trace: trace::before_reception(at, zero),
        tariff_version_id: rates.tariff_id,
        next_change_at,
    }
}

#[cfg(test)]
mod tests;
