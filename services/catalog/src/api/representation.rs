//! How records become responses: bodies, validators, cache fields.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context as Poll;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{self, HttpDate};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use conditional::{Conditions, EntityTag, ReadDecision, WriteRefusal};

use crate::error::ServiceError;
use crate::model::{Audience, Model, ReadAccess};
use crate::operations::Performed;

/// Fields of every answer to a read: validator, cache policy and groups (C-A18, RFC 9875).
///
/// Clients and shared caches between them and the gateway keep a copy only to revalidate it: what they reuse without
/// asking could be stale. The policy's lifetime is for caches that hear of every write.
pub(crate) fn read_fields(response: &mut HttpResponseBuilder, model: &Model, tag: &EntityTag, groups: &str) {
    let everyone = model.access.read == ReadAccess::Anyone && model.cache.audience == Audience::Shared;
    response.insert_header((
        header::CACHE_CONTROL,
        if everyone { "public, no-cache" } else { "private, no-cache" },
    ));
    if !everyone {
        response.insert_header((header::VARY, "Authorization"));
    }
    response.insert_header((header::ETAG, tag.to_string()));
    response.insert_header(("Cache-Groups", groups.to_owned()));
    response.insert_header(("X-Cache-Strategy", strategy(model)));
}

/// The date of the last change, for people and logs: its second is too coarse to validate by (T15).
pub(crate) fn last_modified(response: &mut HttpResponseBuilder, at: DateTime<Utc>) {
    response.insert_header((header::LAST_MODIFIED, HttpDate::from(std::time::SystemTime::from(at))));
}

/// The answer to HEAD where the body is not even made: with the fields of a GET, and no word of a length (RFC 9110 §9.3.2).
pub(crate) fn head(model: &Model, tag: &EntityTag, groups: &str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    read_fields(&mut response, model, tag, groups);
    response.content_type("application/json").body(Untold)
}

/// A body of a length that nobody asked for.
pub(super) struct Untold;

impl MessageBody for Untold {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Poll<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Infallible>>> {
        std::task::Poll::Ready(None)
    }
}

/// Whether a read is answered with the state of this tag, and if not, with what (RFC 9110 §13.2.2).
pub(crate) fn precondition(
    conditions: &Conditions,
    model: &Model,
    tag: &EntityTag,
    groups: &str,
) -> Option<Result<HttpResponse, ServiceError>> {
    match conditions.check_read(tag) {
        ReadDecision::Send => None,
        ReadDecision::NotModified => {
            let mut response = HttpResponse::NotModified();
            read_fields(&mut response, model, tag, groups);
            Some(Ok(response.finish()))
        }
        ReadDecision::Failed => Some(Err(WriteRefusal::Failed.into())),
    }
}

/// The answer of a use case; one that was given before says so.
pub(crate) fn performed(performed: &Performed) -> HttpResponse {
    if performed.replayed { performed.answer.to_response() } else { performed.answer.to_first_response() }
}

fn strategy(model: &Model) -> String {
    let audience = match model.cache.audience {
        Audience::Shared => "shared",
        Audience::Principal => "principal",
    };
    format!("{audience}; ttl={}; swr={}", model.cache.ttl_secs, model.cache.swr_secs)
}
