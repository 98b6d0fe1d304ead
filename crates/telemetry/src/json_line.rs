//! Log lines: one flat JSON object per event, with the ids of the trace and the request it happened in.

use std::fmt::{self, Write as _};

use opentelemetry::trace::TraceContextExt as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats an event as a line: `timestamp`, `level`, `target`, `service`, `trace_id`, `span_id`, `request_id`,
/// `message`, then the event's own fields beside them.
#[derive(Debug)]
pub(crate) struct JsonLine {
    pub(crate) service: &'static str,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = String::with_capacity(512);
        line.push_str("{\"timestamp\":\"");
        SystemTime.format_time(&mut Writer::new(&mut line))?;
        write!(line, "\",\"level\":\"{}\"", metadata.level())?;
        let mut object = Object { line, result: Ok(()) };
        object.string("target", metadata.target());
        object.string("service", self.service);
        let traced = opentelemetry::Context::map_current(|context| {
            let span = context.span();
            let span = span.span_context();
            span.is_valid().then(|| (span.trace_id(), span.span_id()))
        });
        if let Some((trace_id, span_id)) = traced {
            write!(object.line, ",\"trace_id\":\"{trace_id}\",\"span_id\":\"{span_id}\"")?;
        }
        crate::request::with_current(|request| {
            if let (None, Some(trace_id)) = (traced, request.trace_id()) {
                object.string("trace_id", trace_id);
            }
            object.string("request_id", request.request_id());
        });
        event.record(&mut object);
        object.result?;
        writer.write_str(&object.line)?;
        writer.write_str("}\n")
    }
}

/// An object under construction: everything but its closing brace.
struct Object {
    line: String,
    result: fmt::Result,
}

/// Names the line has already used; an event's field of the same name gets a trailing underscore.
const RESERVED: [&str; 7] = ["timestamp", "level", "target", "service", "trace_id", "span_id", "request_id"];

impl Object {
    fn string(&mut self, name: &str, value: &str) {
        self.line.push_str(",\"");
        self.line.push_str(name);
        self.line.push_str("\":");
        match serde_json::to_string(value) {
            Ok(quoted) => self.line.push_str(&quoted),
            // A string always serialises; keep the line an object even so.
            Err(_) => self.line.push_str("null"),
        }
    }

    fn own(field: &Field) -> String {
        let name = field.name();
        if RESERVED.contains(&name) { format!("{name}_") } else { name.replace(['"', '\\'], "_") }
    }

    fn raw(&mut self, field: &Field, value: impl fmt::Display) {
        let written = write!(self.line, ",\"{}\":{value}", Self::own(field));
        self.result = self.result.and(written);
    }
}

impl Visit for Object {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.raw(field, value);
        } else {
            self.string(&Self::own(field), &value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.raw(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.raw(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.string(&Self::own(field), &value.to_string());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.string(&Self::own(field), &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.raw(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.string(&Self::own(field), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.string(&Self::own(field), &chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.string(&Self::own(field), &format!("{value:?}"));
    }
}

/// An error and its sources, outermost first, as one text.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Captured {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(log: impl FnOnce()) -> serde_json::Value {
        let captured = Captured::default();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLine { service: "test" })
            .with_writer(captured.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = captured.0.lock().unwrap().clone();
        assert_eq!(bytes.last(), Some(&b'\n'));
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn fields_keep_their_types_and_texts_are_escaped() {
        let line = logged(|| {
            tracing::warn!(
                target: "access",
                count = 3,
                ratio = 0.5,
                broken = f64::NAN,
                done = true,
                absent = None::<&str>,
                text = "a \"quote\"\n",
                list = ?["x"],
                level = "own",
                "it {}",
                "works"
            );
        });
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["target"], "access");
        assert_eq!(line["service"], "test");
        assert_eq!(line["message"], "it works");
        assert_eq!(line["count"], 3);
        assert_eq!(line["ratio"], 0.5);
        assert_eq!(line["broken"], "NaN");
        assert_eq!(line["done"], true);
        assert_eq!(line["text"], "a \"quote\"\n");
        assert_eq!(line["list"], "[\"x\"]");
        assert_eq!(line["level_"], "own");
        assert!(line.get("absent").is_none() && line.get("trace_id").is_none());
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn an_error_is_logged_with_its_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("inner"));
        let line = logged(|| {
            tracing::error!(error = &error as &(dyn std::error::Error + 'static), "failed");
        });
        assert_eq!(line["error"], "outer: inner");
    }

    #[tokio::test]
    async fn a_line_within_a_request_names_it() {
        let stats = crate::request::RequestStats::new(Some("abc".to_owned()), "req-1".to_owned());
        let line = crate::request::scope(stats, async { logged(|| tracing::info!("hello")) }).await;
        assert_eq!(line["request_id"], "req-1");
        assert_eq!(line["trace_id"], "abc");
    }
}
