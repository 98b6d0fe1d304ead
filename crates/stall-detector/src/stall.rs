//! What is said of a poll that took too long.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account::Spent;

/// What a watched future is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// It answers a request.
    Request {
        /// As the metrics of requests have it.
        method: &'static str,
        /// As the metrics of requests have it; one of few.
        route: Arc<str>,
    },
    /// It works in the background, under this name.
    Job(&'static str),
}

impl Task {
    /// What it is called in metrics and log lines: its kind, its method and its route.
    pub(crate) fn labels(&self) -> (&'static str, &'static str, Arc<str>) {
        match self {
            Self::Request { method, route } => ("request", method, Arc::clone(route)),
            Self::Job(name) => ("job", "", Arc::from(*name)),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, route } => write!(f, "{method} {route}"),
            Self::Job(name) => write!(f, "job {name}"),
        }
    }
}

/// What made a poll too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It slept or waited in the kernel, of its own accord.
    Blocked,
    /// It used a processor.
    Busy,
    /// It was ready, and the machine had no processor for it.
    Preempted,
    /// Nobody looked while it went on, so only its length is known.
    Unknown,
}

impl Kind {
    /// As metrics and log lines have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Busy => "busy",
            Self::Preempted => "preempted",
            Self::Unknown => "unknown",
        }
    }
}

/// A poll that held its thread for longer than it may.
#[derive(Clone, Debug)]
pub struct Stall {
    /// Whose poll it was.
    pub task: Task,
    /// What made it too long.
    pub kind: Kind,
    /// From the poll's beginning to its end.
    pub took: Duration,
    /// What the scheduler says of the part of it that was looked at.
    pub spent: Spent,
    /// The request that it was for.
    pub request_id: Option<String>,
    /// Names of the spans that the thread was in, outermost first.
    pub spans: Vec<&'static str>,
    /// What was going on when somebody looked, innermost first. Empty when nobody did in time.
    pub stack: Vec<String>,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, kind, took, spent, .. } = self;
        write!(f, "a poll of {task} took {took:.1?} ({}: {spent})", kind.name())?;
        if !self.spans.is_empty() {
            write!(f, " in {}", self.spans.join(" / "))?;
        }
        self.stack.iter().try_for_each(|frame| write!(f, "\n    at {frame}"))
    }
}
