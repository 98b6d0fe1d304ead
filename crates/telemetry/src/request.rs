//! What one request did: a task-local record that layers below the handler write to and the server reads at the end.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Statements kept for the slow log; further ones are only counted.
pub const MAX_KEPT_STATEMENTS: usize = 64;
/// Characters kept of one statement's text.
pub const MAX_STATEMENT_CHARS: usize = 2000;

tokio::task_local! {
    static CURRENT: Arc<RequestStats>;
}

/// One statement of a request, as kept for the slow log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text as sent, without its bind values, at most [`MAX_STATEMENT_CHARS`] long.
    pub sql: String,
    /// From sending to the last row.
    pub took: Duration,
}

/// Counters of one request. Shared by reference and safe to write to from any thread; all writes are additions, so
/// their order does not matter.
#[derive(Debug)]
pub struct RequestStats {
    trace_id: Option<String>,
    request_id: String,
    statements: AtomicU64,
    db_micros: AtomicU64,
    pool_wait_micros: AtomicU64,
    upstream_calls: AtomicU64,
    upstream_micros: AtomicU64,
    kept: Mutex<VecDeque<Statement>>,
    parts: Mutex<Vec<(&'static str, Duration)>>,
    details: Mutex<Vec<(&'static str, Duration)>>,
    principal: OnceLock<String>,
    deadline: OnceLock<Instant>,
}

impl RequestStats {
    /// An empty record. `trace_id` is the hex form of the trace the request belongs to.
    #[must_use]
    pub fn new(trace_id: Option<String>, request_id: String) -> Arc<Self> {
        Arc::new(Self {
            trace_id,
            request_id,
            statements: AtomicU64::new(0),
            db_micros: AtomicU64::new(0),
            pool_wait_micros: AtomicU64::new(0),
            upstream_calls: AtomicU64::new(0),
            upstream_micros: AtomicU64::new(0),
            kept: Mutex::new(VecDeque::new()),
            parts: Mutex::new(Vec::new()),
            details: Mutex::new(Vec::new()),
            principal: OnceLock::new(),
            deadline: OnceLock::new(),
        })
    }

    /// Counts one statement and keeps its text while there is room ([`MAX_KEPT_STATEMENTS`]).
    pub fn record_statement(&self, sql: &str, took: Duration) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.db_micros.fetch_add(micros(took), Ordering::Relaxed);
        let mut kept = self.kept();
        if kept.len() < MAX_KEPT_STATEMENTS {
            kept.push_back(Statement { sql: sql.chars().take(MAX_STATEMENT_CHARS).collect(), took });
        }
    }

    /// Adds time spent waiting for a database connection.
    pub fn record_pool_wait(&self, waited: Duration) {
        self.pool_wait_micros.fetch_add(micros(waited), Ordering::Relaxed);
    }

    /// Counts one call to another service and the time until its answer's head.
    pub fn record_upstream(&self, took: Duration) {
        self.upstream_calls.fetch_add(1, Ordering::Relaxed);
        self.upstream_micros.fetch_add(micros(took), Ordering::Relaxed);
    }

    /// Adds time that the handler spent on a part of its own: receiving, writing. Parts do not overlap each other, nor what
    /// is recorded by the other methods; together they are what the request took.
    pub fn record_part(&self, name: &'static str, took: Duration) {
        add(&self.parts, name, took);
    }

    /// Adds time within another part that is worth a name of its own: publishing, within the database's time.
    pub fn record_detail(&self, name: &'static str, took: Duration) {
        add(&self.details, name, took);
    }

    /// Notes who asked: the subject of the verified token. The first call wins.
    pub fn set_principal(&self, subject: &str) {
        // A second principal in one request would be a defect of the caller; the first one is what was authorised.
        let _already_set = self.principal.set(subject.to_owned());
    }

    /// Notes when nobody waits for the answer any more (see [`crate::deadline`]). The first call wins.
    pub fn set_deadline(&self, deadline: Instant) {
        // A caller waits for one answer, once; a later word about it would be a defect of ours.
        let _already_set = self.deadline.set(deadline);
    }

    /// Number of statements so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Time in the database so far, without waiting for a connection.
    #[must_use]
    pub fn db_time(&self) -> Duration {
        Duration::from_micros(self.db_micros.load(Ordering::Relaxed))
    }

    /// Time spent waiting for a database connection so far.
    #[must_use]
    pub fn pool_wait(&self) -> Duration {
        Duration::from_micros(self.pool_wait_micros.load(Ordering::Relaxed))
    }

    /// Number of calls to other services so far.
    #[must_use]
    pub fn upstream_calls(&self) -> u64 {
        self.upstream_calls.load(Ordering::Relaxed)
    }

    /// Time waiting for other services so far.
    #[must_use]
    pub fn upstream_time(&self) -> Duration {
        Duration::from_micros(self.upstream_micros.load(Ordering::Relaxed))
    }

    /// The handler's own parts so far, in the order they were first recorded.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, Duration)> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was recorded within other parts, likewise.
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, Duration)> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The statements kept, oldest first.
    #[must_use]
    pub fn kept_statements(&self) -> Vec<Statement> {
        self.kept().iter().cloned().collect()
    }

