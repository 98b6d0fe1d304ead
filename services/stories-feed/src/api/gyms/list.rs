//! `GET` and `HEAD /v1/gyms`: the gyms that the caller belongs to, with its role in each; all of them for administrators.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::ListRules;
use serde::Serialize;
use service_error::ServiceError;

use super::view::GymView;
use crate::api::incoming;
use crate::state::AppState;
use crate::store::gyms;

/// A gym in a list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    gym: GymView,
    /// What the caller is in it; `null` for an administrator who is no member.
    role: Option<String>,
}

/// One statement, in the order of ids, which is that of opening.
pub(super) async fn list_gyms(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("gyms\n{}\n{}", caller.id, caller.is_administrator);
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    let rows = gyms::page(&mut conn, caller.id, caller.is_administrator, after, asked.rows()).await?;
    drop(conn);
    let listed = |(gym, role)| Ok(Listed { gym: GymView::from(gym), role });
    Ok(request_parts::answer_private(&asked.page(&state.cursors, &scope, rows, |(gym, _)| gym.id, listed)?))
}
