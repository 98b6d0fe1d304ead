//! Reads that are made from the database each time: answers for one caller, which every copy asks about again.

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use conditional::{Conditions, EntityTag, ReadDecision};
use problem::{Problem, registry};
use serde::Serialize;

use crate::error::ServiceError;

/// A list, or what else has no validator.
pub(crate) fn answer<T: Serialize>(body: &T) -> HttpResponse {
    private(&mut HttpResponse::Ok()).json(body)
}

/// A thing with its validator, or that the client has it already.
///
/// # Errors
/// `precondition_failed` where the request wants another version.
pub(crate) fn answer_tagged<T: Serialize>(
    conditions: &Conditions,
    tag: &EntityTag,
    body: &T,
) -> Result<HttpResponse, ServiceError> {
    let tagged = (header::ETAG, tag.to_string());
    match conditions.check_read(tag) {
        ReadDecision::Failed => Err(Problem::new(&registry::PRECONDITION_FAILED).into()),
        ReadDecision::NotModified => {
            Ok(private(&mut HttpResponse::NotModified()).insert_header(tagged).finish())
        }
        ReadDecision::Send => Ok(private(&mut HttpResponse::Ok()).insert_header(tagged).json(body)),
    }
}

/// Not to be kept by anybody without asking, nor given to anybody else.
fn private(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
}
