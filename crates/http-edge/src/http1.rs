//! One HTTP/1.1 connection: hyper behind the guard, and the orderly end.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;

use crate::census::Permit;
use crate::closing;
use crate::config::EdgeConfig;
use crate::connection::Transport;
use crate::drive::{Drainable, End, Overdue, drive};
use crate::framing::Refusal;
use crate::guard::{Guarded, Loan};
use crate::handler::Handler;
use crate::service::{Origin, service};
use crate::state::ConnectionState;
use crate::worker::Worker;

/// Fields up to here hyper parses without an allocation; the inspector's bound is the one that holds.
const FIELDS_WITHOUT_ALLOCATION: usize = 100;
/// hyper's own bound of a trailer section.
const TRAILERS_OF_HYPER: usize = 16 * 1024;
/// Read and write buffer of one connection; a body streams through no more than this.
const BUFFER: usize = 128 * 1024;

/// Settings of hyper. Times are kept by [`drive`], bounds by the inspector.
pub(crate) fn builder(config: &EdgeConfig) -> Builder {
    let mut builder = Builder::new();
    builder.half_close(false).keep_alive(true).pipeline_flush(false).header_read_timeout(None);
    builder.max_buf_size(BUFFER.max(config.max_head_bytes + 16 * 1024));
    if config.max_fields > FIELDS_WITHOUT_ALLOCATION {
        builder.max_headers(config.max_fields);
    }
    if config.max_trailer_bytes >= TRAILERS_OF_HYPER {
        builder.max_header_size(config.max_head_bytes.max(config.max_trailer_bytes) + 1024);
    }
    builder
}

impl<IO, S, B> Drainable for UpgradeableConnection<TokioIo<Loan<IO>>, S>
where
    IO: Transport,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body + 'static,
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
    let guarded = Guarded::new(io, Arc::clone(&state), config.framing_limits(), first, permit).offering(
        origin,
        config.max_requests_per_connection,
        IO::socket,
    );
    let service =
        service(Rc::clone(&worker.handler), origin, Arc::clone(&state), config.max_requests_per_connection);
    let (loan, home) = Loan::new(guarded);
    let mut connection = worker.http1.serve_connection(TokioIo::new(loan), service).with_upgrades();
    let end = drive(&mut connection, &state, &worker.patience, true, 0).await;
    if state.switched.load(Relaxed) {
        state.tunnel.store(true, Relaxed);
        return;
    }
    state.over.store(true, Relaxed);
    drop(connection);
    let Some(guarded) = home.take() else { return };
    let refusal = match &end {
        End::Overdue(Overdue::Request) if guarded.holds_bytes() => Some(Refusal::HeadTimeout),
        _ => guarded.refused_head(),
    };
    let refusal = refusal.map(|refusal| closing::render(worker.handler.refuse(refusal, origin.peer)));
    let client_left = guarded.ended();
    let (io, _permit) = guarded.into_inner();
    match end {
        // The answer broke off, and an orderly end would make it look whole.
        End::Done(Err(error)) if error.is_user() && state.ends_by_close.load(Relaxed) => io.abort(),
        End::Overdue(Overdue::Answer) => io.abort(),
        End::Done(Err(error)) if is_io(&error) => {}
        _ => closing::close(io, refusal, client_left).await,
    }
}

/// Whether the connection itself has failed, so that nothing can be said on it.
fn is_io(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<io::Error>())
}
