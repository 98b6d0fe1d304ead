//! A trace as a person reads it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::search::Line;
use crate::span::{LATE, REQUEST_ID, Span};
use crate::tree::{Row, Tree};

const BAR_CELLS: u64 = 24;
/// Columns of a line: the offset, all figures, and what stands between the bar and the tree.
const OFFSET_WIDTH: usize = 11;
const BEFORE_BAR: usize = 35;
const AFTER_BAR: usize = 3;
/// Characters of a statement.
const STATEMENT_CHARS: usize = 90;
/// Characters of any other value.
const VALUE_CHARS: usize = 60;

/// What is shown of a span besides its name, in this order.
const SHOWN: [&str; 19] = [
    "http.response.status_code",
    "error.type",
    "aldia.problem.code",
    "aldia.slow.cause",
    "aldia.cache",
    "server.address",
    "http.request.resend_count",
    "db.query.text",
    "db.operation.name",
    "db.collection.name",
    "outcome",
    "attempts",
    "messaging.consumer.group.name",
    "messaging.nats.attempt",
    "messaging.nats.duplicate",
    "user.id",
    REQUEST_ID,
    "url.path",
    LATE,
];

/// The trace, a line per span and per event, in colour or without.
#[must_use]
pub fn lines(tree: &Tree, colour: bool) -> Vec<String> {
    let (start, end) = tree.extent();
    let mut lines = vec![headline(tree), String::new()];
    lines.push(format!(
        "{:>11} {:>10} {:>10}  {:width$}   * critical path",
        "offset",
        "took",
        "self",
        "",
        width = cells()
    ));
    for row in tree.rows() {
        let indent = branches(row.last());
        let Some(span) = row.span() else {
            let missing = row.missing().map(|id| id.to_string()).unwrap_or_default();
            let gap = " ".repeat(BEFORE_BAR + cells() + AFTER_BAR);
            lines.push(format!(
                "{gap}{indent}? {missing} is not here: a caller's own span, not recorded, or not exported yet"
            ));
            continue;
        };
        let mark = if row.is_critical() { '*' } else { ' ' };
        let text = format!(
            "{:>11} {:>10} {:>10}  {} {mark} {indent}{}",
            millis(Duration::from_nanos(span.start_unix_nanos - start)),
            millis(span.took()),
            millis(row.own_time()),
            bar(span, start, end),
            describe(span),
        );
        lines.push(if span.failed && colour { format!("\x1b[31m{text}\x1b[0m") } else { text });
        lines.extend(events(span, start, row));
    }
    lines
}

fn cells() -> usize {
    usize::try_from(BAR_CELLS).unwrap_or(0)
}

fn headline(tree: &Tree) -> String {
    let (start, end) = tree.extent();
    let spans = tree.spans();
    let services: std::collections::BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    let id = spans.first().map(|span| span.trace_id.to_string()).unwrap_or_default();
    let mut line = format!(
        "trace {id}  {}  {}  {} of {}",
        instant(start),
        millis(Duration::from_nanos(end - start)),
        count(spans.len(), "span"),
        count(services.len(), "service")
    );
    let failed = spans.iter().filter(|span| span.failed).count();
    if failed > 0 {
        line.push_str(&format!("  {failed} failed"));
    }
    if spans.iter().any(|span| span.attribute(LATE).is_some()) {
        line.push_str("  recorded late: not drawn, but slow or failed; what it called is in it only where that was, too");
    }
    line
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn events<'t>(span: &'t Span, start: u64, row: Row<'t>) -> impl Iterator<Item = String> + 't {
    let below = format!("{}  ", stems(row.last()));
    span.events.iter().map(move |event| {
        let at = Duration::from_nanos(event.unix_nanos.saturating_sub(start));
        let values: Vec<String> = event
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}={}", short(value, VALUE_CHARS)))
            .collect();
        let gap = " ".repeat(BEFORE_BAR + cells() + AFTER_BAR - OFFSET_WIDTH);
        format!(
            "{:>11}{gap}{below}! {} {}",
            millis(at),
            short(&event.name, STATEMENT_CHARS),
            values.join(" ")
        )
    })
}

