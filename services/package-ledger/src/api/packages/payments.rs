//! `GET`, `HEAD` and `POST /v1/packages/{package}/payments`: money for a package, before it is fetched or with what is owed after.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{ListRules, answer_private, path_id};
use service_error::ServiceError;

use super::act::act;
use super::asked::{peek, read, sound};
use super::money::{OfferBody, PaymentView, fee_now, not_now};
use crate::api::caller;
use crate::domain::person::Permission;
use crate::domain::status::Missing;
use crate::state::AppState;
use crate::steps::books;
use crate::store::payments;

/// In the order in which they came.
pub(super) async fn list_payments(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = path_id(&request, "package")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("payments\n{package_id}");
    let after = asked.after(&state.cursors, &scope)?;
    peek(&state, &standing, package_id).await?;
    let rows = payments::of_package(&mut *state.desk.read().await?, package_id, after, asked.rows()).await?;
    Ok(answer_private(&asked.page(&state.cursors, &scope, rows, |row| row.id, PaymentView::try_from)?))
}

/// Answers with the payment and its number.
pub(super) async fn post_payment(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<OfferBody>(&state, &request, payload, Permission::TakePayments).await?;
    let (step, body) = asked.act("take_payment", Vec::new());
    let mut faults = Vec::new();
    let offer = sound(body.offer("", &mut faults), faults)?;
    act(&state, step, async move |conn, scene| {
        if scene.package.customer_id.is_none() {
            // It would be booked on nobody's account, and stay there when the customer is known.
            return Err(not_now(scene, Missing::Customer, "its customer must be identified first"));
        }
        let fee = fee_now(conn, scene).await?;
        let due = books::due(conn, &scene.package, &fee).await?;
        books::check_offer(&offer, due, "")?;
        let row = books::pay(conn, scene, &offer).await?;
        request_parts::answer(201, &PaymentView::try_from(row)?, None)
    })
    .await
}
