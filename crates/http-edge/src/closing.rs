//! The orderly end of an HTTP/1.1 connection (RFC 9112 §9.6).
//!
//! A connection that is closed with bytes unread is reset by the system, and the reset can overtake the answer. So the sending
//! side is closed first, and what the client still sends is read and dropped for a while.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use tokio::io::{AsyncWriteExt, ReadBuf};

use crate::connection::Transport;

/// A client that has not noticed the end by then loses the answer.
const LINGER: Duration = Duration::from_secs(2);
/// So much of an unwanted body is taken: what a client has typically sent before it looks at the answer.
const MOST_DROPPED: usize = 1024 * 1024;
/// So much of it at once, and then a pause: nobody waits for it, and a client with a fast line would otherwise keep the worker busy with what
/// nobody wants.
const DROPPED_AT_ONCE: usize = 32 * 1024;
const PAUSE: Duration = Duration::from_millis(1);

/// The bytes of an answer after which the connection is closed.
pub(crate) fn render(response: Response<Bytes>) -> Vec<u8> {
    let (head, body) = response.into_parts();
    let mut bytes = Vec::with_capacity(256 + body.len());
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(head.status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in &head.headers {
        if [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(name) {
            continue;
        }
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    let length = body.len();
    bytes.extend_from_slice(
        format!("content-length: {length}\r\nconnection: close\r\ndate: {date}\r\n\r\n").as_bytes(),
    );
    bytes.extend_from_slice(&body);
    bytes
}

/// Writes the last answer, if there is one, and closes so that the client can read it. Errors are the client's: nothing is left
/// to be done about them.
pub(crate) async fn close<IO: Transport>(mut io: IO, last: Option<Vec<u8>>, client_left: bool) {
    let closing = async {
        if let Some(bytes) = &last {
            io.write_all(bytes).await?;
        }
        io.shutdown().await?;
        if !client_left {
            drop_rest(&mut io).await?;
        }
        io::Result::Ok(())
    };
    let _closed = tokio::time::timeout(LINGER, closing).await;
}

/// Reads what still comes and drops it, a little at a time.
async fn drop_rest(io: &mut impl Transport) -> io::Result<()> {
    let mut left = MOST_DROPPED;
    while left > 0 {
        let dropped = poll_fn(|cx| drop_some(io, cx)).await?;
        if dropped == 0 {
            return Ok(());
        }
        left = left.saturating_sub(dropped);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Into one place for all connections of a worker: nobody looks at what is there.
fn drop_some(io: &mut impl Transport, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    thread_local! {
        static DROPPED: RefCell<Vec<u8>> = RefCell::new(vec![0; DROPPED_AT_ONCE]);
    }
    DROPPED.with_borrow_mut(|place| {
        let mut place = ReadBuf::new(place);
        Pin::new(io).poll_read(cx, &mut place).map_ok(|()| place.filled().len())
    })
}
