//! How answers become responses: conditions, validators, cache fields.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context as Poll;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{self, HttpDate};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use conditional::{Conditions, ReadDecision, WriteRefusal};
use service_error::{ServiceError, refused};

use crate::cache::audience::Audience;
use crate::cache::lookup::Lookup;
use crate::cache::representation::Representation;
use crate::model::{Audience as Declared, Model};

/// The response to a read: the whole answer, that it is known already, or that a precondition fails (RFC 9110 §13.2.2).
/// The same for GET and HEAD; the server leaves the body of the latter out.
pub(crate) fn respond(
    lookup: &Lookup,
    shown: &Representation,
    conditions: &Conditions,
    now: DateTime<Utc>,
) -> Result<HttpResponse, ServiceError> {
    let decision = conditions.check_read(&shown.tag);
    let mut response = match decision {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "record")),
        ReadDecision::NotModified => HttpResponse::NotModified(),
        ReadDecision::Send => HttpResponse::Ok(),
    };
    cache_fields(&mut response, lookup, shown.deleted, now);
    response.insert_header((header::ETAG, shown.tag.to_string()));
    if decision == ReadDecision::NotModified {
        return Ok(response.finish());
    }
    // For people and logs: its second is too coarse to validate by (T15).
    if let Some(at) = shown.last_modified {
        response.insert_header((header::LAST_MODIFIED, HttpDate::from(std::time::SystemTime::from(at))));
    }
    Ok(response.content_type("application/json").body(shown.body.clone()))
}

/// Who may keep the answer, how long, and what changes it (C-A18, RFC 9213, RFC 9875).
///
/// Clients and caches that do not hear of writes keep a copy only to revalidate it: what they reuse without asking could be
/// stale. The lifetime in `CDN-Cache-Control` is for the gateway, which hears of every write.
fn cache_fields(response: &mut HttpResponseBuilder, lookup: &Lookup, deleted: bool, now: DateTime<Utc>) {
    let everyone = lookup.audience == Audience::Everyone;
    let kept = match (deleted, everyone) {
        (true, _) => "private, no-store",
        (false, true) => "public, no-cache",
        (false, false) => "private, no-cache",
    };
    response.insert_header((header::CACHE_CONTROL, kept));
    if !deleted {
        let lifetime = lookup.lifetime_secs(now);
        let targeted = match lookup.audience {
            // What revalidates in the background must not reach past the instant at which time changes the answer.
            Audience::Everyone | Audience::SignedIn if lookup.until.is_some() => {
                format!("public, max-age={lifetime}")
            }
            Audience::Everyone | Audience::SignedIn => {
                let swr = lookup.model.cache.swr_secs;
                format!("public, max-age={lifetime}, stale-while-revalidate={swr}")
            }
            Audience::Principal(_) => format!("private, principal, max-age={lifetime}"),
        };
        response.insert_header(("CDN-Cache-Control", targeted));
    }
    // What is the same for all who have the same rights does not vary by who they are: the gateway keeps one copy of it for them.
    if matches!(lookup.audience, Audience::Principal(_)) {
        response.insert_header((header::VARY, "Authorization"));
    }
    response.insert_header(("Cache-Groups", lookup.groups.render()));
    response.insert_header(("X-Cache-Strategy", strategy(lookup.model)));
}

/// A body of a length that nobody asked for: HEAD of what would have to be streamed (RFC 9110 §9.3.2).
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

fn strategy(model: &Model) -> String {
    let audience = match model.cache.audience {
        Declared::Shared => "shared",
        Declared::Principal => "principal",
    };
    format!("{audience}; ttl={}; swr={}", model.cache.ttl_secs, model.cache.swr_secs)
}
