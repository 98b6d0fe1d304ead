//! An upstream's answer on its way to the client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use load_balance::{Outcome, Pick};
use tokio::time::Sleep;

use super::{BoxError, Progress, clean};
use crate::forward::pool::Lease;
use crate::limits::InFlight;
use crate::upstream::health::log_transition;

/// What an answer has with it while it passes; dropped at its end.
pub(crate) struct Carried {
    /// The connection.
    pub(crate) lease: Lease,
    /// The place among the instance's requests.
    pub(crate) pick: Pick,
    /// The place among the gateway's requests.
    pub(crate) in_flight: Option<InFlight>,
    /// How far the request body is.
    pub(crate) request: Rc<Progress>,
    /// Whether the answer itself counts against the instance (502, 503, 504).
    pub(crate) outcome: Outcome,
}

impl Carried {
    /// Tells the balancer how the exchange went, now that it is over.
    fn report(&self, outcome: Outcome, cause: &str) {
        let transition = self.pick.report(std::time::Instant::now(), outcome);
        let upstream = self.lease.upstream();
        if let Some(instance) = upstream.instance(self.pick.index()) {
            log_transition(upstream, instance, transition, Some(cause));
        }
    }
}

/// It ends complete or with an error, never short: an error makes the server cut the client's connection, so that a truncated
/// answer is not taken for a whole one.
pub(crate) struct ResponseBody {
    incoming: Option<Incoming>,
    size: SizeHint,
    carried: Option<Carried>,
    longest_pause: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    pub(crate) fn new(incoming: Incoming, carried: Carried, longest_pause: Option<Duration>) -> Self {
        let size = incoming.size_hint();
        let mut body =
            Self { incoming: Some(incoming), size, carried: Some(carried), longest_pause, pause: None };
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
        let Some(carried) = self.carried.take() else { return };
        carried.report(carried.outcome, "the instance answers that it cannot serve");
        if carried.request.is_complete() {
            carried.lease.give_back();
        } else {
            // Its answer is complete: nobody reads the rest.
            carried.request.cancel();
        }
    }

    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.incoming = None;
        self.pause = None;
        if let Some(carried) = self.carried.take() {
            carried.report(Outcome::Failed, &error.to_string());
        }
        Poll::Ready(Some(Err(error)))
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(incoming) = this.incoming.as_mut() else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.pause = None;
                this.finish_if_ended();
                Poll::Ready(Some(Ok(clean(frame))))
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "the upstream broke off in the middle of its answer");
                this.fail(error.into())
            }
            Poll::Ready(None) => {
                this.finish();
                Poll::Ready(None)
            }
            Poll::Pending => this.poll_pause(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}
