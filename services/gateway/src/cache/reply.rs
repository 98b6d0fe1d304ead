//! The client's answer, out of what is stored.

use std::sync::Arc;

use bytes::Bytes;
use coherence::clock::Instant;
use conditional::Coding;
use http::{Method, Response, header};
use http_cache::answer::{self, wants_coding};
use http_cache::{CacheStatus, Forward, Handling, KeyRef, Stored};

use super::answer::Caching;
use super::asked::Asked;
use crate::compress;
use crate::forward::body::GatewayBody;
use crate::route::Route;

/// Bodies up to here are coded where they are, as part of the answer; larger ones on a thread that may be busy.
const CODED_IN_PLACE: usize = 64 * 1024;

/// Answers from memory; from what somebody else fetched, if that was `waited_for`.
pub(super) async fn hit(
    caching: &Caching<'_>,
    asked: &Asked<'_>,
    key: &KeyRef<'_>,
    stored: &Arc<Stored>,
    now: Instant,
    waited_for: Option<Forward>,
) -> Response<GatewayBody> {
    let mut response = from_stored(caching, asked, key, stored, now).await;
    let mut status = CacheStatus::hit(stored.terms().ttl_seconds(stored.resident(now)));
    if let Some(reason) = waited_for {
        status.handling = Handling::Forwarded { reason, status: None, stored: false, collapsed: Some(true) };
    }
    caching.finish(&mut response, &status);
    response
}

/// Answers from what is stored, without a word on how that came about.
pub(super) async fn from_stored(
    caching: &Caching<'_>,
    asked: &Asked<'_>,
    key: &KeyRef<'_>,
    stored: &Arc<Stored>,
    now: Instant,
) -> Response<GatewayBody> {
    let coding = coding_of(caching.route, stored, asked);
    let asked = answer::Asked { method: asked.method, headers: asked.headers, coding };
    if wants_coding(stored, &asked)
        && stored.coding(coding).is_none()
        && let Some(body) = Box::pin(code(stored.body().clone(), coding)).await
    {
        caching.cache.store.set_coding(key, stored, coding, &body);
    }
    let answered = answer::answer(stored, &asked, now);
    let body = if *asked.method == Method::HEAD {
        let length = answered.headers.get(header::CONTENT_LENGTH);
        GatewayBody::Untold(length.and_then(|length| length.to_str().ok()?.parse().ok()))
    } else {
        GatewayBody::from(answered.body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.headers;
    response
}

/// The coding that the client likes best, where the answer may have one.
pub(super) fn coding_of(route: &Route, stored: &Stored, asked: &Asked<'_>) -> Coding {
    if route.compress && stored.is_codable() { asked.coding() } else { Coding::Identity }
}

/// The body in a coding. `None`, with the reason in the log, if that cannot be: then it is sent as it is.
async fn code(body: Bytes, coding: Coding) -> Option<Bytes> {
    let coded = if body.len() <= CODED_IN_PLACE {
        compress::compress(body, coding)
    } else {
        let work = tokio::task::spawn_blocking(move || compress::compress(body, coding));
        work.await.unwrap_or_else(|error| Err(error.into()))
    };
    match coded {
        Ok(coded) => Some(coded),
        Err(error) => {
            tracing::error!(error, coding = coding.token(), "a stored answer cannot be coded");
            None
        }
    }
}
