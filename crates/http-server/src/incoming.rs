//! A request's body on its way in: how long the client is waited for, and until when the client waits for the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use futures_util::Stream;
use telemetry::deadline;
use telemetry::request::{Entered, Part, RequestStats};

/// Watches the body of a request, and notes its deadline if it names one. The time counts from the end of the request: with
/// a body under way it is noted only when all of it has been read.
pub(crate) fn watch(request: &mut ServiceRequest, stats: &Arc<RequestStats>, started: Instant) {
    let values = request.headers().get_all(deadline::HEADER).map(HeaderValue::as_bytes);
    let limit = deadline::parse(values);
    match request.take_payload() {
        Payload::None => {
            if let Some(limit) = limit {
                stats.set_deadline(started + limit);
            }
        }
        payload => {
            // However short it is, a body has a part of its own.
            drop(stats.enter(Part::Client));
            let watched = Watched { payload, stats: Arc::clone(stats), limit, waiting: None };
            request.set_payload(Payload::Stream { payload: Box::pin(watched) });
        }
    }
}

struct Watched {
    payload: Payload,
    stats: Arc<RequestStats>,
    /// Taken at the end.
    limit: Option<Duration>,
    /// From when the client was asked for a piece until there is one.
    waiting: Option<Entered>,
}

impl Stream for Watched {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let next = Pin::new(&mut this.payload).poll_next(cx);
        if next.is_pending() {
            this.waiting.get_or_insert_with(|| this.stats.enter(Part::Client));
            return next;
        }
        this.waiting = None;
        if matches!(next, Poll::Ready(None))
            && let Some(limit) = this.limit.take()
        {
            this.stats.set_deadline(Instant::now() + limit);
        }
        next
    }
}
