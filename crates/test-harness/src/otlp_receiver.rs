//! A collector of traces: OTLP over HTTP as protobuf, kept in memory and shown as trees.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use crate::local_server::LocalServer;
use crate::span_tree;
use crate::wait::{wait_for, wait_until};

/// Largest export taken: a batch of 512 spans with long statements stays far below it.
const MAX_EXPORT_BYTES: usize = 32 * 1024 * 1024;

/// One span as it was exported; ids in lowercase hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanView {
    /// The trace it belongs to.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// Its parent's id, here or in another process; none for the root of a trace.
    pub parent_id: Option<String>,
    /// Its name.
    pub name: String,
    /// `service.name` of its resource.
    pub service: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: &'static str,
    /// Start, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// How long it took.
    pub duration: Duration,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Its attributes, values as text.
    pub attributes: BTreeMap<String, String>,
    /// The trace and span ids it is linked to.
    pub links: Vec<(String, String)>,
}

/// A collector on a port of its own.
#[derive(Debug)]
pub struct OtlpReceiver {
    server: LocalServer,
    spans: Spans,
}

type Spans = Arc<Mutex<Vec<SpanView>>>;

impl OtlpReceiver {
    /// Starts a collector.
    #[must_use]
    pub fn start() -> Self {
        let spans = Spans::default();
        let shared = web::Data::new(Arc::clone(&spans));
        let server = LocalServer::start(move |app| {
            app.app_data(shared.clone())
                .app_data(web::PayloadConfig::new(MAX_EXPORT_BYTES))
                .route("/v1/traces", web::post().to(receive));
        });
        Self { server, spans }
    }

    /// The URL exporters send to, path and all.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/v1/traces", self.server.base_url())
    }

    /// All spans received so far, in the order of their arrival.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanView> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trace as text, a line per span: `service: name [kind] (ms)`, children indented under their parents in the order
    /// they started. Spans of *other* traces that are linked to one of these are shown under it, behind `~>`.
    #[must_use]
    pub fn tree(&self, trace_id: &str) -> String {
        span_tree::render(&self.spans(), trace_id)
    }

    /// Waits until some received span satisfies `wanted`, and returns the first that does. Exporters send in batches, so
    /// a span arrives some time after it ended.
    ///
    /// # Panics
    /// When none has come by the deadline, naming `what` and the spans that did.
    pub async fn wait_for_span(
        &self,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&SpanView) -> bool,
    ) -> SpanView {
        let find = async || self.spans().into_iter().find(|span| wanted(span));
        wait_for(deadline, find).await.unwrap_or_else(|| {
            let spans = self.spans();
            let names: Vec<_> = spans.iter().map(|span| format!("{}: {}", span.service, span.name)).collect();
            panic!("no span came: {what}; there were {names:?}")
        })
    }

    /// Waits until at least `count` spans of a trace have come.
    ///
    /// # Panics
    /// When they have not by the deadline.
    pub async fn wait_for_trace(&self, trace_id: &str, count: usize, deadline: Duration) {
        let what = format!("{count} spans of trace {trace_id}");
        wait_until(&what, deadline, async || {
            self.spans().iter().filter(|span| span.trace_id == trace_id).count() >= count
        })
        .await;
    }
}

async fn receive(spans: web::Data<Spans>, body: web::Bytes) -> HttpResponse {
    let Ok(export) = ExportTraceServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for of_resource in export.resource_spans {
        let attributes = of_resource.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
        let service = attributes.get("service.name").map_or("?", String::as_str);
        let exported = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        spans.extend(exported.map(|span| view(span, service)));
    }
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    HttpResponse::Ok().content_type("application/x-protobuf").body(answer)
}

fn view(span: Span, service: &str) -> SpanView {
    let kind = match span.kind() {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal | SpanKind::Unspecified => "internal",
    };
    SpanView {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
        service: service.to_owned(),
        kind,
        start_unix_nanos: span.start_time_unix_nano,
        duration: Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano)),
        is_error: span.status.is_some_and(|status| status.code() == StatusCode::Error),
        attributes: texts(span.attributes),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        name: span.name,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|pair| (pair.key, pair.value.map(text).unwrap_or_default())).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(value)) => hex(&value),
        Some(Value::ArrayValue(array)) => array.values.into_iter().map(text).collect::<Vec<_>>().join(","),
        other => other.map(|value| format!("{value:?}")).unwrap_or_default(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
