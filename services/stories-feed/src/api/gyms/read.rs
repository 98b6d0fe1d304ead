//! `GET` and `HEAD /v1/gyms/{gym}`: what a gym has decided, for its members.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;

use super::view::GymView;
use crate::api::{access, incoming};
use crate::state::AppState;
use crate::store::gyms;

/// Two statements.
pub(super) async fn get_gym(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "gym")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let mut conn = state.stories.read().await?;
    let gym = gyms::find(&mut conn, id).await?;
    let (gym, _) = access::known(&mut conn, gym, &caller).await?;
    drop(conn);
    let tag = request_parts::version_tag(gym.version);
    request_parts::answer_tagged(&conditions, &tag, &GymView::from(gym))
}
