//! `GET` and `HEAD /v1/gyms/{gym}/members`: the members of a gym, for each other.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::ListRules;
use service_error::ServiceError;

use super::view::MemberView;
use crate::api::{access, incoming};
use crate::state::AppState;
use crate::store::members;

/// Two statements, in the order of ids.
pub(super) async fn list_members(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("members\n{gym_id}");
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    access::standing(&mut conn, gym_id, &caller).await?;
    let rows = members::page(&mut conn, gym_id, after, asked.rows()).await?;
    drop(conn);
    Ok(request_parts::answer_private(&asked.page(
        &state.cursors,
        &scope,
        rows,
        |row| row.user_id,
        MemberView::of,
    )?))
}
