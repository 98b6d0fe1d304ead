//! `GET` and `HEAD /v1/gyms/{gym}`: what a gym has decided, for its members.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::view::GymView;
use crate::api::{access, incoming, reading};
use crate::error::ServiceError;
use crate::state::AppState;
use crate::store::gyms;

/// Two statements.
pub(super) async fn get_gym(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = incoming::path_id(&request, "gym")?;
    incoming::no_parameters(&request)?;
    let conditions = incoming::conditions(&request)?;
    let mut conn = state.stories.read().await?;
    let gym = gyms::find(&mut conn, id).await?;
    let (gym, _) = access::known(&mut conn, gym, &caller).await?;
    drop(conn);
    let tag = incoming::version_tag(gym.version);
    reading::answer_tagged(&conditions, &tag, &GymView::from(gym))
}
