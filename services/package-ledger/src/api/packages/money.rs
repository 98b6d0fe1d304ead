//! What everything about the money of a package has in common: offers, and money as JSON.

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{FieldError, Problem, registry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::{code, deliver, fee, payments, receipt, waivers};
use crate::cache::tariffs;
use crate::domain::fee::Fee;
use crate::domain::ledger::Method;
use crate::domain::money::{Currency, Money};
use crate::domain::parcel::{fault, text};
use crate::domain::status::{Missing, allowed};
use crate::problems::STEP_REFUSED;
use crate::steps::books::Offer;
use crate::steps::price::price;
use crate::steps::scene::Scene;
use crate::store::payments::PaymentRow;

/// Registers what is about money below `/v1/packages/{package}`, and the hand-over.
pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/packages/{package}/fee")
            .route(web::get().to(fee::get_package_fee))
            .route(web::head().to(fee::get_package_fee)),
    );
    app.service(
        web::resource("/v1/packages/{package}/deliver").route(web::post().to(deliver::deliver_package)),
    );
    app.service(
        web::resource("/v1/packages/{package}/code")
            .route(web::get().to(code::get_package_code))
            .route(web::head().to(code::get_package_code))
            .route(web::post().to(code::post_package_code)),
    );
    app.service(
        web::resource("/v1/packages/{package}/payments")
            .route(web::get().to(payments::list_payments))
            .route(web::head().to(payments::list_payments))
            .route(web::post().to(payments::post_payment)),
    );
    app.service(
        web::resource("/v1/packages/{package}/waivers")
            .route(web::get().to(waivers::list_waivers))
            .route(web::head().to(waivers::list_waivers))
            .route(web::post().to(waivers::post_waiver)),
    );
    app.service(
        web::resource("/v1/packages/{package}/receipt")
            .route(web::get().to(receipt::get_receipt))
            .route(web::head().to(receipt::get_receipt)),
    );
}

const MAX_REFERENCE_CHARS: usize = 100;
/// Longest reason, in characters; the database has the same bound.
pub(crate) const MAX_REASON_CHARS: usize = 500;

/// Money that is offered, as the client sends it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferBody {
    method: Method,
    amount_minor: i64,
    currency: Currency,
    #[serde(default)]
    reference: Option<String>,
}

impl OfferBody {
    /// The offer, if it is sound; `place` is where it stands in the body.
    pub(crate) fn offer(&self, place: &str, faults: &mut Vec<FieldError>) -> Offer {
        above_zero(&format!("{place}/amount_minor"), self.amount_minor, faults);
        let pointer = format!("{place}/reference");
        let reference = text(&pointer, self.reference.as_deref(), MAX_REFERENCE_CHARS, faults);
        Offer { method: self.method, amount: Money::new(self.amount_minor, self.currency), reference }
    }
}

/// Finds fault with an amount that is none.
pub(crate) fn above_zero(pointer: &str, amount_minor: i64, faults: &mut Vec<FieldError>) {
    if amount_minor <= 0 {
        fault(pointer, "out_of_range", "must be above zero", faults);
    }
}

/// A reason that has to be given.
pub(crate) fn reason(told: &str, faults: &mut Vec<FieldError>) -> String {
    let before = faults.len();
    let reason = text("/reason", Some(told), MAX_REASON_CHARS, faults);
    if reason.is_none() && faults.len() == before {
        fault("/reason", "required", "it has to be said why", faults);
    }
    reason.unwrap_or_default()
}

/// A payment as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentView {
    id: Uuid,
    package_id: Uuid,
    customer_id: Option<Uuid>,
    receipt_no: i64,
    method: Method,
    amount: Money,
    refunded: Money,
    reference: Option<String>,
    received_by: Uuid,
    created_at: DateTime<Utc>,
}

impl TryFrom<PaymentRow> for PaymentView {
    type Error = ServiceError;

    fn try_from(row: PaymentRow) -> Result<Self, ServiceError> {
        let (method, currency) = (row.method()?, row.currency()?);
        Ok(Self {
            id: row.id,
            package_id: row.package_id,
            customer_id: row.customer_id,
            receipt_no: row.receipt_no,
            method,
            amount: Money::new(row.amount_minor, currency),
            refunded: Money::new(row.refunded_minor, currency),
            reference: row.reference,
            received_by: row.received_by,
            created_at: row.created_at,
        })
    }
}

/// What the package of a scene costs now.
///
/// # Errors
/// Of the database.
pub(crate) async fn fee_now(conn: &mut Connection, scene: &Scene) -> Result<Fee, ServiceError> {
    let tariff_id = scene.package.tariff_id;
    let known = scene.state.tariffs.with(conn, [tariff_id]).await?;
    price(&scene.package, tariffs::one(&known, tariff_id)?, scene.now)
}

/// Refuses what cannot be done with the package of a scene as it stands.
pub(crate) fn not_now(scene: &Scene, missing: Missing, detail: &str) -> ServiceError {
    let allowed: Vec<&str> = allowed(scene.before).into_iter().map(|action| action.as_str()).collect();
    Problem::new(&STEP_REFUSED)
        .detail(detail)
        .member("missing", json!([missing.as_str()]))
        .member("allowed", json!(allowed))
        .into()
}

/// A problem as the answer of a transaction that is committed all the same. It is kept for its key as any other answer.
///
/// # Errors
/// `internal` where it cannot be written, which no test would pass.
pub(crate) fn committed(problem: &Problem) -> Result<StoredAnswer, ServiceError> {
    let body = serde_json::to_vec(&problem.to_json())
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    let headers = vec![("content-type".to_owned(), problem::CONTENT_TYPE.to_owned())];
    Ok(StoredAnswer { status: problem.kind().status, headers, body })
}
