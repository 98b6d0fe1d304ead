//! `GET` and `HEAD /v1/packages/{package}/fee`: what a package costs, cost or will cost at any instant, and how that comes about
//! (P-D1).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{answer_private, path_id, refuse_parameter};
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::caller;
use crate::cache::tariffs;
use crate::domain::fee::Fee;
use crate::domain::money::Money;
use crate::state::AppState;
use crate::steps::books;
use crate::steps::price::price;
use crate::store::packages;

/// A fee with what was paid.
#[derive(Serialize)]
struct Quote {
    package_id: Uuid,
    #[serde(flatten)]
    fee: Fee,
    /// Number of the version of the tariff.
    tariff_version: i32,
    /// Paid until now.
    paid: Money,
    /// What of the fee is not paid.
    due: Money,
}

/// One statement, one more where the tariff was never read, and one for what was charged already.
pub(super) async fn get_package_fee(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = path_id(&request, "package")?;
    let at = asked_at(&request)?.unwrap_or_else(|| state.context.now());
    let mut conn = state.desk.read().await?;
    let package = packages::find(&mut conn, package_id).await?.ok_or_else(not_found)?;
    caller::known(&standing, package.customer_id)?;
    let known = state.tariffs.with(&mut conn, [package.tariff_id]).await?;
    let tariff = tariffs::one(&known, package.tariff_id)?;
    let fee = price(&package, tariff, at)?;
    let paid = Money::new(package.paid_minor, tariff.currency);
    // As a payment is checked against it.
    let due = books::due(&mut conn, &package, &fee).await?;
    drop(conn);
    let due = Money { amount_minor: due.amount_minor.max(0), ..due };
    Ok(answer_private(&Quote { package_id, fee, tariff_version: tariff.version, paid, due }))
}

fn asked_at(request: &HttpRequest) -> Result<Option<DateTime<Utc>>, ServiceError> {
    let mut at = None;
    for (name, value) in http_server::query_pairs(request)? {
        if name != "at" {
            return Err(refuse_parameter(&name, "unknown_parameter", "no such parameter here"));
        }
        if at.is_some() {
            return Err(refuse_parameter("at", "repeated", "may be given once"));
        }
        at = Some(instant("at", &value)?);
    }
    Ok(at)
}

/// An instant of a parameter.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn instant(name: &str, value: &str) -> Result<DateTime<Utc>, ServiceError> {
    DateTime::parse_from_rfc3339(value).map(|instant| instant.to_utc()).map_err(|_| {
        refuse_parameter(name, "invalid_format", "an instant as 2026-11-05T15:00:00Z is expected")
    })
}
