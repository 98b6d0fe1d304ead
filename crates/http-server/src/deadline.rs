//! Until when the caller waits for the answer, noted where calls made for the request find it.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::HeaderValue;
use futures_util::StreamExt as _;
use futures_util::stream;
use telemetry::deadline;
use telemetry::request::RequestStats;

/// Notes the deadline of a request that names one. The time counts from the end of the request: with a body under way it is
/// noted only when all of it has been read.
pub(crate) fn note(request: &mut ServiceRequest, stats: &Arc<RequestStats>, started: Instant) {
    let values = request.headers().get_all(deadline::HEADER).map(HeaderValue::as_bytes);
    let Some(limit) = deadline::parse(values) else { return };
    let payload = match request.take_payload() {
        Payload::None => {
            stats.set_deadline(started + limit);
            return;
        }
        payload => noted_at_end(payload, Arc::clone(stats), limit),
    };
    request.set_payload(payload);
}

fn noted_at_end(payload: Payload, stats: Arc<RequestStats>, limit: Duration) -> Payload {
    let end = stream::poll_fn(move |_| {
        stats.set_deadline(Instant::now() + limit);
        Poll::Ready(None)
    });
    Payload::Stream { payload: Box::pin(payload.chain(end)) }
}
