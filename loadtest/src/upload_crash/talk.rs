//! One request on a connection of its own, with a body that takes its time, so that something can break in its middle.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header, request};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::freshness::pool::{Failure, Reply};

/// What is sent before the next pause.
const PIECE_BYTES: usize = 64 * 1024;

/// Longest wait for an answer, with its body sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body, how long it rests after each piece, and when its client loses patience.
#[derive(Clone, Debug, Default)]
pub(super) struct Sending {
    pub(super) bytes: Bytes,
    pub(super) pause: Duration,
    /// The client cuts the connection after this time.
    pub(super) cut: Option<Duration>,
}

impl Sending {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self::default()
    }
}

/// Sends a request and reads the whole answer.
pub(super) async fn exchange(
    addr: SocketAddr,
    request: request::Builder,
    bearer: &HeaderValue,
    sending: Sending,
) -> Result<Reply, Failure> {
    let longest = sending.cut.unwrap_or(PATIENCE).min(PATIENCE);
    timeout(longest, attempt(addr, request, bearer, sending)).await.unwrap_or(Err(Failure::TimedOut))
}

async fn attempt(
    addr: SocketAddr,
    request: request::Builder,
    bearer: &HeaderValue,
    sending: Sending,
) -> Result<Reply, Failure> {
    let stream = TcpStream::connect(addr).await.map_err(|_| Failure::NotSent)?;
    stream.set_nodelay(true).map_err(|_| Failure::NotSent)?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::NotSent)?;
    // Its tasks end with the set, so that a request that is dropped is a connection that is cut.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let request = request
        .header(header::HOST, addr.to_string())
        .header(header::AUTHORIZATION, bearer.clone())
        .header(header::CONTENT_LENGTH, sending.bytes.len())
        .body(body(sending))
        .map_err(|_| Failure::NotSent)?;
    let response = sender.send_request(request).await.map_err(|_| Failure::Broken)?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Failure::Broken)?.to_bytes();
    Ok(Reply { status: head.status, headers: head.headers, body })
}

fn body(sending: Sending) -> UnsyncBoxBody<Bytes, Infallible> {
    let Sending { bytes, pause, .. } = sending;
    let pieces = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        let piece = left.split_to(left.len().min(PIECE_BYTES));
        if !pause.is_zero() {
            sleep(pause).await;
        }
        Some((Ok(Frame::data(piece)), left))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// What an answer says, for a story.
pub(super) fn describe(reply: &Result<Reply, Failure>) -> String {
    match reply {
        Ok(reply) => {
            let said = ["upload-offset", "upload-complete", "location", "content-location"];
            let fields: Vec<String> = said
                .iter()
                .filter(|name| reply.headers.contains_key(**name))
                .map(|name| format!("{name}: {}", reply.header(name)))
                .collect();
            let code = code(reply).map(|code| format!(" {code}")).unwrap_or_default();
            format!("{}{code} {}", reply.status.as_u16(), fields.join(", "))
        }
        Err(failure) => failure.label().to_owned(),
    }
}

/// `code` of a problem document.
pub(super) fn code(reply: &Reply) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
    document.get("code")?.as_str().map(str::to_owned)
}
