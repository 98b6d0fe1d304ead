//! An export taken apart: the spans of each trace by themselves, with what is asked for most in front.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message as _;

use crate::ids::TraceId;
use crate::store::{Head, Record};

/// A record for each trace of the export. Spans whose ids are not of their widths belong to no trace and are left out; so are
/// statements and commands that belong to nothing, such as renewals of leases and polls of queues: an idle system makes many a
/// second, and they would drive out what somebody may look for.
pub(crate) fn records(export: ExportTraceServiceRequest) -> Vec<Record> {
    let mut traces: BTreeMap<TraceId, (Head, Vec<ResourceSpans>)> = BTreeMap::new();
    for of_resource in export.resource_spans {
        let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        let mut here: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        for span in spans {
            let Ok(id) = <[u8; 16]>::try_from(span.trace_id.as_slice()) else { continue };
            if span.span_id.len() == 8 && !is_idling(&span) {
                here.entry(TraceId(id)).or_default().push(span);
            }
        }
        for (id, spans) in here {
            let (head, parts) = traces.entry(id).or_insert_with(|| (Head::of(id), Vec::new()));
            spans.iter().for_each(|span| note(head, span));
            parts.push(ResourceSpans {
                resource: of_resource.resource.clone(),
                scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
                schema_url: String::new(),
            });
        }
    }
    let record = |(head, resource_spans)| Record {
        head,
        body: ExportTraceServiceRequest { resource_spans }.encode_to_vec(),
    };
    traces.into_values().map(record).collect()
}

/// A statement without a request or job around it that went well.
fn is_idling(span: &Span) -> bool {
    span.parent_span_id.iter().all(|byte| *byte == 0)
        && span.kind() == SpanKind::Client
        && span.status.as_ref().is_none_or(|status| status.code() != StatusCode::Error)
        && span.attributes.iter().any(|attribute| attribute.key == "db.system.name")
}

fn note(head: &mut Head, span: &Span) {
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano.max(span.start_time_unix_nano));
    head.start_unix_nanos = head.start_unix_nanos.min(start);
    head.end_unix_nanos = head.end_unix_nanos.max(end);
    if span.kind() == SpanKind::Server {
        head.served_nanos = head.served_nanos.max(end - start);
    }
    head.failed |= span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
}
