//! The receiver: OTLP over HTTP/1.1 as protobuf, each export appended to the store before it is acknowledged.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::export;
use crate::store::Writer;

/// Exporters of one machine; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// Exports read and taken apart at the same time; what they need together is bounded by it.
const MAX_EXPORTS: usize = 4;
/// Largest body as sent. A batch of 1024 spans with long statements is about two of these.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Largest body once unpacked.
const MAX_UNPACKED_BYTES: u64 = 32 << 20;
/// For a request's head, and again for its body.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// After an attempt to accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For exports under way when told to stop.
const DRAIN: Duration = Duration::from_secs(2);
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// What is received, and where it is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The store.
    pub directory: PathBuf,
    /// Most bytes that are kept; the oldest go.
    pub most_bytes: u64,
}

/// A collector that listens.
#[derive(Debug)]
pub struct Collector {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Mutex<Writer>,
    exports: Semaphore,
}

impl Collector {
    /// Opens the store and listens.
    ///
    /// # Errors
    /// When another collector has the store, or the address cannot be had.
    pub async fn start(options: &Options) -> Result<Self> {
        let writer = Writer::open(&options.directory, options.most_bytes)?;
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!("cannot listen on {}; --listen names another address", options.listen)
        })?;
        let shared = Shared { writer: Mutex::new(writer), exports: Semaphore::new(MAX_EXPORTS) };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Where it listens, with the port it got.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Takes exports until `stop` is done, then finishes those under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    let Ok((stream, _)) = accepted else {
                        // That connection is broken, or there are no descriptors until others are given back.
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    };
                    connections.spawn(serve(stream, Arc::clone(&self.shared), stopped.clone()));
                }
            }
        }
        stopping.send_replace(true);
        drop(self.listener);
        // Whoever is not done by then sends again, or loses what nobody needs any more.
        let _ = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How it ends concerns the exporter alone: it knows what was acknowledged.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Why an export was not taken: the status says whether it may be sent again (OTLP/HTTP: 503 may, the others not).
struct Refusal(StatusCode, &'static str);

/// The error message of OTLP/HTTP, `google.rpc.Status`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/traces") => match take(request, shared).await {
            Ok(()) => (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec()),
            Err(Refusal(status, why)) => (status, Status { message: why.to_owned() }.encode_to_vec()),
        },
        (&Method::GET, "/readyz") => (StatusCode::OK, Vec::new()),
        (_, "/v1/traces" | "/readyz") => (StatusCode::METHOD_NOT_ALLOWED, Vec::new()),
        _ => (StatusCode::NOT_FOUND, Vec::new()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, PROTOBUF);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

async fn take(request: Request<Incoming>, shared: Arc<Shared>) -> Result<(), Refusal> {
    let gzip = is_gzip(request.headers())?;
    let closed = |_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    let _permit = shared.exports.acquire().await.map_err(closed)?;
    let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
    let body = match tokio::time::timeout(READ_WITHIN, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, "an export may have 8 MiB"));
        }
        Ok(Err(_)) => return Err(Refusal(StatusCode::BAD_REQUEST, "the body is broken")),
        Err(_) => return Err(Refusal(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    };
    let writer = Arc::clone(&shared);
    // Unpacking and writing stop a thread; it is not the one that the connections share.
    let kept = tokio::task::spawn_blocking(move || keep(&body, gzip, &writer.writer)).await;
    kept.unwrap_or(Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "stopping")))
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    if headers.get(header::CONTENT_TYPE) != Some(&PROTOBUF) {
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "exports are application/x-protobuf here"));
    }
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "exports may be packed by gzip alone")),
    }
}

fn keep(body: &[u8], gzip: bool, writer: &Mutex<Writer>) -> Result<(), Refusal> {
    let mut unpacked = Vec::new();
    let body = if gzip {
        let mut from = flate2::read::MultiGzDecoder::new(body).take(MAX_UNPACKED_BYTES + 1);
        let read = from.read_to_end(&mut unpacked);
        read.map_err(|_| Refusal(StatusCode::BAD_REQUEST, "the body is no gzip"))?;
        if from.limit() == 0 {
            return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, "an unpacked export may have 32 MiB"));
        }
        unpacked.as_slice()
    } else {
        body
    };
    let export = ExportTraceServiceRequest::decode(body);
    let export = export.map_err(|_| Refusal(StatusCode::BAD_REQUEST, "the body is no export of traces"))?;
    let records = export::records(export);
    // A panic while writing cannot leave more than half a record, which readers pass over.
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    writer.append(&records).map_err(|error| {
        complain(&anyhow::Error::from(error));
        Refusal(StatusCode::SERVICE_UNAVAILABLE, "the export could not be kept")
    })
}

/// To the log, which is standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    use std::io::Write as _;
    // Whoever reads no log reads no complaint about that.
    let _ = writeln!(std::io::stderr(), "aldia collect: {error:#}");
}