    /// Hex id of the trace the request belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Id of the request, as sent or answered in `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Subject of the verified token, when there was one.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.principal.get().map(String::as_str)
    }

    /// When nobody waits for the answer any more; `None` while that is not known. Work done for the request after it is
    /// work for nobody.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }

    /// The list stays valid whatever a panicking holder did, so poison is ignored.
    fn kept(&self) -> MutexGuard<'_, VecDeque<Statement>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list stays valid whatever a panicking holder did, so poison is ignored.
fn add(list: &Mutex<Vec<(&'static str, Duration)>>, name: &'static str, took: Duration) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += took,
        None => list.push((name, took)),
    }
}

/// Runs `f` with `stats` as the current request's record. A task spawned inside does not inherit it: pass the
/// `Arc` and call `scope` again.
pub fn scope<F: Future>(stats: Arc<RequestStats>, f: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(stats, f)
}

/// As [`scope`], for work that never waits.
pub fn sync_scope<T>(stats: Arc<RequestStats>, f: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(stats, f)
}

/// The record of the request the calling task serves; `None` outside of a request.
#[must_use]
pub fn current() -> Option<Arc<RequestStats>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Reads the current record without taking a share in it; `None` outside of a request.
pub fn with_current<T>(read: impl FnOnce(&RequestStats) -> T) -> Option<T> {
    CURRENT.try_with(|stats| read(stats)).ok()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_past_the_bound_are_counted_but_not_kept() {
        let stats = RequestStats::new(None, "r".to_owned());
        for _ in 0..MAX_KEPT_STATEMENTS + 10 {
            stats.record_statement("SELECT 1", Duration::from_micros(5));
        }
        assert_eq!(stats.statements(), 74);
        assert_eq!(stats.kept_statements().len(), MAX_KEPT_STATEMENTS);
        assert_eq!(stats.db_time(), Duration::from_micros(370));
    }

    #[test]
    fn a_long_statement_is_cut_between_characters() {
        let stats = RequestStats::new(None, "r".to_owned());
        stats.record_statement(&"ü".repeat(5000), Duration::ZERO);
        assert_eq!(stats.kept_statements()[0].sql.chars().count(), MAX_STATEMENT_CHARS);
    }

    #[test]
    fn a_part_that_comes_again_is_added_up() {
        let stats = RequestStats::new(None, "r".to_owned());
        for (name, millis) in [("recv", 1), ("write", 2), ("recv", 3)] {
            stats.record_part(name, Duration::from_millis(millis));
        }
        assert_eq!(stats.parts(), [("recv", Duration::from_millis(4)), ("write", Duration::from_millis(2))]);
    }

    #[test]
    fn the_first_principal_stays() {
        let stats = RequestStats::new(None, "r".to_owned());
        stats.set_principal("ada");
        stats.set_principal("bob");
        assert_eq!(stats.principal(), Some("ada"));
    }

    #[test]
    fn the_first_deadline_stays() {
        let stats = RequestStats::new(None, "r".to_owned());
        assert_eq!(stats.deadline(), None);
        let deadline = Instant::now();
        stats.set_deadline(deadline);
        stats.set_deadline(deadline + Duration::from_secs(1));
        assert_eq!(stats.deadline(), Some(deadline));
    }

    #[tokio::test]
    async fn the_record_is_current_only_inside_its_scope() {
        assert!(current().is_none());
        let stats = RequestStats::new(Some("t".to_owned()), "r".to_owned());
        scope(Arc::clone(&stats), async {
            current().unwrap().record_upstream(Duration::from_millis(2));
            current().unwrap().record_pool_wait(Duration::from_millis(1));
            assert_eq!(with_current(|stats| stats.request_id().to_owned()).as_deref(), Some("r"));
        })
        .await;
        assert!(current().is_none());
        assert_eq!(stats.upstream_time(), Duration::from_millis(2));
        assert_eq!(stats.upstream_calls(), 1);
        assert_eq!(stats.pool_wait(), Duration::from_millis(1));
    }
}
