//! Bodies a thousand times larger than allowed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::raw;
use super::scenario::Abuser;

const PIECE_BYTES: usize = 64 * 1024;
const PIECES: usize = 1024 * 1024 * 1024 / PIECE_BYTES;
const CONNECTIONS: u64 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// Where bodies are complete before an upstream is asked.
pub(super) const HELD: &str = "/held/";

/// How the end of the body is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`.
    Sized,
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// `folder` is where the requests go, with a slash at both ends.
pub(super) async fn run(abuser: &Arc<Abuser>, framing: Framing, folder: &str) {
    let data = "x".repeat(PIECE_BYTES);
    let (length, piece) = match framing {
        Framing::Sized => (format!("Content-Length: {}\r\n\r\n", PIECES * PIECE_BYTES), data),
        Framing::Chunked => {
            ("Transfer-Encoding: chunked\r\n\r\n".to_owned(), format!("{PIECE_BYTES:x}\r\n{data}\r\n"))
        }
    };
    let piece: Arc<str> = piece.into();
    let mut connections = JoinSet::new();
    for index in 0..CONNECTIONS {
        let (abuser, piece) = (Arc::clone(abuser), Arc::clone(&piece));
        let head =
            raw::head_at("POST", &format!("{folder}{}", raw::FIRST_ID + index), abuser.target) + &length;
        connections.spawn(async move {
            while !abuser.is_over() {
                raw::exchange(&abuser, head.as_bytes(), piece.as_bytes(), PIECES).await;
                sleep(PAUSE).await;
            }
        });
    }
    connections.join_all().await;
}
