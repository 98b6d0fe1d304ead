//! A span as it was exported, in the form in which it is searched and shown.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as otlp};
use serde::Serialize;

use crate::ids::{SpanId, TraceId};

/// The attribute that holds the `X-Request-Id` of a request.
pub const REQUEST_ID: &str = "aldia.request.id";
/// The attribute of a span that was made when its request had turned out slow or failed.
pub const LATE: &str = "aldia.sampled.late";

/// One span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent's id; `None` for the root of a trace.
    pub parent_id: Option<SpanId>,
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: &'static str,
    /// Start, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// End, likewise; never before the start.
    pub end_unix_nanos: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// Its attributes, values as text.
    pub attributes: BTreeMap<String, String>,
    /// What happened in it.
    pub events: Vec<Event>,
}

/// Something that happened within a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, in nanoseconds since 1970.
    pub unix_nanos: u64,
    /// What.
    pub name: String,
    /// More about it, values as text.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.end_unix_nanos - self.start_unix_nanos)
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The spans of an export. Ones without a valid id belong nowhere and are left out.
    pub(crate) fn all_of(export: ExportTraceServiceRequest) -> impl Iterator<Item = Self> {
        export.resource_spans.into_iter().flat_map(|of_resource| {
            let mut resource =
                of_resource.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
            let service = resource.remove("service.name").unwrap_or_else(|| "?".to_owned());
            let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            spans.filter_map(move |span| Self::of(span, service.clone()))
        })
    }

    fn of(span: otlp::Span, service: String) -> Option<Self> {
        let kind = match span.kind() {
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal | SpanKind::Unspecified => "internal",
        };
        let events = span.events.into_iter().map(|event| Event {
            unix_nanos: event.time_unix_nano,
            name: event.name,
            attributes: texts(event.attributes),
        });
        Some(Self {
            trace_id: TraceId(span.trace_id.try_into().ok()?),
            span_id: SpanId(span.span_id.try_into().ok()?),
            parent_id: span.parent_span_id.try_into().ok().map(SpanId).filter(|id| id.0 != [0; 8]),
            service,
            kind,
            start_unix_nanos: span.start_time_unix_nano,
            end_unix_nanos: span.end_time_unix_nano.max(span.start_time_unix_nano),
            failed: span.status.is_some_and(|status| status.code() == StatusCode::Error),
            attributes: texts(span.attributes),
            events: events.collect(),
            name: span.name,
        })
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
        Some(Value::BytesValue(value)) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
        Some(Value::ArrayValue(array)) => array.values.into_iter().map(text).collect::<Vec<_>>().join(","),
        Some(Value::KvlistValue(list)) => {
            let pairs = texts(list.values).into_iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(",")
        }
        // Indices into a table that only exports of profiles have.
        Some(_) | None => String::new(),
    }
}
