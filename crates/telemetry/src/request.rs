//! What one request did: a task-local record that layers below the handler write to and the server reads at the end.
//!
//! Time is kept twice. What layers record as lengths ([`RequestStats::record_statement`] and the like) is added up as it is,
//! for access lines: parallel statements are together longer than the request. What they enter ([`enter`]) goes to an account
//! in which no instant is counted twice ([`RequestStats::account`]), for `Server-Timing` and the slow log.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

mod account;
mod cause;
mod held;
mod ledger;
mod lookups;
mod part;
mod peers;
mod statements;

pub use account::{Account, Named, push_decimal};
pub use cause::{Cause, DECISIVE_SHARE};
pub use held::thread_was_held;
use ledger::Ledger;
use lookups::Counts;
pub use lookups::{Lookup, Lookups};
pub use part::{Part, Spent};
pub use peers::{MAX_PEERS, Peer};
use statements::Kept;
pub use statements::{MAX_KEPT_STATEMENTS, Statements};

/// Bytes kept of one statement's text.
pub const MAX_STATEMENT_BYTES: usize = 8 * 1024;

tokio::task_local! {
    static CURRENT: Arc<RequestStats>;
}

/// Who can have a statement explained, later and elsewhere: never by whoever asks, nor at the cost of a request.
pub trait Planner: Send + Sync + fmt::Debug {
    /// Has the plan of a statement of this request logged, if that is worth it. Returns at once.
    fn explain(&self, request: Arc<RequestStats>, statement: &Statements);
}

/// Counters of one request. Shared by reference and safe to write to from any thread.
#[derive(Debug)]
pub struct RequestStats {
    trace_id: Option<String>,
    request_id: String,
    begun: Instant,
    statements: AtomicU64,
    db_micros: AtomicU64,
    pool_wait_micros: AtomicU64,
    upstream_calls: AtomicU64,
    upstream_micros: AtomicU64,
    lookups: Counts,
    ledger: Mutex<Ledger>,
    kept: Mutex<Kept>,
    peers: Mutex<Vec<Peer>>,
    parts: Mutex<Named>,
    details: Mutex<Named>,
    principal: OnceLock<String>,
    deadline: OnceLock<Instant>,
    planner: OnceLock<Arc<dyn Planner>>,
}

/// Time that goes to a part of the request's account until this is dropped.
#[derive(Debug)]
#[must_use = "the part ends when this is dropped"]
pub struct Entered {
    stats: Arc<RequestStats>,
    part: Part,
    at: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let now = Instant::now();
        let at = self.stats.nanos(now);
        let mut ledger = self.stats.ledger();
        ledger.leave(self.part, at);
        let held = held::until_just(now).map(|(from, to)| (self.stats.nanos(from), self.stats.nanos(to)));
        if let Some((from, to)) = held.filter(|(_, to)| self.at < *to) {
            // What was waited for may have come any time in between.
            ledger.claim(Part::Late, from.max(self.at)..to, at);
        }
    }
}

impl RequestStats {
    /// An empty record of a request that begins now. `trace_id` is the hex form of the trace it belongs to.
    #[must_use]
    pub fn new(trace_id: Option<String>, request_id: String) -> Arc<Self> {
        Arc::new(Self {
            trace_id,
            request_id,
            begun: Instant::now(),
            statements: AtomicU64::new(0),
            db_micros: AtomicU64::new(0),
            pool_wait_micros: AtomicU64::new(0),
            upstream_calls: AtomicU64::new(0),
            upstream_micros: AtomicU64::new(0),
            lookups: Counts::default(),
            ledger: Mutex::default(),
            kept: Mutex::default(),
            peers: Mutex::default(),
            parts: Mutex::default(),
            details: Mutex::default(),
            principal: OnceLock::new(),
            deadline: OnceLock::new(),
            planner: OnceLock::new(),
        })
    }

    /// Gives the time from now on to this part, as far as no part that ranks higher has it, until what is returned is dropped.
    pub fn enter(self: &Arc<Self>, part: Part) -> Entered {
        let at = self.nanos(Instant::now());
        self.ledger().enter(part, at);
        Entered { stats: Arc::clone(self), part, at }
    }

    /// Says that a poll of the request's own task held its thread: the poll has just ended, and took so long.
    pub fn record_blocked(&self, took: Duration) {
        self.claim(Part::Blocked, took);
        thread_was_held(took);
    }

    /// Says that the request's task was ready and nobody polled it: it has just been polled, after so long.
    pub fn record_queue_wait(&self, waited: Duration) {
        self.claim(Part::Late, waited);
    }

