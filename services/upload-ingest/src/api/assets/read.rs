//! `GET` and `HEAD /v1/assets/{id}`: an asset with what was made of it, for its owner, moderators and administrators. Other
//! services read it with the token of whom they serve.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use conditional::{EntityTag, ReadDecision, WriteRefusal};
use service_error::{ServiceError, refused};

use super::access::known;
use super::links::Links;
use super::representation;
use crate::api::incoming;
use crate::domain::kind::MediaKind;
use crate::state::AppState;
use crate::store::{assets, renditions};

/// Two statements; one where the client has it already.
pub(super) async fn get_asset(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    request_parts::no_parameters(request)?;
    let conditions = request_parts::conditions(request)?;
    let links = Links::at(state, (state.context.now)());
    let mut conn = state.pool.read().await?;
    let asset = known(assets::find(&mut conn, id).await?, kind, &caller)?;
    let tag = representation::tag(&asset, &links);
    let mut response = match conditions.check_read(&tag) {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "asset")),
        ReadDecision::NotModified => return Ok(private(&mut HttpResponse::NotModified(), &tag).finish()),
        ReadDecision::Send => HttpResponse::Ok(),
    };
    let renditions = renditions::of(&mut conn, &[id]).await?;
    drop(conn);
    let view = representation::view(asset, renditions, &links)?;
    Ok(private(&mut response, &tag).json(view))
}

/// An answer that is this caller's alone, and is asked for again each time.
pub(super) fn private<'a>(
    response: &'a mut HttpResponseBuilder,
    tag: &EntityTag,
) -> &'a mut HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
        .insert_header((header::ETAG, tag.to_string()))
}
