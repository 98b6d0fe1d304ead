//! Where a thread's time went, as the scheduler accounts for it.

use std::cell::OnceCell;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::stall::Kind;

/// Three numbers of 20 digits at most.
const SCHEDSTAT_BYTES: usize = 64;
/// How often an account is tried for that nothing came between.
const MAX_TRIES: u32 = 16;

/// What a thread had used up at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    at: Instant,
    on_cpu: Duration,
    queued: Duration,
}

/// How a thread spent a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// On a processor.
    pub on_cpu: Duration,
    /// Ready, and waiting for a processor (`run_delay` of Documentation/scheduler/sched-stats.rst).
    pub queued: Duration,
    /// The rest: asleep, or waiting in the kernel for something.
    pub off_cpu: Duration,
}

impl Account {
    /// Of another thread, by its directory in `/proc`. The time on a processor is that until the last tick of the scheduler.
    pub(crate) fn of(directory: &Path) -> Option<Self> {
        let (on_cpu, queued) = parse(&fs::read(directory.join("schedstat")).ok()?)?;
        Some(Self { at: Instant::now(), on_cpu, queued })
    }

    /// What passed until `later`.
    pub(crate) fn until(&self, later: &Self) -> Spent {
        let wall = later.at.saturating_duration_since(self.at);
        let on_cpu = later.on_cpu.saturating_sub(self.on_cpu);
        let queued = later.queued.saturating_sub(self.queued);
        Spent { on_cpu, queued, off_cpu: wall.saturating_sub(on_cpu).saturating_sub(queued) }
    }
}

/// The calling thread's own accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// Opened once: reading it again is a tenth of opening it.
    schedstat: OnceCell<Option<File>>,
}

impl Accounts {
    /// Of the calling thread, to the nanosecond; `None` where the system keeps no such account, or lets the thread read none in one go.
    pub(crate) fn now(&self) -> Option<Account> {
        let mut queued = self.queued()?;
        for _ in 0..MAX_TRIES {
            // The scheduler adds up at its ticks and switches only; this clock is exact.
            let clock = clock_gettime(ClockId::ThreadCPUTime);
            let at = Instant::now();
            let after = self.queued()?;
            // A thread that lost its processor in between would seem to have chosen to wait.
            if after == queued {
                let seconds = u64::try_from(clock.tv_sec).ok()?;
                let on_cpu = Duration::new(seconds, u32::try_from(clock.tv_nsec).ok()?);
                return Some(Account { at, on_cpu, queued });
            }
            queued = after;
        }
        None
    }

    fn queued(&self) -> Option<Duration> {
        let file = self.schedstat.get_or_init(|| File::open("/proc/thread-self/schedstat").ok()).as_ref()?;
        let mut text = [0; SCHEDSTAT_BYTES];
        let length = file.read_at(&mut text, 0).ok()?;
        Some(parse(text.get(..length)?)?.1)
    }
}

/// Nanoseconds on a processor, nanoseconds in its queue, and a number that does not matter here.
fn parse(text: &[u8]) -> Option<(Duration, Duration)> {
    let mut numbers = std::str::from_utf8(text).ok()?.split_ascii_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
    Some((next()?, next()?))
}

impl Spent {
    /// What made a poll longer than `limit`: what it did itself, if that alone was too long, else what it did most of the time.
    pub(crate) fn kind(&self, limit: Duration) -> Kind {
        let Self { on_cpu, queued, off_cpu } = *self;
        let most = on_cpu.max(queued).max(off_cpu);
        if most.is_zero() {
            Kind::Unknown
        } else if off_cpu >= limit || most == off_cpu {
            Kind::Blocked
        } else if on_cpu >= limit || most == on_cpu {
            Kind::Busy
        } else {
            Kind::Preempted
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on_cpu, queued, off_cpu } = self;
        write!(f, "{off_cpu:.1?} waiting, {on_cpu:.1?} computing, {queued:.1?} without a processor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(10);

    fn account(at: Instant, on_cpu: u64, queued: u64) -> Account {
        Account { at, on_cpu: Duration::from_millis(on_cpu), queued: Duration::from_millis(queued) }
    }

    #[test]
    fn what_is_neither_used_nor_waited_for_was_chosen() {
        let at = Instant::now();
        let later = at + Duration::from_millis(50);
        for (on_cpu, queued, off_cpu, kind) in [
            (1, 2, 47, Kind::Blocked),
            (40, 5, 5, Kind::Busy),
            // Each alone would have been short enough.
            (9, 32, 9, Kind::Preempted),
            // However long it waited for a processor, it had slept too long before.
            (1, 37, 12, Kind::Blocked),
            (15, 30, 5, Kind::Busy),
            // The clocks differ by a little: that is no time.
            (51, 1, 0, Kind::Busy),
        ] {
            let spent = account(at, 100, 7).until(&account(later, 100 + on_cpu, 7 + queued));
            assert_eq!(spent.off_cpu, Duration::from_millis(off_cpu));
            assert_eq!(spent.kind(LIMIT), kind, "{spent}");
        }
        assert_eq!(Spent::default().kind(LIMIT), Kind::Unknown);
    }

    #[test]
    fn the_scheduler_has_an_account_of_every_thread() {
        let own = Accounts::default();
        let (before, other) = (own.now().unwrap(), Account::of(Path::new("/proc/thread-self")).unwrap());
        let mut sum = 0_u64;
        while before.until(&own.now().unwrap()).on_cpu < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = other.until(&Account::of(Path::new("/proc/thread-self")).unwrap());
        // A tick of the scheduler is at most 10 ms.
        assert!(spent.on_cpu >= Duration::from_millis(10), "{spent}");
        assert_eq!(parse(b"12 x 3"), None);
    }
}
