//! Telemetry as a process uses it: one start, spans and lines, one stop.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use telemetry::{Telemetry, TelemetryConfig, propagation};

/// Takes exports on a free port; its endpoint, and what it was sent.
fn collector() -> (String, mpsc::Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            sender.send(ExportTraceServiceRequest::decode(body.as_slice()).unwrap()).unwrap();
        }
    });
    (endpoint, receiver)
}

#[tokio::test]
async fn spans_reach_the_collector_with_their_parent_from_outside_and_shutdown_sends_the_last() {
    let (endpoint, exports) = collector();
    let config = TelemetryConfig { otlp_endpoint: Some(endpoint), ..TelemetryConfig::default() };
    let telemetry = Telemetry::init("test-service", &config).unwrap();
    let span = tracing::info_span!("request", otel.name = "GET /v1/things", otel.kind = "server");
    propagation::set_parent(
        &span,
        propagation::extract(|name| match name {
            "traceparent" => vec!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()],
            _ => vec![],
        }),
    );
    assert_eq!(propagation::trace_id(&span).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    span.in_scope(|| tracing::info_span!("SELECT animal").in_scope(|| tracing::info!("a log line")));
    drop(span);
    let announced = propagation::TraceContext::read(|_| std::iter::empty(), 1.0);
    let span = tracing::info_span!("GET /v1/others");
    propagation::set_parent(&span, announced.to_otel());
    span.in_scope(|| {});
    drop(span);
    telemetry.shutdown();

    let mut spans = Vec::new();
    while spans.len() < 3 {
        for resource in exports.recv_timeout(Duration::from_secs(10)).unwrap().resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            assert_eq!(
                name.value.clone().unwrap().value,
                Some(Value::StringValue("test-service".to_owned()))
            );
            assert!(attributes.iter().any(|attribute| attribute.key == "service.version"));
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let root = spans.iter().find(|span| span.name == "GET /v1/things").unwrap();
    let inner = spans.iter().find(|span| span.name == "SELECT animal").unwrap();
    assert_eq!(root.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(inner.parent_span_id, root.span_id);
    assert_eq!(inner.trace_id, root.trace_id);
    assert!(inner.events.is_empty(), "lines below a warning stay out of the trace");
    let begun_here = spans.iter().find(|span| span.name == "GET /v1/others").unwrap();
    let trace_id: String = begun_here.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(trace_id, announced.trace_id());
    assert!(begun_here.parent_span_id.is_empty());

    let again = Telemetry::init("test-service", &TelemetryConfig::default());
    assert!(again.is_err(), "telemetry starts once per process");
}
