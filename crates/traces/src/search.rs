//! Which traces somebody asked for.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

use crate::ids::{Named, TraceId};
use crate::span::{REQUEST_ID, Span};
use crate::store::{Head, Snapshot};
use crate::tree::Tree;

/// Which of the traces that are kept.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The slowest first, else the latest.
    pub slow: bool,
    /// Only those in which a span failed.
    pub failed: bool,
    /// Only those with a server span of this route, path or name.
    pub route: Option<String>,
    /// Those without a server span, too: of jobs, and of what came of requests that are not here.
    pub jobs: bool,
}

/// A trace in one line.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its id.
    pub trace_id: TraceId,
    /// Its earliest start, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// Its longest server span, or, without one, from its first start to its last end. Milliseconds.
    pub took_ms: f64,
    /// How many spans there are.
    pub spans: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Service and name of the first span, and its status.
    pub what: String,
}

/// The trace that was named.
#[must_use]
pub fn named(snapshot: &Snapshot, name: &Named) -> Option<TraceId> {
    match name {
        Named::Trace(id) if snapshot.traces().iter().any(|head| head.trace_id == *id) => Some(*id),
        // A client may choose an id for its request that looks like one of a trace.
        Named::Trace(id) => of_request(snapshot, &id.to_string()),
        Named::Request(id) => of_request(snapshot, id),
    }
}

fn of_request(snapshot: &Snapshot, id: &str) -> Option<TraceId> {
    snapshot.traces_with(id, |span| span.attribute(REQUEST_ID) == Some(id)).first().copied()
}

/// The traces that a filter lets through, in its order.
#[must_use]
pub fn filtered(snapshot: &Snapshot, filter: &Filter) -> Vec<Head> {
    let mut heads = snapshot.traces();
    if let Some(route) = &filter.route {
        let of_route: HashSet<TraceId> =
            snapshot.traces_with(route, |span| is_of(span, route)).into_iter().collect();
        heads.retain(|head| of_route.contains(&head.trace_id));
    }
    if !filter.jobs {
        heads.retain(|head| head.served_nanos > 0);
    }
    if filter.failed {
        heads.retain(|head| head.failed);
    }
    if filter.slow {
        heads.sort_by_key(|head| Reverse(took(head)));
    }
    heads
}

fn is_of(span: &Span, route: &str) -> bool {
    span.kind == "server"
        && (span.name == route
            || ["http.route", "url.path"].iter().any(|name| span.attribute(name) == Some(route)))
}

/// The trace in one line.
#[must_use]
pub fn line(snapshot: &Snapshot, head: &Head) -> Line {
    let spans = snapshot.spans(head.trace_id);
    let failed = spans.iter().filter(|span| span.failed).count();
    let tree = Tree::of(spans);
    let first = tree.rows().find_map(|row| row.span());
    let what = first.map(|span| {
        let status = span.attribute("http.response.status_code").map(|status| format!(" {status}"));
        format!("{} {}{}", span.service, span.name, status.unwrap_or_default())
    });
    Line {
        trace_id: head.trace_id,
        start_unix_nanos: head.start_unix_nanos,
        took_ms: took(head).as_secs_f64() * 1000.0,
        spans: tree.spans().len(),
        failed,
        what: what.unwrap_or_default(),
    }
}

/// What the caller waited for; work that goes on after the answer makes no request slow.
fn took(head: &Head) -> Duration {
    let whole = head.end_unix_nanos.saturating_sub(head.start_unix_nanos);
    Duration::from_nanos(if head.served_nanos > 0 { head.served_nanos } else { whole })
}
