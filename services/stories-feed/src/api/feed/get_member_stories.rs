//! `GET` and `HEAD /v1/gyms/{gym}/members/{user}/stories`: what one member of the gym shows to the caller, pinned and newest first. Made from
//! the same parts as the feed, so that one never shows what the other does not. A person who shows nothing to the caller, and one who is no
//! member, look the same.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;

use super::headers::{self, Lifetimes, Made};
use super::json::{self, Json};
use super::page::{self, Page};
use super::query::Asked;
use super::shared;
use crate::api::incoming;
use crate::cache::parts;
use crate::domain::ranking::Filter;
use crate::state::AppState;

/// What may be asked.
const PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// The stories of a member, a page at a time.
pub(super) async fn get_member_stories(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let user_id = request_parts::path_id(&request, "user")?;
    let asked = Asked::of(&request, &PARAMETERS)?;
    let conditions = request_parts::conditions(&request)?;
    let scope = format!("member_stories/{gym_id}/{}/{user_id}", caller.id);
    let cursor = shared::opened(&state, &scope, asked.cursor.as_deref(), "?cursor")?;

    let asked_at = state.context.now();
    let mut parts = state.stories.parts(gym_id, caller.id).await?;
    let now = state.context.now();

    parts.body.head.authors.retain(|author| author.id == user_id);
    let head = &parts.body.head;
    let as_of = cursor.map_or_else(|| page::as_of(head, asked_at, now), |cursor| cursor.as_of);
    let view = page::view(&parts, caller.id, Filter::All, as_of, now);
    let page = Page::select(head, &view, cursor.map(|cursor| cursor.after), asked.limit);
    let mut body = Json::for_stories(page.count());
    body.raw("{\"gym_id\":").id(gym_id).raw(",\"position\":\"").word(parts.position).raw("\",\"user\":");
    match page.authors.first() {
        Some(author) => {
            json::write_user(&mut body, &parts, author);
            body.raw(",\"has_unseen\":").word(author.ranked.has_unseen).raw(",\"items\":");
            json::write_stories(&mut body, &parts, &view, author);
        }
        None => drop(body.raw("null,\"has_unseen\":false,\"items\":[]")),
    }
    let tag = headers::validator(parts.position, &body, page.next.is_some())?;
    let lifetimes = Lifetimes::to(page.until, now);
    let next = page.next.map(|next| state.cursors.seal(&scope, &next));
    body.raw(",\"next\":").token(next.as_deref()).raw("}");
    let groups = parts::groups_of(gym_id, caller.id)?;
    headers::respond(&conditions, Made { tag, lifetimes, groups, has_plan: false, body: body.into_bytes() })
}
