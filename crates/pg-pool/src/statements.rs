//! One span, one measurement and one count for every statement.
//!
//! diesel announces a statement when its future is made and again when the server has answered, both inside the poll of
//! the caller's task: the current span and the task-local request statistics are the caller's own.

use std::sync::{Arc, Once};
use std::time::Instant;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use telemetry::request::{Entered, Part, RequestStats};
use tracing::Span;

use crate::observe::{Listeners, OperationLabels};
use crate::{capture, error, sql};

/// Makes connections that no pool opens (listeners, tools) count like the others. Does its work once a process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = set_default_instrumentation(|| Some(Box::new(Statements::new(None)))) {
            tracing::warn!(%error, "statements outside a pool will not be counted");
        }
    });
}

/// Follows the statements of one connection.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Statements sent and not yet answered; more than one only when a caller pipelines or gave up on a statement.
    open: Vec<Open>,
    listeners: Option<Listeners>,
}

#[derive(Debug)]
struct Open {
    text: String,
    operation: &'static str,
    is_work: bool,
    span: Span,
    started: Instant,
    request: Option<(Arc<RequestStats>, Entered)>,
}

impl Statements {
    pub(crate) fn new(listeners: Option<Listeners>) -> Self {
        Self { open: Vec::new(), listeners }
    }

    /// Closes the books on statements nobody waits for any more; says whether there were any.
    pub(crate) fn abandon(&mut self) -> bool {
        let open = std::mem::take(&mut self.open);
        for statement in &open {
            self.close(statement, Some("cancelled"));
        }
        !open.is_empty()
    }

    fn started(&mut self, text: String) {
        let statement = sql::describe(&text);
        let (operation, is_work) = (statement.operation, statement.is_work);
        let name = match statement.table {
            Some(table) => format!("{operation} {table}"),
            None => operation.to_owned(),
        };
        let span = tracing::info_span!(
            "statement",
            "otel.name" = name,
            "otel.kind" = "client",
            "otel.status_code" = tracing::field::Empty,
            "db.system.name" = "postgresql",
            "db.operation.name" = operation,
            "db.collection.name" = statement.table,
            "db.query.text" = text,
            "error.type" = tracing::field::Empty,
        );
        if is_work {
            capture::record(&text);
        }
        let request = if is_work { telemetry::request::current() } else { None };
        let request = request.map(|stats| {
            let entered = stats.enter(Part::Database);
            (stats, entered)
        });
        self.open.push(Open { text, operation, is_work, span, started: Instant::now(), request });
    }

    fn finished(&mut self, text: &str, error: Option<&diesel::result::Error>) {
        // The newest first: an older one with the same text was given up on, or is a pipelined twin.
        let Some(index) = self.open.iter().rposition(|open| open.text == text) else { return };
        let statement = self.open.remove(index);
        self.close(&statement, error.map(error::class));
    }

    fn close(&self, statement: &Open, fault: Option<&'static str>) {
        let took = statement.started.elapsed();
        if let Some(fault) = fault {
            statement.span.record("error.type", fault);
            statement.span.record("otel.status_code", "ERROR");
        }
        if !statement.is_work {
            return;
        }
        let planner = self.listeners.as_ref().and_then(|listeners| listeners.planner.as_ref());
        if let Some((stats, _)) = &statement.request {
            stats.record_statement(&statement.text, took);
            if let Some(planner) = planner {
                stats.set_planner(planner);
            }
        }
        if let Some(listeners) = &self.listeners {
            let labels = OperationLabels { operation: statement.operation };
            listeners.durations.get_or_create(&labels).observe(took.as_secs_f64());
        }
    }
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => self.started(sql::text_of(query)),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                self.finished(&sql::text_of(query), error)
            }
            _ => {}
        }
    }
}
