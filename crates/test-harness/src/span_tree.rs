//! A trace as a person reads it.

use std::collections::HashSet;

use crate::otlp_receiver::SpanView;

/// Renders one trace and what is linked to it. A span whose parent was not received stands as a root.
pub(crate) fn render(spans: &[SpanView], trace_id: &str) -> String {
    let mut writer = Writer { spans, written: HashSet::new(), out: String::new() };
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let is_root = |span: &&SpanView| span.parent_id.as_deref().is_none_or(|parent| !known.contains(parent));
    for root in by_start(spans.iter().filter(|span| span.trace_id == trace_id).filter(is_root)) {
        writer.write(root, 0, "");
    }
    writer.out
}

struct Writer<'s> {
    spans: &'s [SpanView],
    /// Links may run in circles; a span is shown once.
    written: HashSet<&'s str>,
    out: String,
}

impl<'s> Writer<'s> {
    fn write(&mut self, span: &'s SpanView, depth: usize, mark: &str) {
        if !self.written.insert(&span.span_id) {
            return;
        }
        let (indent, millis) = ("  ".repeat(depth), span.duration.as_secs_f64() * 1000.0);
        let error = if span.is_error { " !" } else { "" };
        let line = format!(
            "{indent}{mark}{}: {} [{}] ({millis:.1} ms){error}\n",
            span.service, span.name, span.kind
        );
        self.out.push_str(&line);
        let spans = self.spans;
        let is_child = |other: &&SpanView| {
            other.trace_id == span.trace_id && other.parent_id.as_ref() == Some(&span.span_id)
        };
        for child in by_start(spans.iter().filter(is_child)) {
            self.write(child, depth + 1, "");
        }
        let is_linked = |other: &&SpanView| {
            other.trace_id != span.trace_id && other.links.iter().any(|(_, linked)| *linked == span.span_id)
        };
        for linked in by_start(spans.iter().filter(is_linked)) {
            self.write(linked, depth + 1, "~> ");
        }
    }
}

fn by_start<'s>(spans: impl Iterator<Item = &'s SpanView>) -> Vec<&'s SpanView> {
    let mut spans: Vec<_> = spans.collect();
    spans.sort_by_key(|span| span.start_unix_nanos);
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn span(trace: &str, id: &str, parent: Option<&str>, start: u64, links: &[&str]) -> SpanView {
        SpanView {
            trace_id: trace.to_owned(),
            span_id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            name: format!("do {id}"),
            service: "catalog".to_owned(),
            kind: "internal",
            start_unix_nanos: start,
            duration: Duration::from_micros(1500),
            is_error: id == "b",
            attributes: std::collections::BTreeMap::new(),
            links: links.iter().map(|link| ("t".to_owned(), (*link).to_owned())).collect(),
        }
    }

    #[test]
    fn children_stand_under_their_parents_in_order_and_linked_traces_behind_an_arrow() {
        let spans = [
            span("t", "c", Some("a"), 3, &[]),
            span("t", "b", Some("a"), 2, &[]),
            span("t", "a", Some("elsewhere"), 1, &[]),
            span("u", "d", None, 4, &["b"]),
            span("u", "e", Some("d"), 5, &[]),
            span("v", "x", None, 6, &[]),
        ];
        let expected = "\
catalog: do a [internal] (1.5 ms)
  catalog: do b [internal] (1.5 ms) !
    ~> catalog: do d [internal] (1.5 ms)
      catalog: do e [internal] (1.5 ms)
  catalog: do c [internal] (1.5 ms)
";
        assert_eq!(render(&spans, "t"), expected);
    }

    #[test]
    fn links_in_a_circle_end() {
        let spans = [span("t", "a", None, 1, &["b"]), span("u", "b", None, 2, &["a"])];
        assert_eq!(render(&spans, "t").lines().count(), 2);
    }
}
