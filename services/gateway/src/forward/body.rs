//! The two bodies of a forwarded exchange. Neither is ever held: each chunk is asked for when there is room for it.

use std::cell::Cell;
use std::error::Error as StdError;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Payload;
use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::pool::Lease;

/// Why a request body could not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BodyFault {
    /// More than the route allows, known only now because the length was not announced.
    #[error("the request body is larger than the route allows")]
    TooLarge,
    /// The client left, or sent something that is no body.
    #[error("the client's request body ended before its end")]
    Broken,
}

/// What the sender of a request can see of its body while hyper owns it.
#[derive(Debug)]
pub(crate) struct Progress {
    last_step: Cell<Instant>,
    complete: Cell<bool>,
    waits_for_client: Cell<bool>,
    fault: Cell<Option<BodyFault>>,
}

impl Progress {
    fn new() -> Self {
        Self {
            last_step: Cell::new(Instant::now()),
            complete: Cell::new(false),
            waits_for_client: Cell::new(false),
            fault: Cell::new(None),
        }
    }

    /// When the last piece went on its way.
    pub(crate) fn last_step(&self) -> Instant {
        self.last_step.get()
    }

    /// Whether all of it has been passed on; only then may the connection carry another request.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// Whether the next piece has to come from the client.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.waits_for_client.get()
    }

    pub(crate) fn fault(&self) -> Option<BodyFault> {
        self.fault.get()
    }
}

/// A client's request body on its way to an upstream, counted against the route's limit.
pub(crate) struct RequestBody {
    payload: Option<Payload>,
    progress: Rc<Progress>,
    announced: Option<u64>,
    passed: u64,
    limit: Option<u64>,
}

impl RequestBody {
    /// A body of `announced` bytes, or of unknown length.
    pub(crate) fn new(payload: Payload, announced: Option<u64>, limit: Option<u64>) -> Self {
        let body = Self {
            payload: (announced != Some(0)).then_some(payload),
            progress: Rc::new(Progress::new()),
            announced,
            passed: 0,
            limit,
        };
        body.progress.complete.set(body.payload.is_none());
        body
    }

    /// No body at all.
    pub(crate) fn empty() -> Self {
        let body = Self {
            payload: None,
            progress: Rc::new(Progress::new()),
            announced: Some(0),
            passed: 0,
            limit: None,
        };
        body.progress.complete.set(true);
        body
    }

    pub(crate) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.payload = None;
        self.progress.fault.set(Some(fault));
        Poll::Ready(Some(Err(fault)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = &mut *self;
        let Some(payload) = this.payload.as_mut() else { return Poll::Ready(None) };
        let next = Pin::new(payload).poll_next(cx);
        this.progress.waits_for_client.set(next.is_pending());
        this.progress.last_step.set(Instant::now());
        match next {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                this.payload = None;
                this.progress.complete.set(true);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_gone))) => this.fail(BodyFault::Broken),
            Poll::Ready(Some(Ok(chunk))) => {
                this.passed = this.passed.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                if this.limit.is_some_and(|limit| this.passed > limit) {
                    return this.fail(BodyFault::TooLarge);
                }
                // hyper asks no further once the announced length is reached.
                if this.announced == Some(this.passed) {
                    this.progress.complete.set(true);
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_none() && self.progress.fault.get().is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.announced {
            Some(announced) => SizeHint::with_exact(announced.saturating_sub(self.passed)),
            None => SizeHint::default(),
        }
    }
}

/// An upstream's answer on its way to the client. It ends complete or with an error, never short: an error makes the
/// server cut the client's connection, so that a truncated answer is not taken for a whole one.
pub(crate) struct ResponseBody {
    incoming: Option<Incoming>,
    size: BodySize,
    lease: Option<Lease>,
    request: Rc<Progress>,
    longest_pause: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    pub(crate) fn new(
        incoming: Incoming,
        lease: Lease,
        request: Rc<Progress>,
        longest_pause: Option<Duration>,
    ) -> Self {
        let size = incoming.size_hint().exact().map_or(BodySize::Stream, BodySize::Sized);
        let mut body =
            Self { incoming: Some(incoming), size, lease: Some(lease), request, longest_pause, pause: None };
        body.finish_if_ended();
        body
    }

    /// Gives the connection back as soon as nothing more will come over it for this exchange.
    fn finish_if_ended(&mut self) {
        if self.incoming.as_ref().is_none_or(Body::is_end_stream) {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.incoming = None;
        self.pause = None;
        if let Some(lease) = self.lease.take()
            && self.request.is_complete()
        {
            lease.give_back();
        }
    }

    fn fail(&mut self, error: Box<dyn StdError>) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        self.incoming = None;
        self.pause = None;
        self.lease = None;
        Poll::Ready(Some(Err(error)))
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        let Some(longest) = self.longest_pause else { return Poll::Pending };
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        if pause.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        tracing::warn!(
            longest_pause_ms = longest.as_millis(),
            "the upstream stopped in the middle of its answer"
        );
        self.fail("the upstream stopped in the middle of its answer".into())
    }
}

impl MessageBody for ResponseBody {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        loop {
            let Some(incoming) = this.incoming.as_mut() else { return Poll::Ready(None) };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.pause = None;
                    this.finish_if_ended();
                    // Trailers have no place in the server underneath; they are optional by RFC 9110 §6.5.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::warn!(%error, "the upstream broke off in the middle of its answer");
                    return this.fail(error.into());
                }
                Poll::Ready(None) => {
                    this.finish();
                    return Poll::Ready(None);
                }
                Poll::Pending => return this.poll_pause(cx),
            }
        }
    }
}
