//! `GET` and `HEAD /v1/customers/{customer}`: a customer, for the desk and for itself.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::{ServiceError, not_found};

use super::view::CustomerView;
use crate::api::caller;
use crate::state::AppState;
use crate::store::customers;

/// One statement.
pub(super) async fn get_customer(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = request_parts::path_id(&request, "customer")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    caller::known(&standing, Some(id))?;
    let row = customers::find(&mut *state.desk.read().await?, id).await?.ok_or_else(not_found)?;
    let tag = request_parts::version_tag(row.version);
    request_parts::answer_tagged(&conditions, &tag, &CustomerView::of(row)?)
}
