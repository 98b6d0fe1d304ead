//! From an accepted connection to its protocol: the TLS handshake, or a look at the first bytes.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::handler::Handler;
use crate::service::Origin;
use crate::state::ConnectionState;
use crate::worker::{Arrival, Worker};
use crate::{http1, http2};

/// How an HTTP/2 client begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection, encrypted or not.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Where the kernel may send files by itself: a connection whose bytes are not changed on their way.
    fn socket(&self) -> Option<&TcpStream>;

    /// Closes with a reset: what is not sent is lost, and the client knows that it is.
    fn abort(self);
}

impl Transport for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }

    fn abort(self) {
        // Without the option it is an ordinary close, which is the best that is left.
        let _set = SockRef::from(&self).set_linger(Some(Duration::ZERO));
    }
}

impl Transport for TlsStream<TcpStream> {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    fn abort(self) {
        let (stream, _session) = self.into_inner();
        stream.abort();
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve<H: Handler>(worker: Rc<Worker<H>>, arrival: Arrival) {
    let Arrival { stream, peer, permit } = arrival;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let Ok(local) = stream.local_addr() else { return };
    let origin = Origin { peer, local, secure: worker.tls.is_some(), http2: false };
    let state = Arc::new(ConnectionState::new());
    let held = Rc::clone(&worker);
    let _registered = held.registry.enter(&state);
    let nothing = BytesMut::new();
    let patience = worker.patience.header;

    if let Some(acceptor) = &worker.tls {
        let Ok(Ok(stream)) = timeout(patience, acceptor.accept(stream)).await else {
            return worker.census.rejected("handshake");
        };
        state.idle.restart(&state);
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            return Box::pin(http2::serve(worker, stream, origin, state, nothing, permit)).await;
        }
        return Box::pin(http1::serve(worker, stream, origin, state, nothing, permit)).await;
    }
    if !worker.config.cleartext_http2 {
        return http1::serve(worker, stream, origin, state, nothing, permit).await;
    }
    let mut stream = stream;
    let Ok(Ok((first, is_http2))) = timeout(patience, first_bytes(&mut stream)).await else { return };
    if first.is_empty() {
        // Closed again without a word.
        return;
    }
    if is_http2 {
        Box::pin(http2::serve(worker, stream, origin, state, first, permit)).await;
    } else {
        http1::serve(worker, stream, origin, state, first, permit).await;
    }
}

/// Reads until it is plain whether the client begins with HTTP/2.
async fn first_bytes(stream: &mut TcpStream) -> std::io::Result<(BytesMut, bool)> {
    let mut first = BytesMut::new();
    loop {
        let seen = first.len().min(PREFACE.len());
        if first.get(..seen) != PREFACE.get(..seen) {
            return Ok((first, false));
        }
        if seen == PREFACE.len() {
            return Ok((first, true));
        }
        if stream.read_buf(&mut first).await? == 0 {
            return Ok((first, false));
        }
    }
}
