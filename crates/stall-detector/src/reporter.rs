//! The thread that finds out what a stack means and writes the line. Neither is for the thread that stalled already, nor for
//! the one that looks at the others.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use telemetry::request::{RequestStats, sync_scope};

use crate::stack::{Frozen, Unwinder};
use crate::stall::Stall;
use crate::strict;

/// Reports that wait at most; further ones are counted only.
const MAX_WAITING: usize = 256;
/// Lines in a second at most; what is left out is counted in the next one. The metrics count all of them.
const MAX_LINES_PER_SECOND: usize = 20;
const SECOND: Duration = Duration::from_secs(1);
/// How often the program may be looked through for libraries, which happens when a stack is of none that is known.
const MAX_UNWINDERS: u32 = 4;

/// A stall on its way into the log.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) stall: Stall,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) request: Option<Arc<RequestStats>>,
}

/// How many reports were sent, and how many are done.
#[derive(Debug, Default)]
struct Progress {
    sent: u64,
    done: u64,
    /// Left out because too many waited, since the last line.
    dropped: u64,
}

static PROGRESS: Mutex<Progress> = Mutex::new(Progress { sent: 0, done: 0, dropped: 0 });
static DONE: Condvar = Condvar::new();

/// Whole at every step, so poison is ignored.
fn progress() -> MutexGuard<'static, Progress> {
    PROGRESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands a report over; never waits.
pub(crate) fn send(report: Report) {
    static SENDER: OnceLock<Option<SyncSender<Box<Report>>>> = OnceLock::new();
    let sender = SENDER.get_or_init(|| {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let run = move || run(&receiver);
        std::thread::Builder::new().name("stall-report".to_owned()).spawn(run).is_ok().then_some(sender)
    });
    let mut progress = progress();
    match sender.as_ref().map(|sender| sender.try_send(Box::new(report)).is_ok()) {
        Some(true) => progress.sent += 1,
        _ => progress.dropped += 1,
    }
}

/// Waits until what was sent before is done, or it takes too long.
pub(crate) fn settle(patience: Duration) {
    let progress = progress();
    let sent = progress.sent;
    let unsettled = |progress: &mut Progress| progress.done < sent;
    drop(DONE.wait_timeout_while(progress, patience, unsettled));
}

fn run(reports: &Receiver<Box<Report>>) {
    let mut unwinder = None;
    let mut made = 0;
    let mut lines = VecDeque::new();
    let mut left_out = 0;
    while let Ok(mut report) = reports.recv() {
        if let Some(frozen) = &report.frozen {
            report.stall.stack = names(frozen, &mut unwinder, &mut made);
        }
        left_out += std::mem::take(&mut progress().dropped);
        if may_write(&mut lines) {
            write(&report, std::mem::take(&mut left_out));
        } else {
            left_out += 1;
        }
        strict::note(report.stall);
        progress().done += 1;
        DONE.notify_all();
    }
}

fn names(frozen: &Frozen, unwinder: &mut Option<Unwinder>, made: &mut u32) -> Vec<String> {
    let known = unwinder.as_ref().is_some_and(|unwinder| unwinder.knows(frozen));
    if !known && *made < MAX_UNWINDERS {
        *made += 1;
        *unwinder = Some(Unwinder::new());
    }
    unwinder.as_mut().map(|unwinder| unwinder.names(frozen)).unwrap_or_default()
}

fn may_write(lines: &mut VecDeque<Instant>) -> bool {
    while lines.front().is_some_and(|line| line.elapsed() >= SECOND) {
        lines.pop_front();
    }
    let may = lines.len() < MAX_LINES_PER_SECOND;
    if may {
        lines.push_back(Instant::now());
    }
    may
}

fn write(report: &Report, left_out: u64) {
    let Report { stall, request, .. } = report;
    let (task, method, route) = stall.task.labels();
    let line = || {
        tracing::warn!(
            target: "blocked",
            task,
            method,
            route = &*route,
            kind = stall.kind.name(),
            duration_ms = millis(stall.took),
            off_cpu_ms = millis(stall.spent.off_cpu),
            on_cpu_ms = millis(stall.spent.on_cpu),
            queued_ms = millis(stall.spent.queued),
            spans = stall.spans.join("/"),
            stack = ?stall.stack,
            left_out = (left_out > 0).then_some(left_out),
            "a poll held its thread"
        );
    };
    match request {
        Some(request) => sync_scope(Arc::clone(request), line),
        None => line(),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
