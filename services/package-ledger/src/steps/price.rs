//! What a package costs, by the one function that prices everything (P-D1).

use chrono::{DateTime, Utc};
use problem::{Problem, registry};
use service_error::ServiceError;

use crate::domain::fee::{Fee, FeeError, StorageClock, fee};
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

fn unpriced(error: FeeError) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error).into()
}
