//! One HTTP/2 connection.
//!
//! h2 itself holds a client to the limits set here: streams at once, the size of a field section with its CONTINUATION frames,
//! streams that it opens and resets, and flow control. PING and SETTINGS are answered one at a time: their acknowledgements wait
//! in a single place, and nothing more is read before they are written.

pub(crate) mod stall;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::{Builder, Connection};
use hyper::service::HttpService;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::spawn_local;

use crate::census::Permit;
use crate::config::EdgeConfig;
use crate::connection::Transport;
use crate::drive::{Drainable, End, Overdue, drive};
use crate::guard::Guarded;
use crate::handler::Handler;
use crate::service::{AnswerBody, Origin, service};
use crate::state::ConnectionState;
use crate::worker::Worker;

/// An idle connection has so long to take the news that it is closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the streams of a connection on its worker.
#[derive(Clone)]
pub(crate) struct LocalExecutor {
    send_timeout: Duration,
}

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, stream: F) {
        drop(spawn_local(stall::Watched::new(stream, self.send_timeout)));
    }
}

/// Settings of hyper and h2.
pub(crate) fn builder(config: &EdgeConfig) -> Builder<LocalExecutor> {
    let limits = &config.http2;
    let send_timeout = Duration::from_millis(config.send_timeout_ms);
    let mut builder = Builder::new(LocalExecutor { send_timeout });
    let interval = limits.keep_alive_interval_secs;
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_list_bytes)
        .max_pending_accept_reset_streams(limits.max_reset_streams)
        .max_local_error_reset_streams(limits.max_faulty_streams)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_send_buf_size(limits.max_send_buffer_bytes)
        .keep_alive_interval((interval > 0).then(|| Duration::from_secs(interval)))
        .keep_alive_timeout(Duration::from_secs(limits.keep_alive_timeout_secs));
    builder
}

impl<IO, S, B> Drainable for Connection<TokioIo<Guarded<IO>>, S, LocalExecutor>
where
    IO: Transport,
    S: HttpService<Incoming, ResBody = AnswerBody<B>>,
    S::Future: 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body<Data = bytes::Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Serves the connection to its end; `first` are bytes that were read already.
pub(crate) async fn serve<H: Handler, IO: Transport>(
    worker: Rc<Worker<H>>,
    io: IO,
    origin: Origin,
    state: Arc<ConnectionState>,
    first: BytesMut,
    permit: Permit,
) {
    let config = &worker.config;
    let origin = Origin { http2: true, ..origin };
    let guarded =
        Guarded::new(io, Arc::clone(&state), config.framing_limits(), first, permit).into_transparent();
    let service = service(Rc::clone(&worker.handler), origin, Arc::clone(&state), 0);
    let mut connection = worker.http2.serve_connection(TokioIo::new(guarded), service);
    let max_requests = config.max_requests_per_connection;
    let end = drive(&mut connection, &state, &worker.patience, false, max_requests).await;
    match end {
        End::Overdue(Overdue::Request) => {
            Pin::new(&mut connection).graceful_shutdown();
            let _closed = tokio::time::timeout(FAREWELL, connection).await;
        }
        End::Overdue(Overdue::Answer) | End::Done(Ok(())) => {}
        End::Abusive => tracing::info!(peer = %origin.peer, "closed a connection that cancels its requests"),
        End::Done(Err(error)) => tracing::debug!(%error, "an HTTP/2 connection failed"),
    }
}
