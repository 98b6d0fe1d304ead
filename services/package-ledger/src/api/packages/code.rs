//! `GET`, `HEAD` and `POST /v1/packages/{package}/code`: the pickup code, for its customer's eyes alone (P-D7).
//!
//! A new one is issued on demand. That answer does not hold the code: it is kept for repetitions, and a code is kept nowhere.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{no_parameters, path_id};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, forbidden, invalid, not_found};
use uuid::Uuid;

use super::act::act;
use super::asked::{peek, read};
use super::money::not_now;
use super::proof::{IdentityBody, is_shown};
use crate::api::caller;
use crate::cache::standing::Standing;
use crate::domain::person::Permission;
use crate::domain::status::Missing;
use crate::state::AppState;
use crate::steps::{codes as steps, messages};
use crate::store::codes::{self, CodeRow};

/// A code as its customer sees it.
#[derive(Serialize)]
struct CodeView {
    package_id: Uuid,
    /// None of one that fetches nothing any more.
    code: Option<String>,
    state: &'static str,
    issued_at: DateTime<Utc>,
}

/// A wish for a new one.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// What the customer shows at the desk.
    #[serde(default)]
    identity: Option<IdentityBody>,
}

/// Where a code stands.
fn state_of(row: &CodeRow) -> &'static str {
    match (row.used_at, row.locked_at) {
        (Some(_), _) => "used",
        (None, Some(_)) => "locked",
        (None, None) => "valid",
    }
}

/// For the customer of the package alone: whoever works at the desk is told it by the recipient.
pub(super) async fn get_package_code(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = path_id(&request, "package")?;
    no_parameters(&request)?;
    let package = peek(&state, &standing, package_id).await?;
    let customer_id = owner(&standing, package.customer_id)?;
    let row = codes::find(&mut *state.desk.read().await?, package_id, customer_id).await?;
    let row = row.ok_or_else(not_found)?;
    let standing_of_code = state_of(&row);
    let is_valid = standing_of_code == "valid";
    let code = if is_valid { Some(steps::code_of(&state.pickup, &row)?.reveal()) } else { None };
    let view = CodeView { package_id, code, state: standing_of_code, issued_at: row.issued_at };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(view))
}

fn owner(standing: &Standing, customer_id: Option<Uuid>) -> Result<Uuid, ServiceError> {
    match customer_id {
        Some(id) if standing.customer_id == Some(id) => Ok(id),
        _ => Err(forbidden("a pickup code is for the customer of the package alone")),
    }
}

/// Voids the code that was out.
pub(super) async fn post_package_code(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Wish>(&state, &request, payload, Permission::ReadOwn).await?;
    let (step, body) = asked.act("issue_code", Vec::new());
    let standing = step.standing;
    act(&state, step, async move |conn, scene| {
        let Some(customer_id) = scene.package.customer_id else {
            return Err(not_now(scene, Missing::Customer, "its customer must be identified first"));
        };
        if scene.status()?.is_terminal() {
            return Err(not_now(scene, Missing::Transition, "a package that has ended needs no code"));
        }
        if standing.customer_id != Some(customer_id) {
            let identity = body.identity.as_ref().ok_or_else(|| {
                invalid(
                    "/identity",
                    "required",
                    "what the customer shows is expected, unless the customer asks",
                )
            })?;
            if !is_shown(conn, customer_id, identity).await? {
                return Err(forbidden("this is not the document of the customer of the package"));
            }
        }
        steps::issue_on_demand(conn, scene).await?;
        messages::queue(conn, scene, "code_reissued").await?;
        let view =
            CodeView { package_id: scene.package.id, code: None, state: "valid", issued_at: scene.now };
        let mut answer = request_parts::answer(201, &view, None)?;
        answer.headers.push(("location".to_owned(), format!("/v1/packages/{}/code", scene.package.id)));
        Ok(answer)
    })
    .await
}
