//! Requests that nobody drew: those that were slow or failed are in the traces all the same, and the others are not.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use test_harness::{OtlpReceiver, SpanView};

use super::header;
use super::system::{SPANS, System};
use crate::harness::PATIENCE;

const SLOW: Duration = Duration::from_millis(1000);
/// The client's own span, which is not exported by anybody here.
const CLIENT_SPAN: &str = "b7ad6b7169203331";

/// The late server span of this service for the request with this id.
async fn late(collector: &OtlpReceiver, service: &str, request_id: &str) -> SpanView {
    let is_it = |span: &SpanView| {
        span.service == service && span.attributes.get("aldia.request.id").is_some_and(|id| id == request_id)
    };
    let span = collector.wait_for_span(&format!("{service}: {request_id}"), SPANS, is_it).await;
    assert_eq!(span.attributes.get("aldia.sampled.late").map(String::as_str), Some("true"), "{span:?}");
    assert_eq!(span.kind, "server");
    assert!(span.duration >= SLOW, "{:?}", span.duration);
    span
}

fn write(system: &System, name: &str) -> RequestBuilder {
    let request = system.request(Method::POST, "/v1/species").json(&json!({"name": name}));
    request.header("x-request-id", name)
}

/// Sends a write while the database cannot be reached, for longer than is slow, then lets it go on.
async fn stalled(system: &System, name: &str) -> Response {
    system.network.stall();
    let mut answer = tokio::spawn(write(system, name).send());
    let early = tokio::time::timeout(SLOW + SLOW / 4, &mut answer).await;
    assert!(early.is_err(), "the database is away: {early:?}");
    system.network.restore();
    tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap()
}

/// The id of a request that was answered fast: of a busy machine the first may not be.
async fn fast(system: &System) -> String {
    for _ in 0..100 {
        let id = format!("fast-{}", uuid::Uuid::now_v7());
        let request = system.request(Method::GET, "/v1/animals/metadata").header("x-request-id", &id);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let took: f64 = header(&answer, "x-process-time").parse().unwrap();
        if took < SLOW.as_secs_f64() / 2.0 {
            return id;
        }
    }
    unreachable!("nothing is answered within {SLOW:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_failed_requests_that_nobody_drew_are_one_trace_each_and_fast_ones_none() {
    let collector = OtlpReceiver::start();
    let slow_ms = SLOW.as_millis().to_string();
    let settings =
        [("ALDIA_TELEMETRY__SAMPLE_RATIO", "0"), ("ALDIA_TELEMETRY__SLOW_REQUEST_MS", slow_ms.as_str())];
    let system = System::set_up(Some(&collector.endpoint()), &settings).await;
    let fast = fast(&system).await;

    let answer = stalled(&system, "slow-write").await;
    assert_eq!(answer.status(), 201);
    let door = late(&collector, "gateway", "slow-write").await;
    let service = late(&collector, "catalog", "slow-write").await;
    assert_eq!(door.parent_id, None, "the trace begins at the gateway");
    assert_eq!(service.parent_id.as_ref(), Some(&door.span_id));
    assert_eq!(service.trace_id, door.trace_id);
    assert!(!door.is_error && !service.is_error);
    assert_eq!(service.attributes["http.route"], "/v1/species");
    assert!(door.duration >= service.duration && door.start_unix_nanos <= service.start_unix_nanos);

    // The client gives less time than the database takes, and asks for nothing to be recorded.
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace}-{CLIENT_SPAN}-00");
    let patience = (SLOW + SLOW / 2).as_millis().to_string();
    system.network.stall();
    let request = write(&system, "failed-write").header("traceparent", traceparent);
    let answer = request.header("x-request-timeout-ms", patience).send().await.unwrap();
    assert!(answer.status().is_server_error(), "{}", answer.status());
    system.network.restore();
    let door = late(&collector, "gateway", "failed-write").await;
    let service = late(&collector, "catalog", "failed-write").await;
    assert!(door.is_error);
    assert_eq!((&door.trace_id, door.parent_id.as_deref()), (&trace, Some(CLIENT_SPAN)));
    assert_eq!((&service.trace_id, service.parent_id.as_ref()), (&trace, Some(&door.span_id)));

    // Exported in order: had the fast one been recorded, its span would have come before these.
    let of_fast = |span: &SpanView| span.attributes.get("aldia.request.id") == Some(&fast);
    assert!(!collector.spans().iter().any(of_fast));
    let exemplar = format!("trace_id=\"{trace}\"");
    let metrics = system.http.get(format!("{}/metrics", system.admin)).send().await.unwrap();
    assert!(metrics.text().await.unwrap().contains(&exemplar), "a bucket leads to the trace");
    let logs = system.gateway.logs();
    for target in ["access", "slow"] {
        let is_told =
            |line: &str| line.contains(&format!("\"target\":\"{target}\"")) && line.contains(&trace);
        assert!(logs.lines().any(is_told), "{target}: {logs}");
    }
}
