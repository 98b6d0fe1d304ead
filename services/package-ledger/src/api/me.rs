//! `GET` and `HEAD /v1/me`: who asks, as the desk knows the person.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::customers::view::CustomerView;
use crate::api::caller;
use crate::domain::person::Role;
use crate::state::AppState;
use crate::store::customers;

/// Somebody at the desk, or before it.
#[derive(Serialize)]
struct Me {
    user_id: Uuid,
    role: Role,
    /// As whom the person announces and fetches parcels.
    customer: Option<CustomerView>,
}

/// Registers `/v1/me`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/me").route(web::get().to(get_me)).route(web::head().to(get_me)));
}

/// At most one statement where the standing is kept.
async fn get_me(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    request_parts::no_parameters(&request)?;
    let customer = match standing.customer_id {
        Some(id) => customers::find(&mut *state.desk.read().await?, id).await?,
        None => None,
    };
    let customer = customer.map(CustomerView::of).transpose()?;
    Ok(request_parts::answer_private(&Me { user_id: standing.user_id, role: standing.role, customer }))
}
