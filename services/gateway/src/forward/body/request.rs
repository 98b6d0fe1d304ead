//! A client's request body on its way to an upstream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_edge::{BodyRefused, Refusal};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::Sleep;

use super::spool::SpoolReader;
use super::{Permission, Progress, Spooled, clean};

/// How long an upstream that does not know `Expect` is waited for before the body is sent all the same.
const LONGEST_WAIT_FOR_CONTINUE: Duration = Duration::from_secs(1);

/// Why a request body could not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BodyFault {
    /// More than the route allows, known only now because the length was not announced.
    #[error("the request body is larger than the route allows")]
    TooLarge,
    /// The client left.
    #[error("the client's request body ended before its end")]
    Broken,
    /// The body's framing is at fault.
    #[error("the request body is malformed: {0:?}")]
    Refused(Refusal),
    /// The exchange ended without the rest of it.
    #[error("the rest of the request body is not wanted")]
    Unwanted,
    /// A buffered body could not be kept.
    #[error("the request body could not be buffered")]
    Spool,
}

impl BodyFault {
    /// What an error of the server's body means.
    pub(super) fn of(error: &hyper::Error) -> Self {
        BodyRefused::find(error).map_or(Self::Broken, Self::Refused)
    }
}

enum Source {
    Done,
    Client(Incoming),
    Spooled(SpoolReader),
}

/// A request body, counted against its route's limit.
pub(crate) struct RequestBody {
    source: Source,
    progress: Rc<Progress>,
    announced: Option<u64>,
    limit: Option<u64>,
    permission: Option<(Permission, Option<Pin<Box<Sleep>>>)>,
}

impl RequestBody {
    /// A body of `announced` bytes, or of unknown length, as it comes from the client.
    pub(crate) fn streamed(incoming: Incoming, announced: Option<u64>, limit: Option<u64>) -> Self {
        let source = if announced == Some(0) { Source::Done } else { Source::Client(incoming) };
        Self::new(source, announced, limit)
    }

    /// A body that is here already.
    pub(crate) fn spooled(spooled: Spooled) -> Self {
        let length = spooled.length();
        let source = if length == 0 { Source::Done } else { Source::Spooled(spooled.into_reader()) };
        Self::new(source, Some(length), None)
    }

    /// No body at all.
    pub(crate) fn empty() -> Self {
        Self::new(Source::Done, Some(0), None)
    }

    fn new(source: Source, announced: Option<u64>, limit: Option<u64>) -> Self {
        let complete = matches!(source, Source::Done);
        Self { source, progress: Rc::new(Progress::new(complete)), announced, limit, permission: None }
    }

    /// Holds the body back until leave is given, or for a second.
    pub(crate) fn await_permission(&mut self) -> Permission {
        let permission = Permission::default();
        self.permission = Some((permission.clone(), None));
        permission
    }

    pub(crate) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.source = Source::Done;
        self.progress.fail(fault);
        Poll::Ready(Some(Err(fault)))
    }

    fn poll_permission(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((permission, wait)) = self.permission.as_mut() else { return Poll::Ready(()) };
        let wait = wait.get_or_insert_with(|| Box::pin(tokio::time::sleep(LONGEST_WAIT_FOR_CONTINUE)));
        if permission.poll(cx).is_pending() && wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        permission.give();
        self.permission = None;
        Poll::Ready(())
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(data) = frame.data_ref() {
            let passed = self.progress.passed(data.len());
            if self.limit.is_some_and(|limit| passed > limit) {
                return self.fail(BodyFault::TooLarge);
            }
            // hyper asks no further once the announced length is reached.
            if self.announced == Some(passed) {
                self.progress.finish();
            }
        }
        Poll::Ready(Some(Ok(clean(frame))))
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
        if matches!(this.source, Source::Done) {
            return Poll::Ready(None);
        }
        if this.progress.is_cancelled(cx) {
            return this.fail(BodyFault::Unwanted);
        }
        if this.poll_permission(cx).is_pending() {
            return Poll::Pending;
        }
        let next = match &mut this.source {
            Source::Done => return Poll::Ready(None),
            Source::Client(incoming) => {
                let next = Pin::new(incoming).poll_frame(cx);
                this.progress.step(next.is_pending());
                next.map_err(|error| BodyFault::of(&error))
            }
            Source::Spooled(reader) => reader.poll_frame(cx),
        };
        match next {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                this.source = Source::Done;
                this.progress.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(fault))) => this.fail(fault),
            Poll::Ready(Some(Ok(frame))) => this.take(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Done) && self.progress.fault().is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.announced {
            Some(announced) => SizeHint::with_exact(announced.saturating_sub(self.progress.passed(0))),
            None => SizeHint::default(),
        }
    }
}