    /// Counts one statement, and keeps its text by [`MAX_KEPT_STATEMENTS`] and [`MAX_STATEMENT_BYTES`].
    pub fn record_statement(&self, sql: &str, took: Duration) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.db_micros.fetch_add(micros(took), Ordering::Relaxed);
        let kept = sql.get(..sql.floor_char_boundary(MAX_STATEMENT_BYTES)).unwrap_or_default();
        lock(&self.kept).record(kept, took);
    }

    /// Adds time spent waiting for a database connection.
    pub fn record_pool_wait(&self, waited: Duration) {
        self.pool_wait_micros.fetch_add(micros(waited), Ordering::Relaxed);
    }

    /// Counts one request that was sent to another service `tries` times, and the time until its answer's head.
    pub fn record_call(&self, peer: &Arc<str>, tries: u64, took: Duration) {
        self.upstream_calls.fetch_add(tries, Ordering::Relaxed);
        self.upstream_micros.fetch_add(micros(took), Ordering::Relaxed);
        peers::add(&mut lock(&self.peers), peer, tries, took);
    }

    /// Counts a look into the shared cache.
    pub fn record_lookup(&self, lookup: Lookup) {
        self.lookups.add(lookup);
    }

    /// Adds time that the handler spent on a part of its own: writing, composing. Parts do not overlap each other, nor what
    /// is [entered](Self::enter).
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

    /// Notes who explains the statements of this request. The first call wins.
    pub fn set_planner(&self, planner: &Arc<dyn Planner>) {
        self.planner.get_or_init(|| Arc::clone(planner));
    }

    /// Has the request's slowest statement explained, if there is one and somebody who can.
    pub fn explain_slowest(self: &Arc<Self>) {
        let Some(planner) = self.planner.get() else { return };
        if let Some(slowest) = self.slowest_statements().first() {
            planner.explain(Arc::clone(self), slowest);
        }
    }

    /// What the request took until `now`, and what of it was what. `total` is what the caller measured, from a little before
    /// this record began.
    #[must_use]
    pub fn account(&self, total: Duration, now: Instant) -> Account {
        let spent = self.ledger().spent_by(self.nanos(now));
        Account::new(total, spent, lock(&self.parts).clone(), lock(&self.details).clone())
    }

    /// Number of statements so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Time in the database so far, without waiting for a connection; parallel statements add up.
    #[must_use]
    pub fn db_time(&self) -> Duration {
        Duration::from_micros(self.db_micros.load(Ordering::Relaxed))
    }

    /// Time spent waiting for a database connection so far, likewise.
    #[must_use]
    pub fn pool_wait(&self) -> Duration {
        Duration::from_micros(self.pool_wait_micros.load(Ordering::Relaxed))
    }

    /// Requests sent to other services so far, each try counted.
    #[must_use]
    pub fn upstream_calls(&self) -> u64 {
        self.upstream_calls.load(Ordering::Relaxed)
    }

    /// Time waiting for other services so far; parallel calls add up.
    #[must_use]
    pub fn upstream_time(&self) -> Duration {
        Duration::from_micros(self.upstream_micros.load(Ordering::Relaxed))
    }

    /// The services that were asked, in the order they first were, at most [`MAX_PEERS`].
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        lock(&self.peers).clone()
    }

    /// What came of looking into the shared cache.
    #[must_use]
    pub fn lookups(&self) -> Lookups {
        self.lookups.read()
    }

    /// The statements kept, by text, the slowest first.
    #[must_use]
    pub fn slowest_statements(&self) -> Vec<Statements> {
        lock(&self.kept).slowest_first()
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

    fn claim(&self, part: Part, took: Duration) {
        let at = self.nanos(Instant::now());
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.ledger().claim(part, at.saturating_sub(took)..at, at);
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_nanos()).unwrap_or(u64::MAX)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

/// What is guarded here stays whole whatever a panicking holder did, so poison is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(list: &Mutex<Named>, name: &'static str, took: Duration) {
    let mut list = lock(list);
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += took,
        None => list.push((name, took)),
    }
}

/// Runs `f` with `stats` as the current request's record. A task spawned inside does not inherit it: pass the
/// `Arc` and call `scope` again, or spawn what [`inherit`] makes of its work.
pub fn scope<F: Future>(stats: Arc<RequestStats>, f: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(stats, f)
}

/// `f` for a task of its own that goes on working for the current request, if there is one.
pub fn inherit<F: Future>(f: F) -> impl Future<Output = F::Output> {
    let stats = current();
    async move {
        match stats {
            Some(stats) => scope(stats, f).await,
            None => f.await,
        }
    }
}

/// As [`RequestStats::enter`] on the current record; `None` outside of a request.
pub fn enter(part: Part) -> Option<Entered> {
    CURRENT.try_with(|stats| stats.enter(part)).ok()
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
mod tests;
