//! What a package costs, by the one function that prices everything (P-D1).

use chrono::{DateTime, Utc};
use problem::{Problem, registry};
use service_error::ServiceError;

use crate::domain::fee::{Fee, FeeError, StorageClock, fee, outstanding};
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::domain::tariff::{SizeClass, Tariff};
use crate::store::packages::PackageRow;

/// What a package costs at an instant. One that was cancelled costs nothing, nor does one that has not come.
///
/// # Errors
/// `internal` for numbers that no tariff has.
pub(crate) fn price(package: &PackageRow, tariff: &Tariff, at: DateTime<Utc>) -> Result<Fee, ServiceError> {
    let clock = match package.status()? {
        Status::Cancelled => StorageClock::default(),
        _ => StorageClock { received_at: package.received_at, stopped_at: package.stopped_at },
    };
    let rates = tariff.rates(package.size_class()?.unwrap_or(SizeClass::Small));
    fee(&rates, clock, &[Money::new(package.waived_minor, tariff.currency)], at).map_err(unpriced)
}

/// What is still to be paid of a fee; below zero where more was paid than is due.
pub(crate) fn balance_minor(package: &PackageRow, fee: &Fee) -> i64 {
    fee.total.amount_minor.saturating_sub(package.paid_minor)
}

/// What a customer is shown to be due of a fee. Nobody pays for what the desk cannot find, and what was owed for a package that was
/// disposed of is given up.
///
/// # Errors
/// `internal` where currencies are mixed, which no test would pass.
pub(crate) fn due(package: &PackageRow, fee: &Fee) -> Result<Money, ServiceError> {
    let currency = fee.total.currency;
    if matches!(package.status()?, Status::Lost | Status::Abandoned) {
        return Ok(Money::zero(currency));
    }
    outstanding(fee, Money::new(package.paid_minor, currency)).map_err(unpriced)
}

fn unpriced(error: impl Into<FeeError>) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error.into()).into()
}
