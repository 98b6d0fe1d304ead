//! The wrapper around futures, and what becomes of a poll that took too long.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;
use tracing::Span;

use crate::blocked::BlockedPolls;
use crate::poll_times::{Class, PollTimes};
use crate::reporter::{self, Report};
use crate::runtime::Runtimes;
use crate::stall::{Kind, Stall, Task};
use crate::thread::{self, Turn};

/// Watches futures for one service. Clones share everything.
#[derive(Clone, Debug)]
pub struct StallDetector(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// None: nothing is watched.
    limit: Option<Duration>,
    stacks: bool,
    times: PollTimes,
    blocked: BlockedPolls,
    runtimes: Runtimes,
}

impl StallDetector {
    /// A detector that counts into these metrics, as `telemetry.blocking_poll_ms` and `telemetry.blocking_stacks` say.
    #[must_use]
    pub fn new(config: &TelemetryConfig, metrics: &Metrics) -> Self {
        let limit = Duration::from_millis(config.blocking_poll_ms);
        Self(Arc::new(Inner {
            limit: (!limit.is_zero()).then_some(limit),
            stacks: config.blocking_stacks,
            times: PollTimes::new(metrics),
            blocked: BlockedPolls::new(metrics),
            runtimes: Runtimes::new(metrics),
        }))
    }

    /// Watches the future that answers a request. `method` and `route` are those that its metrics have; [`name_route`] gives it
    /// another route once that is known.
    pub fn request<F: Future>(&self, method: &'static str, route: &Arc<str>, future: F) -> Watched<F> {
        self.watch(Task::Request { method, route: Arc::clone(route) }, future)
    }

    /// Watches work in the background. Names become labels of metrics: they are few.
    pub fn job<F: Future>(&self, name: &'static str, future: F) -> Watched<F> {
        self.watch(Task::Job(name), future)
    }

    fn watch<F: Future>(&self, task: Task, future: F) -> Watched<F> {
        Watched { future, task, detector: Arc::clone(&self.0) }
    }

    /// Counts the calling thread's runtime as one that answers requests: how busy it is, what waits in it, and how late its timers
    /// are. Call it inside of a `LocalSet`; further calls on the same thread do nothing.
    pub fn observe_worker(&self) {
        self.0.runtimes.observe_worker();
    }

    /// The same of the runtime that everything else is on, where that is one of several threads.
    pub fn observe_main(&self) {
        self.0.runtimes.observe_main();
    }
}

/// Names the route of the request that the calling task answers, where it is found out while it is answered already.
pub fn name_route(route: &Arc<str>) {
    if let Some(this) = thread::this() {
        *this.route.borrow_mut() = Some(Arc::clone(route));
    }
}

/// How long the poll under way has held the calling thread at this instant, once that is too long. What a request's own account
/// needs before the poll is over, since most answers are made in the last one.
#[must_use]
pub fn held_until(now: Instant) -> Option<Duration> {
    thread::this()?.held_until(now)
}

pin_project_lite::pin_project! {
    /// A future whose polls are timed.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Watched<F> {
        #[pin]
        future: F,
        task: Task,
        detector: Arc<Inner>,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let watched = self.project();
        let detector = &**watched.detector;
        let (Some(limit), Some(this)) = (detector.limit, thread::this()) else {
            return watched.future.poll(cx);
        };
        let here = 0_u8;
        let turn = this.begin(limit, std::ptr::from_ref(&here).addr());
        let polled = watched.future.poll(cx);
        let took = turn.took();
        if let (Some(found), Task::Request { route, .. }) = (this.route.take(), &mut *watched.task) {
            *route = found;
        }
        detector.times.observe(&this.shards, Class::of(watched.task), took);
        if took >= limit {
            detector.stalled(watched.task, &turn, took, limit);
        }
        polled
    }
}

impl Inner {
    #[cold]
    fn stalled(&self, task: &Task, turn: &Turn<'_>, took: Duration, limit: Duration) {
        let Some(seen) = turn.tell() else { return };
        let spent = seen.since.and_then(|since| turn.spent(&since));
        let kind = spent.map_or(Kind::Unknown, |spent| spent.kind(limit));
        self.blocked.observe(task, kind, took);
        let request = telemetry::request::current();
        if let Some(request) = &request {
            request.record_blocked(took);
        }
        telemetry::request::thread_was_held(took);
        let mut spans = seen.spans;
        if spans.is_empty() {
            // Those that the poll was in within it are over; what is left is the one around it.
            spans.extend(Span::current().metadata().map(tracing::Metadata::name));
        }
        let stall = Stall {
            task: task.clone(),
            kind,
            took,
            spent: spent.unwrap_or_default(),
            request_id: request.as_ref().map(|request| request.request_id().to_owned()),
            spans,
            stack: Vec::new(),
        };
        let frozen = seen.stack.filter(|_| self.stacks);
        reporter::send(Report { stall, frozen, request });
    }
}
