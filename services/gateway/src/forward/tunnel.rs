//! After a 101: bytes both ways, of which the gateway knows nothing more (RFC 9110 §7.8).

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::{Instant, sleep_until};

use super::body::Carried;

const PIECE: usize = 16 * 1024;
/// How long one direction may be silent when the other has ended.
const LONGEST_HALF_OPEN: Duration = Duration::from_secs(10);

/// Joins the two connections when both have switched. Call it on a worker.
pub(crate) fn open(client: OnUpgrade, upstream: OnUpgrade, carried: Carried, longest_idle: Option<Duration>) {
    // Not kept: it ends with either connection, or when nothing passes for too long.
    drop(tokio::task::spawn_local(async move {
        let joined = match tokio::try_join!(client, upstream) {
            Ok((client, upstream)) => join(TokioIo::new(client), TokioIo::new(upstream), longest_idle)
                .await
                .map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = joined {
            tracing::debug!(%error, "a tunnel ended early");
        }
        drop(carried);
    }));
}

async fn join<A, B>(client: A, upstream: B, longest_idle: Option<Duration>) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let last = Cell::new(Instant::now());
    let (mut from_client, mut to_client) = split(client);
    let (mut from_upstream, mut to_upstream) = split(upstream);
    let mut upward = pin!(pass(&mut from_client, &mut to_upstream, &last));
    let mut downward = pin!(pass(&mut from_upstream, &mut to_client, &last));
    let rest: Pin<&mut dyn Future<Output = io::Result<()>>> = tokio::select! {
        ended = &mut upward => { ended?; downward }
        ended = &mut downward => { ended?; upward }
        () = idle(&last, longest_idle) => return Err(nothing_passes()),
    };
    let longest_idle = longest_idle.map_or(LONGEST_HALF_OPEN, |longest| longest.min(LONGEST_HALF_OPEN));
    tokio::select! {
        ended = rest => ended,
        () = idle(&last, Some(longest_idle)) => Err(nothing_passes()),
    }
}

fn nothing_passes() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing passed for too long")
}

/// One direction, until its end, which is passed on as well.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    last: &Cell<Instant>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        last.set(Instant::now());
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return to.shutdown().await;
        };
        to.write_all(bytes).await?;
        to.flush().await?;
    }
}

async fn idle(last: &Cell<Instant>, longest: Option<Duration>) {
    let Some(longest) = longest else { return std::future::pending().await };
    loop {
        let deadline = last.get() + longest;
        if deadline <= Instant::now() {
            return;
        }
        sleep_until(deadline).await;
    }
}
