//! `POST /v1/payments/{payment}/refund`: money goes back, by an admin.

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{keyed, no_parameters, path_id, read_json};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found, validation};

use super::caller;
use super::packages::act::{Act, act};
use super::packages::money::{PaymentView, above_zero, reason};
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::books;
use crate::store::payments;

/// Registers what is below `/v1/payments`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/payments/{payment}/refund").route(web::post().to(refund_payment)));
}

/// A refund to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Refund {
    amount_minor: i64,
    reason: String,
}

/// Answers with the payment as it is then.
async fn refund_payment(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::Refund).await?;
    let payment_id = path_id(&request, "payment")?;
    no_parameters(&request)?;
    let (body, bytes) = read_json::<Refund>(&request, payload).await?;
    let keyed = keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let mut faults = Vec::new();
    above_zero("/amount_minor", body.amount_minor, &mut faults);
    let reason = reason(&body.reason, &mut faults);
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    let payment = payments::find(&mut *state.desk.read().await?, payment_id).await?.ok_or_else(not_found)?;
    let package_id = payment.package_id;
    let step = Act { name: "refund_payment", package_id, standing, keyed, more: Vec::new() };
    act(&state, step, async move |conn, scene| {
        // As it is now that its package is locked.
        let payment = payments::find(conn, payment_id).await?.ok_or_else(not_found)?;
        let row = books::refund(conn, scene, &payment, body.amount_minor, &reason).await?;
        request_parts::answer(200, &PaymentView::try_from(row)?, None)
    })
    .await
}
