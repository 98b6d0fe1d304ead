//! `GET` and `HEAD /v1/stories/{id}`: a story, for its author and whoever may see it. Others get it from memory where nothing in it has
//! changed, and never beyond its expiry (S-D1): not even the confirmation that they have it.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use conditional::{Conditions, EntityTag, ReadDecision};
use problem::{Problem, registry};
use service_error::ServiceError;

use super::{shared, tag};
use crate::api::incoming;
use crate::cache::story::lifetime_secs;
use crate::state::AppState;

/// One statement; another one where nobody has asked for this story before, and none where it is known.
pub(super) async fn get_story(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let story = shared::story(&state, &caller, id).await?;
    let tag = tag::of(story.version, story.body.as_bytes());
    let mut response = decided(&conditions, &tag)?;
    if let Some((groups, expires_at)) = &story.kept {
        let lifetime = lifetime_secs(*expires_at, state.context.now());
        response
            .insert_header(("CDN-Cache-Control", format!("private, principal, max-age={lifetime}")))
            .insert_header(("Cache-Groups", groups.render()));
    }
    Ok(private(&mut response, &tag).body(story.body))
}

/// Whether the whole is sent, or that the client has it.
fn decided(conditions: &Conditions, tag: &EntityTag) -> Result<HttpResponseBuilder, ServiceError> {
    match conditions.check_read(tag) {
        ReadDecision::Failed => Err(Problem::new(&registry::PRECONDITION_FAILED).into()),
        ReadDecision::NotModified => Ok(HttpResponse::NotModified()),
        ReadDecision::Send => Ok(HttpResponse::Ok()),
    }
}

/// An answer that is this caller's alone, and is asked for again each time.
fn private<'a>(response: &'a mut HttpResponseBuilder, tag: &EntityTag) -> &'a mut HttpResponseBuilder {
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
        .insert_header((header::ETAG, tag.to_string()))
}
