//! What the owner of the server provides: an answer to each request, and ears for what happens to connections.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::at_once::{PlainHead, ReadyAnswer};
use crate::client::ClientConnection;
use crate::framing::Refusal;

/// Answers requests. Every worker thread has one of its own, so nothing in it needs to be `Send`.
///
/// The future of [`handle`](Handler::handle) is dropped when the client leaves or resets its stream. A panic in it ends that
/// connection (HTTP/1.1) or stream (HTTP/2) and nothing else.
pub trait Handler: 'static {
    /// The body of an answer. An error in the middle of it cuts the answer, so that the client sees that it is not whole.
    type Body: http_body::Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + 'static;

    /// Answers one request.
    ///
    /// The head has passed the framing rules. When the body breaks them later, reading it fails and
    /// [`BodyRefused::find`](crate::BodyRefused::find) tells the rule. A tunnel begins by answering 101 to a request that
    /// asked for an upgrade; [`hyper::upgrade::on`] then yields its bytes.
    fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
        client: ClientConnection,
    ) -> impl Future<Output = Response<Self::Body>> + 'static;

    /// Answers a plain request of HTTP/1.1 without hyper, if the answer is at hand: nothing may be waited for, and after `false`
    /// nothing may remain of the attempt, since the same request then comes to [`handle`](Handler::handle).
    ///
    /// What [`ReadyAnswer`] asks for has to be written to `answer` before `true` is returned. The connection stays open after it:
    /// a request whose answer has to be the last is not offered.
    fn answer_at_once(&self, _head: &PlainHead<'_>, _answer: &mut ReadyAnswer) -> bool {
        false
    }

    /// The answer to bytes that never became a request; the connection is closed after it.
    ///
    /// `Date`, `Connection: close` and `Content-Length` are added by the server; these names are ignored when set here.
    fn refuse(&self, refusal: Refusal, client: SocketAddr) -> Response<Bytes>;
}

/// Hears of connections, for metrics. Called from several threads and must not block.
pub trait EdgeObserver: Send + Sync + 'static {
    /// A connection was accepted, on a port with TLS or without.
    fn connection_opened(&self, tls: bool);

    /// A connection is gone; called once for each that was opened.
    fn connection_closed(&self);

    /// A connection was closed at once: `connections` (too many), `address` (too many of one client) or `handshake` (TLS).
    ///
    /// One that failed its handshake was opened before and is closed after.
    fn connection_rejected(&self, reason: &'static str);
}
