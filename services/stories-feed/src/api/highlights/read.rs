//! `GET` and `HEAD /v1/highlights/{id}`: a highlight with those of its stories that the caller may see.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;

use super::access::known;
use crate::api::incoming;
use crate::state::AppState;
use crate::store::highlights;

/// Five statements.
pub(super) async fn get_highlight(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let mut conn = state.stories.read().await?;
    let highlight = highlights::find(&mut conn, id).await?;
    let shown = known(&mut conn, highlight, &caller, state.context.now()).await?;
    drop(conn);
    request_parts::answer_tagged(&conditions, &shown.tag()?, &shown)
}
