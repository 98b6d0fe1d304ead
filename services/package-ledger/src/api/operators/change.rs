//! `PUT` and `DELETE /v1/operators/{user}`: an admin decides who works at the desk, and as what.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{answer, no_content};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found, validation};
use uuid::Uuid;

use super::view::OperatorView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::domain::customer::name;
use crate::domain::parcel::fault;
use crate::domain::person::{Permission, Role};
use crate::state::AppState;
use crate::store::operators;

/// What somebody is to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Employment {
    role: Role,
    /// As it stands on receipts.
    name: String,
}

impl Employment {
    fn checked(self) -> Result<(Role, String), ServiceError> {
        let mut faults = Vec::new();
        let name = name("/name", &self.name, &mut faults);
        if !self.role.is_staff() {
            fault("/role", "not_a_choice", "operator, admin or auditor is expected", &mut faults);
        }
        if faults.is_empty() { Ok((self.role, name)) } else { Err(validation(faults)) }
    }
}

/// Answers with what the person is then.
pub(super) async fn put_operator(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ManageOperators).await?;
    let user_id = request_parts::path_id(&request, "user")?;
    request_parts::no_parameters(&request)?;
    let (employment, bytes) = request_parts::read_json::<Employment>(&request, payload).await?;
    let (role, name) = employment.checked()?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let now = state.context.now();
    let change = Change { name: "put_operator", affected: Some(affected(user_id)), keyed };
    perform(&state, change, async move |conn| {
        let (row, is_new) = operators::put(conn, user_id, role, &name, now).await?;
        answer(if is_new { 201 } else { 200 }, &OperatorView::from(row), None)
    })
    .await
}

/// The person is a customer, or nobody, from then on.
pub(super) async fn delete_operator(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ManageOperators).await?;
    let user_id = request_parts::path_id(&request, "user")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &[])?;
    let change = Change { name: "delete_operator", affected: Some(affected(user_id)), keyed };
    perform(&state, change, async move |conn| {
        if operators::remove(conn, user_id).await? { Ok(no_content()) } else { Err(not_found()) }
    })
    .await
}

fn affected(user_id: Uuid) -> Affected {
    Affected::of("operators", [groups::OPERATORS.to_owned(), groups::standing(user_id)])
}
