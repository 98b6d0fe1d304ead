//! `GET` and `HEAD /v1/gyms/{gym}/stories/feed`: what the gym shows to the caller, grouped by who posted it (S-A3). Three statements at
//! most, none where the parts are known (S-D6); the audience is judged each time (T6), and so is the clock (S-D1).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;

use super::headers::{self, Made};
use super::query::{self, Asked};
use super::shared::{self, Shared, Wanted};
use crate::api::incoming;
use crate::cache::parts;
use crate::state::AppState;

/// What may be asked.
const PARAMETERS: [&str; 4] = ["limit", "cursor", "budget", "filter_type"];

/// The feed, a page at a time.
pub(super) async fn get_feed(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let asked = Asked::of(&request, &PARAMETERS)?;
    let conditions = request_parts::conditions(&request)?;
    let wanted = Wanted {
        gym_id,
        limit: asked.limit,
        filter: asked.filter,
        cursor: asked.cursor,
        budget: asked.budget,
    };
    let page = shared::page(&state, caller.id, &wanted, &query::hints(&request), "?cursor").await?;
    let groups = parts::groups_of(gym_id, caller.id)?;
    let Shared { tag, lifetimes, body, .. } = page;
    headers::respond(&conditions, Made { tag, lifetimes, groups, has_plan: true, body })
}
