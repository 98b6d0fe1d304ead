//! `GET` and `HEAD /v1/gyms/{gym}/members`: the members of a gym, for each other.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::view::MemberView;
use crate::api::listing::Asked;
use crate::api::{access, incoming, reading};
use crate::error::ServiceError;
use crate::state::AppState;
use crate::store::members;

/// Two statements, in the order of ids.
pub(super) async fn list_members(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = incoming::path_id(&request, "gym")?;
    let asked = Asked::of(&request, &[])?;
    let scope = format!("members\n{gym_id}");
    let after = asked.after(&state, &scope)?;
    let mut conn = state.stories.read().await?;
    access::standing(&mut conn, gym_id, &caller).await?;
    let rows = members::page(&mut conn, gym_id, after, asked.rows()).await?;
    drop(conn);
    Ok(reading::answer(&asked.page(&state, &scope, rows, |row| row.user_id, MemberView::of)?))
}
