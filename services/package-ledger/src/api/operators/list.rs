//! `GET` and `HEAD /v1/operators`: for admins and auditors. Administrators by their token stand in it only if they were added.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::ListRules;
use service_error::{ServiceError, forbidden};

use super::view::OperatorView;
use crate::api::caller;
use crate::domain::person::{Permission, Role, may};
use crate::state::AppState;
use crate::store::operators::{self, OperatorRow};

/// One statement, in the order of ids.
pub(super) async fn list_operators(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    if standing.role != Role::Auditor && !may(standing.role, Permission::ManageOperators) {
        return Err(forbidden("your role at the desk does not allow this"));
    }
    let asked = ListRules::new(&[]).read(&request)?;
    let after = asked.after(&state.cursors, "operators")?;
    let rows = operators::page(&mut *state.desk.read().await?, after, asked.rows()).await?;
    let key = |row: &OperatorRow| row.user_id;
    let page = asked.page(&state.cursors, "operators", rows, key, |row| Ok(OperatorView::from(row)))?;
    Ok(request_parts::answer_private(&page))
}
