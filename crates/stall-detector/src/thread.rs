//! What a thread says of itself: which poll it is in, since when.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use telemetry::span_stack::SpanStack;

use crate::account::{Account, Accounts, Spent};
use crate::poll_times::Shards;
use crate::stack::Frozen;
use crate::{strict, watchdog};

/// What others may read of a thread.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its directory in `/proc`.
    directory: PathBuf,
    /// Number of the poll under way; 0 between polls.
    turn: AtomicU64,
    /// When it began, in nanoseconds since [`epoch`].
    began: AtomicU64,
    /// How long it may take, in nanoseconds.
    limit: AtomicU64,
    /// An address in the stack frame that polls.
    frame: AtomicUsize,
    /// Of the spans that it is in.
    pub(crate) spans: Arc<SpanStack>,
    seen: Mutex<Seen>,
}

/// What the watchdog found out about a poll while it went on.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) turn: u64,
    pub(crate) since: Option<Account>,
    pub(crate) stack: Option<Frozen>,
    /// How often a stack was tried for.
    pub(crate) tries: u32,
    pub(crate) spans: Vec<&'static str>,
}

/// A poll under way, as another thread sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderWay {
    pub(crate) turn: u64,
    pub(crate) age: Duration,
    pub(crate) limit: Duration,
    pub(crate) frame: usize,
}

/// What a thread keeps for itself.
#[derive(Debug)]
pub(crate) struct This {
    slot: Arc<Slot>,
    turns: Cell<u64>,
    /// The last poll that was told of. Those around it took as long and would only repeat it.
    told: Cell<u64>,
    accounts: Accounts,
    pub(crate) shards: Shards,
    /// The route that the poll under way has found for its request.
    pub(crate) route: RefCell<Option<Arc<str>>>,
}

thread_local! {
    static THIS: Rc<This> = Rc::new(This::register());
}

/// The calling thread; `None` when it is about to end.
pub(crate) fn this() -> Option<Rc<This>> {
    THIS.try_with(Rc::clone).ok()
}

/// The beginning of all counting.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl This {
    fn register() -> Self {
        let own = fs::read_link("/proc/thread-self").unwrap_or_default();
        let slot = Arc::new(Slot {
            directory: Path::new("/proc").join(own),
            turn: AtomicU64::new(0),
            began: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            frame: AtomicUsize::new(0),
            spans: telemetry::span_stack::of_this_thread(),
            seen: Mutex::default(),
        });
        slots().push(Arc::downgrade(&slot));
        epoch();
        Self {
            slot,
            turns: Cell::new(0),
            told: Cell::new(0),
            accounts: Accounts::default(),
            shards: Shards::default(),
            route: RefCell::default(),
        }
    }

    /// How long the poll under way has taken, where that is more than it may.
    pub(crate) fn held_until(&self, now: Instant) -> Option<Duration> {
        let slot = &*self.slot;
        let began = Duration::from_nanos(slot.began.load(Ordering::Relaxed));
        let limit = Duration::from_nanos(slot.limit.load(Ordering::Relaxed));
        let held = now.saturating_duration_since(epoch()).saturating_sub(began);
        (slot.turn.load(Ordering::Relaxed) != 0 && held >= limit).then_some(held)
    }

    /// A poll begins, which may take so long, in the frame that has this address in it. It ends when the result is dropped, also
    /// by a panic.
    #[inline]
    pub(crate) fn begin(&self, limit: Duration, frame: usize) -> Turn<'_> {
        let slot = &*self.slot;
        let outer = Outer {
            turn: slot.turn.load(Ordering::Relaxed),
            began: slot.began.load(Ordering::Relaxed),
            limit: slot.limit.load(Ordering::Relaxed),
            frame: slot.frame.load(Ordering::Relaxed),
        };
        let exact = if strict::is_on() { self.accounts.now() } else { None };
        let number = self.turns.get() + 1;
        self.turns.set(number);
        let began = Instant::now();
        slot.enter(&Outer {
            turn: number,
            began: nanos(began.saturating_duration_since(epoch())),
            limit: nanos(limit),
            frame,
        });
        Turn { this: self, number, began, exact, outer }
    }
}

/// A poll that is not over.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    this: &'a This,
    number: u64,
    began: Instant,
    /// Known from the beginning where precision is worth its price.
    exact: Option<Account>,
    outer: Outer,
}

/// The poll around another one: a watched future may hold a watched future.
#[derive(Clone, Copy, Debug)]
struct Outer {
    turn: u64,
    began: u64,
    limit: u64,
    frame: usize,
}

impl Turn<'_> {
    #[inline]
    pub(crate) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// What is known of a poll that took too long; `None` when one within it was told of already.
    #[cold]
    pub(crate) fn tell(&self) -> Option<Seen> {
        if self.this.told.get() > self.number {
            return None;
        }
        self.this.told.set(self.number);
        let mut seen = std::mem::take(&mut *self.this.slot.seen());
        if seen.turn != self.number {
            seen = Seen::default();
        }
        seen.since = self.exact.or(seen.since);
        Some(seen)
    }

    /// How the thread spent the time since then.
    pub(crate) fn spent(&self, since: &Account) -> Option<Spent> {
        Some(since.until(&self.this.accounts.now()?))
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.this.slot.enter(&self.outer);
    }
}

impl Slot {
    #[inline]
    fn enter(&self, poll: &Outer) {
        // Whoever reads in between sees no poll, rather than half of one and half of another.
        self.turn.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        self.began.store(poll.began, Ordering::Relaxed);
        self.limit.store(poll.limit, Ordering::Relaxed);
        self.frame.store(poll.frame, Ordering::Relaxed);
        self.turn.store(poll.turn, Ordering::Release);
    }

    /// The poll under way, if there is one.
    pub(crate) fn under_way(&self) -> Option<UnderWay> {
        let turn = self.turn.load(Ordering::Acquire);
        if turn == 0 {
            return None;
        }
        let began = Duration::from_nanos(self.began.load(Ordering::Relaxed));
        let under_way = UnderWay {
            turn,
            age: epoch().elapsed().saturating_sub(began),
            limit: Duration::from_nanos(self.limit.load(Ordering::Relaxed)),
            frame: self.frame.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        // One that ended meanwhile is not worth a word, and its figures may be those of the next.
        (self.turn.load(Ordering::Relaxed) == turn).then_some(under_way)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is written here is whole at every step, so poison is ignored.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every thread that ever polled a watched future; those that have ended are taken out by [`living`].
fn slots() -> MutexGuard<'static, Vec<Weak<Slot>>> {
    static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());
    watchdog::ensure_running();
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `look` for every thread there is.
pub(crate) fn living(mut look: impl FnMut(&Slot)) {
    slots().retain(|slot| slot.upgrade().inspect(|slot| look(slot)).is_some());
}
