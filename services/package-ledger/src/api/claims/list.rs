//! `GET` and `HEAD /v1/claims`: all of them for the desk, one's own for a customer; the newest first.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{ListRules, Page, parameter_fault};
use service_error::{ServiceError, parameters};
use uuid::Uuid;

use super::view::ClaimView;
use crate::api::caller;
use crate::domain::claim::ClaimStatus;
use crate::state::AppState;
use crate::store::claims::{self, ClaimFilter, ClaimRow};

/// One statement.
pub(super) async fn list_claims(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let asked = ListRules::new(&["status", "package_id"]).read(&request)?;
    let mut filter = filter(asked.filter("status"), asked.filter("package_id"))?;
    if !standing.sees_all() {
        let Some(customer_id) = standing.customer_id else {
            return Ok(request_parts::answer_private(&Page::<ClaimView> { items: Vec::new(), next: None }));
        };
        filter.customer_id = Some(customer_id);
    }
    let scope = format!("claims\n{filter:?}");
    let after = asked.after(&state.cursors, &scope)?;
    let rows = claims::page(&mut *state.desk.read().await?, filter, after, asked.rows()).await?;
    let key = |claim: &ClaimRow| (claim.created_at, claim.id);
    Ok(request_parts::answer_private(&asked.page(&state.cursors, &scope, rows, key, ClaimView::of)?))
}

fn filter(status: Option<&str>, package_id: Option<&str>) -> Result<ClaimFilter, ServiceError> {
    let filter = ClaimFilter {
        customer_id: None,
        package_id: package_id.and_then(|text| Uuid::parse_str(text).ok()),
        status: status.and_then(ClaimStatus::parse),
    };
    let mut faults = Vec::new();
    if status.is_some() && filter.status.is_none() {
        faults.push(parameter_fault("status", "unknown_value", "open, read, answered or closed is expected"));
    }
    if package_id.is_some() && filter.package_id.is_none() {
        faults.push(parameter_fault("package_id", "invalid_format", "a UUID is expected"));
    }
    if faults.is_empty() { Ok(filter) } else { Err(parameters(faults)) }
}
