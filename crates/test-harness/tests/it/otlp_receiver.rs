//! The collector, fed as an exporter feeds it.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use test_harness::OtlpReceiver;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn span(name: &str, id: u8, parent: Option<u8>) -> Span {
    Span {
        trace_id: vec![0xab; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.map(|parent| vec![parent; 8]).unwrap_or_default(),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 3_500_000,
        attributes: vec![attribute("http.response.status_code", Value::IntValue(200))],
        links: vec![Link { trace_id: vec![0xcd; 16], span_id: vec![9; 8], ..Default::default() }],
        ..Default::default()
    }
}

async fn export(receiver: &OtlpReceiver, spans: Vec<Span>) {
    let service = attribute("service.name", Value::StringValue("catalog".to_owned()));
    let resource = Some(Resource { attributes: vec![service], ..Default::default() });
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..Default::default() }];
    let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(receiver.endpoint()).header("content-type", "application/x-protobuf").body(body);
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn exported_spans_are_read_back_whole() {
    let receiver = OtlpReceiver::start();
    export(&receiver, vec![span("SELECT animals", 2, Some(1)), span("GET /v1/animals", 1, None)]).await;
    let deadline = Duration::from_secs(5);
    let root = receiver.wait_for_span("the root", deadline, |span| span.parent_id.is_none()).await;
    assert_eq!(
        (root.service.as_str(), root.kind, root.duration),
        ("catalog", "server", Duration::from_micros(2500))
    );
    assert_eq!(root.trace_id, "ab".repeat(16));
    assert_eq!(root.attributes["http.response.status_code"], "200");
    assert_eq!(root.links, [("cd".repeat(16), "09".repeat(8))]);
    receiver.wait_for_trace(&root.trace_id, 2, deadline).await;
    let tree = "catalog: GET /v1/animals [server] (2.5 ms)\n  catalog: SELECT animals [server] (2.5 ms)\n";
    assert_eq!(receiver.tree(&root.trace_id), tree);
}

#[tokio::test]
#[should_panic(expected = "no span came: a consumer; there were [\"catalog: GET /v1/animals\"]")]
async fn a_span_that_does_not_come_is_named_with_those_that_did() {
    let receiver = OtlpReceiver::start();
    export(&receiver, vec![span("GET /v1/animals", 1, None)]).await;
    receiver.wait_for_span("a consumer", Duration::from_millis(30), |span| span.kind == "consumer").await;
}
