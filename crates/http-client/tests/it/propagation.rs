//! What travels along with a call.

use std::sync::Arc;

use http_client::{Client, ClientConfig};
use opentelemetry::trace::TracerProvider as _;
use telemetry::request::{self, RequestStats};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

use crate::{Script, answer};

#[tokio::test]
async fn trace_context_and_request_id_travel_along_and_the_time_is_counted() {
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    // For the whole process: a subscriber of one thread only races with the other tests over which spans are wanted.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    let server = Script::play(vec![answer("200 OK", "1")]).await;
    let client = Client::new(ClientConfig::default()).unwrap();
    let stats = RequestStats::new(None, "req-7".to_owned());

    let span = tracing::info_span!("handler");
    let trace_id = telemetry::propagation::trace_id(&span).unwrap();
    let own = span.in_scope(telemetry::propagation::current_traceparent).unwrap();
    let call = async { client.get_json::<u32>(&server.url).await.unwrap() };
    request::scope(Arc::clone(&stats), call.instrument(span)).await;

    let head = server.seen().remove(0);
    assert!(head.contains("\r\nx-request-id: req-7\r\n"), "{head}");
    assert!(head.contains(&format!("\r\ntraceparent: 00-{trace_id}-")), "{head}");
    assert!(!head.contains(&own), "the call's own span is the parent, not the handler's: {head}");
    assert_eq!(stats.upstream_calls(), 1);
}
