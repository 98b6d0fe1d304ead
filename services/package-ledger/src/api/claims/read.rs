//! `GET` and `HEAD /v1/claims/{claim}`: a claim, for the desk and for the customer of its package.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::{ServiceError, not_found};

use super::view::ClaimView;
use crate::api::caller;
use crate::state::AppState;
use crate::store::claims;

/// One statement.
pub(super) async fn get_claim(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = request_parts::path_id(&request, "claim")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let found = claims::find(&mut *state.desk.read().await?, id).await?;
    let (claim, customer_id) = found.ok_or_else(not_found)?;
    caller::known(&standing, customer_id)?;
    let tag = request_parts::version_tag(claim.version);
    request_parts::answer_tagged(&conditions, &tag, &ClaimView::of(claim)?)
}
