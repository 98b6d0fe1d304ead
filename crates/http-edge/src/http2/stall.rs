//! Streams whose client takes nothing.
//!
//! A client that opens no window keeps a stream, and what feeds it, for as long as it likes, while the connection under it looks
//! alive. Flow control shows only in this: the body of the answer was asked for once more and then never again. So the body notes
//! when it is read, and the task of the stream looks whether that was too long ago. Such a stream is reset; others go on.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

thread_local! {
    /// Whether the body of the stream that is being polled gave something and has not been read since. Tasks of one worker are
    /// polled one at a time, so this belongs to the innermost one.
    static GAVE: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Notes that an answer's body was read, and whether it gave something.
pub(crate) fn note(gave: bool) {
    GAVE.set(Some(gave));
}

pin_project! {
    /// The task of one stream, ended when its client takes nothing for too long.
    pub(crate) struct Watched<F> {
        #[pin]
        stream: F,
        most: Duration,
        // Since when the body waits to be read again.
        since: Option<Instant>,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F> Watched<F> {
    pub(crate) fn new(stream: F, most: Duration) -> Self {
        Self { stream, most, since: None, timer: None }
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        GAVE.set(None);
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match GAVE.take() {
            Some(true) => *this.since = Some(Instant::now()),
            Some(false) => *this.since = None,
            None => {}
        }
        let Some(since) = *this.since else { return Poll::Pending };
        let due = tokio::time::Instant::from_std(since + *this.most);
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}