/// `service name [kind] value …`.
fn describe(span: &Span) -> String {
    let mut text = format!("{} {}", span.service, span.name);
    if !matches!(span.kind, "server" | "internal") {
        text.push_str(&format!(" [{}]", span.kind));
    }
    if span.failed {
        text.push_str(" FAILED");
    }
    for name in SHOWN {
        let Some(value) = span.attribute(name) else { continue };
        let shown = match name {
            "error.type" if span.attribute("http.response.status_code") == Some(value) => continue,
            "http.response.status_code" | "error.type" | "aldia.problem.code" => value.to_owned(),
            "server.address" => match span.attribute("server.port") {
                Some(port) => format!("{value}:{port}"),
                None => value.to_owned(),
            },
            // The name of the span says these.
            "db.operation.name" | "db.collection.name" | "db.query.text" | "url.path"
                if span.name.contains(value) =>
            {
                continue;
            }
            "db.query.text" => format!("“{}”", short(value, STATEMENT_CHARS)),
            "db.operation.name" => value.to_owned(),
            "user.id" => format!("user {value}"),
            REQUEST_ID => format!("request {value}"),
            LATE => "late".to_owned(),
            _ => format!("{}={}", name.rsplit('.').next().unwrap_or(name), short(value, VALUE_CHARS)),
        };
        text.push_str("  ");
        text.push_str(&shown);
    }
    text
}

/// On one line, and no longer than so many characters.
fn short(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Where a span lies within its trace. Each has at least one cell, so that none is invisible.
fn bar(span: &Span, start: u64, end: u64) -> String {
    let whole = u128::from(end.saturating_sub(start).max(1));
    let cell = |at: u64| {
        let at = u128::from(at.saturating_sub(start)) * u128::from(BAR_CELLS) / whole;
        usize::try_from(at).unwrap_or(0).min(cells())
    };
    let first = cell(span.start_unix_nanos).min(cells() - 1);
    let after = cell(span.end_unix_nanos).max(first + 1);
    format!("{}{}{}", "·".repeat(first), "█".repeat(after - first), "·".repeat(cells() - after))
}

/// The lines of the tree that lead to a row.
fn branches(last: &[bool]) -> String {
    match last {
        [] | [_] => String::new(),
        [_, between @ .., last] => format!("{}{}", stems_of(between), if *last { "└─ " } else { "├─ " }),
    }
}

/// Those that lead past it, to what comes later.
fn stems(last: &[bool]) -> String {
    stems_of(last.get(1..).unwrap_or_default())
}

fn stems_of(last: &[bool]) -> String {
    last.iter().map(|last| if *last { "   " } else { "│  " }).collect()
}

fn millis(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1000.0)
}

/// An instant to the millisecond.
pub(crate) fn instant(unix_nanos: u64) -> String {
    let nanos = i64::try_from(unix_nanos).unwrap_or(i64::MAX);
    chrono::DateTime::from_timestamp_nanos(nanos).format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

/// Traces, a line each.
#[must_use]
pub fn table(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            let failed = if line.failed > 0 { format!("{} failed", line.failed) } else { String::new() };
            format!(
                "{}  {}  {:>12}  {:>4} spans {failed:>9}  {}",
                line.trace_id,
                instant(line.start_unix_nanos),
                format!("{:.3} ms", line.took_ms),
                line.spans,
                short(&line.what, STATEMENT_CHARS)
            )
        })
        .collect()
}

/// The trace for a program: its spans in the order of the tree. Times are milliseconds; offsets are from its earliest start.
#[must_use]
pub fn to_json(tree: &Tree) -> Value {
    let (start, end) = tree.extent();
    let ms = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1000.0;
    let known: std::collections::HashSet<_> = tree.spans().iter().map(|span| span.span_id).collect();
    let spans: Vec<Value> = tree
        .rows()
        .filter_map(|row| row.span().map(|span| (row, span)))
        .map(|(row, span)| {
            json!({
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "parent_missing": span.parent_id.is_some_and(|parent| !known.contains(&parent)),
                "depth": row.last().len() - 1,
                "service": span.service,
                "name": span.name,
                "kind": span.kind,
                "offset_ms": ms(span.start_unix_nanos - start),
                "duration_ms": ms(span.end_unix_nanos - span.start_unix_nanos),
                "self_ms": row.own_time().as_secs_f64() * 1000.0,
                "critical": row.is_critical(),
                "failed": span.failed,
                "attributes": span.attributes,
                "events": span.events,
            })
        })
        .collect();
    json!({
        "trace_id": tree.spans().first().map(|span| span.trace_id),
        "start_unix_nanos": start,
        "duration_ms": ms(end - start),
        "is_whole": tree.is_whole(),
        "spans": spans,
    })
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
