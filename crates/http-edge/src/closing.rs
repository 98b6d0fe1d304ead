//! The orderly end of an HTTP/1.1 connection (RFC 9112 §9.6).
//!
//! A connection that is closed with bytes unread is reset by the system, and the reset can overtake the answer. So the sending
//! side is closed first, and what the client still sends is read and dropped for a while.

use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connection::Transport;

/// A client that has not noticed the end by then loses the answer.
const LINGER: Duration = Duration::from_secs(2);
/// So much of an unwanted body is taken: what a client has typically sent before it looks at the answer.
const MOST_DROPPED: u64 = 1024 * 1024;

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
            tokio::io::copy(&mut (&mut io).take(MOST_DROPPED), &mut tokio::io::sink()).await?;
        }
        io::Result::Ok(())
    };
    let _closed = tokio::time::timeout(LINGER, closing).await;
}
