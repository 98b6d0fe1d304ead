//! The collector over HTTP, as an exporter meets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, status::StatusCode as Code,
};
use prost::Message as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traces::collect::{Collector, Options};
use traces::ids::{Named, TraceId};
use traces::search::{self, Filter};
use traces::store::Snapshot;

struct Running {
    directory: tempfile::TempDir,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn collector() -> Running {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        directory: directory.path().join("traces"),
        most_bytes: 8 << 20,
    };
    let collector = Collector::start(&options).await.unwrap();
    let address = collector.address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(collector.run(async move { stopped.await.unwrap() }));
    Running { directory, address, stop, task }
}

impl Running {
    async fn send(&self, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        (answer.status(), answer.into_body().collect().await.unwrap().to_bytes())
    }

    async fn export(&self, body: Vec<u8>, fields: Fields<'_>) -> (StatusCode, Bytes) {
        let request = Request::post("/v1/traces").header("host", "collector");
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Full::from(body)).unwrap()).await
    }

    fn store(&self) -> std::path::PathBuf {
        self.directory.path().join("traces")
    }
}

type Fields<'f> = &'f [(&'f str, &'f str)];

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn request(trace: u8, millis: u64, failed: bool, route: &str, request_id: &str) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![1; 8],
        name: format!("GET {route}"),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: u64::from(trace) * 1_000_000_000,
        end_time_unix_nano: u64::from(trace) * 1_000_000_000 + millis * 1_000_000,
        attributes: vec![text("http.route", route), text("aldia.request.id", request_id)],
        status: failed.then(|| Status { code: Code::Error.into(), ..Status::default() }),
        ..Span::default()
    }
}

fn export(spans: Vec<Span>) -> Vec<u8> {
    let resource = Resource { attributes: vec![text("service.name", "gateway")], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn found(store: &Path, filter: &Filter) -> Vec<u8> {
    search::filtered(&Snapshot::open(store).unwrap(), filter).iter().map(|head| head.trace_id.0[0]).collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_found_by_every_name() {
    let collector = collector().await;
    let body = export(vec![
        request(1, 30, false, "/v1/animals", "first-1"),
        request(2, 900, false, "/v1/animals", "second-2"),
        request(3, 5, true, "/v1/breeds", "third-3"),
    ]);
    let (status, answer) = collector.export(gzip(&body), &[PROTOBUF, ("content-encoding", "gzip")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ExportTraceServiceResponse::decode(answer).unwrap(), ExportTraceServiceResponse::default());

    let store = collector.store();
    let snapshot = Snapshot::open(&store).unwrap();
    let second = TraceId([2; 16]);
    for name in [second.to_string(), format!("00-{second}-0101010101010101-00"), "second-2".to_owned()] {
        assert_eq!(search::named(&snapshot, &Named::parse(&name).unwrap()), Some(second), "{name}");
    }
    for name in ["second", "04040404040404040404040404040404"] {
        assert_eq!(search::named(&snapshot, &Named::parse(name).unwrap()), None, "{name}");
    }
    assert_eq!(found(&store, &Filter::default()), [3, 2, 1]);
    assert_eq!(found(&store, &Filter { slow: true, ..Filter::default() }), [2, 1, 3]);
    assert_eq!(found(&store, &Filter { failed: true, ..Filter::default() }), [3]);
    for route in ["/v1/animals", "GET /v1/animals"] {
        assert_eq!(found(&store, &Filter { route: Some(route.to_owned()), ..Filter::default() }), [2, 1]);
    }
    let heads = search::filtered(&snapshot, &Filter { failed: true, ..Filter::default() });
    let line = search::line(&snapshot, &heads[0]);
    assert_eq!((line.spans, line.failed, line.what.as_str()), (1, 1, "gateway GET /v1/breeds"));
}

#[tokio::test]
async fn what_an_idle_system_does_all_the_time_is_not_kept_and_jobs_are_listed_when_asked_for() {
    let collector = collector().await;
    let statement = |trace: u8, parent: &[u8], failed: bool| Span {
        parent_span_id: parent.to_vec(),
        kind: SpanKind::Client.into(),
        attributes: vec![text("db.system.name", "redis")],
        ..request(trace, 1, failed, "/", "r")
    };
    let job = Span { kind: SpanKind::Internal.into(), ..request(4, 1, false, "/", "r") };
    let spans = vec![statement(1, &[], false), statement(2, &[], true), statement(3, &[7; 8], false), job];
    let (status, _) = collector.export(export(spans), &[PROTOBUF]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(found(&collector.store(), &Filter { jobs: true, ..Filter::default() }), [4, 3, 2]);
    assert!(found(&collector.store(), &Filter::default()).is_empty());
}

#[tokio::test]
async fn what_is_no_export_is_refused_and_said_why() {
    let collector = collector().await;
    let whole = export(vec![request(1, 1, false, "/", "r")]);
    // Nought unpacks from a thousandth.
    let bomb = gzip(&vec![0; 33 << 20]);
    let cases: [(Vec<u8>, Fields<'_>, u16); 6] = [
        (whole.clone(), &[("content-type", "application/json")], 415),
        (whole.clone(), &[], 415),
        (whole.clone(), &[PROTOBUF, ("content-encoding", "br")], 415),
        (whole, &[PROTOBUF, ("content-encoding", "gzip")], 400),
        (vec![0xff; 64], &[PROTOBUF], 400),
        (bomb, &[PROTOBUF, ("content-encoding", "gzip")], 413),
    ];
    for (body, fields, expected) in cases {
        let (status, answer) = collector.export(body, fields).await;
        assert_eq!(status, expected, "{fields:?}");
        assert!(!answer.is_empty(), "{fields:?}");
    }
    let (status, _) = collector.export(vec![0; (8 << 20) + 1], &[PROTOBUF]).await;
    assert_eq!(status, 413);
    for (method, path, expected) in
        [("GET", "/v1/traces", 405), ("POST", "/v1/metrics", 404), ("GET", "/readyz", 200)]
    {
        let request = Request::builder().method(method).uri(path).header("host", "c");
        let (status, _) = collector.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(status, expected, "{method} {path}");
    }
    assert!(found(&collector.store(), &Filter::default()).is_empty());
}

#[tokio::test]
async fn told_to_stop_it_ends_although_exporters_keep_their_connections() {
    let collector = collector().await;
    let idle = tokio::net::TcpStream::connect(collector.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(idle)).await.unwrap();
    tokio::spawn(connection);
    let body: Full<Bytes> = Full::from(export(vec![request(1, 1, false, "/", "r")]));
    let first = Request::post("/v1/traces").header("host", "c").header(PROTOBUF.0, PROTOBUF.1);
    assert_eq!(sender.send_request(first.body(body).unwrap()).await.unwrap().status(), 200);
    collector.stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), collector.task).await.unwrap().unwrap();
    assert_eq!(found(&collector.directory.path().join("traces"), &Filter::default()), [1]);
}
