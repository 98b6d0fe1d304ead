//! `GET` and `HEAD /v1/packages/{package}/receipt`: what was charged and paid, as it was told when the package ended.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{answer_private, no_parameters, path_id};
use service_error::{ServiceError, not_found};

use super::asked::peek;
use crate::api::caller;
use crate::state::AppState;
use crate::store::receipts;

/// There is none before.
pub(super) async fn get_receipt(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = path_id(&request, "package")?;
    no_parameters(&request)?;
    peek(&state, &standing, package_id).await?;
    let body = receipts::find(&mut *state.desk.read().await?, package_id).await?;
    Ok(answer_private(&body.ok_or_else(not_found)?))
}
