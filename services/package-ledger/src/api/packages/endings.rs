//! `POST /v1/packages/{package}/return`, `/abandon` and `/cancel`: a package ends without being fetched.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use problem::FieldError;
use serde::{Deserialize, Serialize};
use service_error::ServiceError;

use super::act::act;
use super::asked::{announcements_of, peek, read, sound};
use super::view;
use crate::cache::groups;
use crate::domain::named::named;
use crate::domain::parcel::{fault, text};
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::ending;

const MAX_REASON_CHARS: usize = 500;

named! {
    /// Whom a package is given back to.
    ReturnTo {
        /// Who brought it.
        Carrier = "carrier",
        /// Who sent it.
        Sender = "sender",
    }
}

/// A return.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Return {
    #[serde(default)]
    reason: Option<String>,
    to: ReturnTo,
}

/// An abandonment.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Abandonment {
    /// What became of it.
    disposal: String,
}

/// A cancellation.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cancellation {
    #[serde(default)]
    reason: Option<String>,
}

/// Answers with the package as it is then.
pub(super) async fn return_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Return>(&state, &request, payload, Permission::MovePackages).await?;
    let reason = reason(asked.body.reason.as_deref())?;
    let (step, body) = asked.act("return_package", vec![groups::SLOTS.to_owned()]);
    act(&state, step, async move |conn, scene| {
        ending::give_back(conn, scene, body.to.as_str(), reason.as_deref()).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}

/// Answers with the package as it is then.
pub(super) async fn abandon_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Abandonment>(&state, &request, payload, Permission::MovePackages).await?;
    let disposal = disposal(&asked.body.disposal)?;
    let (step, _) = asked.act("abandon_package", vec![groups::SLOTS.to_owned()]);
    act(&state, step, async move |conn, scene| {
        ending::abandon(conn, scene, &disposal).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}

/// Answers with the package as it is then.
pub(super) async fn cancel_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Cancellation>(&state, &request, payload, Permission::CancelPackages).await?;
    let reason = reason(asked.body.reason.as_deref())?;
    let package = peek(&state, &asked.standing, asked.package_id).await?;
    let (step, _) = asked.act("cancel_package", announcements_of(package.customer_id));
    act(&state, step, async move |conn, scene| {
        ending::cancel(conn, scene, reason.as_deref()).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}

/// Without one the step is refused by its rule, which says what else is missing.
fn reason(told: Option<&str>) -> Result<Option<String>, ServiceError> {
    let mut faults = Vec::new();
    let reason = text("/reason", told, MAX_REASON_CHARS, &mut faults);
    sound(reason, faults)
}

fn disposal(told: &str) -> Result<String, ServiceError> {
    let mut faults: Vec<FieldError> = Vec::new();
    let disposal = text("/disposal", Some(told), MAX_REASON_CHARS, &mut faults);
    if disposal.is_none() && faults.is_empty() {
        fault("/disposal", "required", "what becomes of the package is expected", &mut faults);
    }
    sound(disposal.unwrap_or_default(), faults)
}
