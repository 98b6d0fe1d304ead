//! What a pick reads of one instance: atomics only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::clock::{NEVER, Tick};

/// A full weight. In slow start it is less.
pub(crate) const FULL_WEIGHT: u64 = 1_000;
/// The weight with which slow start begins.
const FIRST_WEIGHT: u64 = FULL_WEIGHT / 10;
/// One request in a score; its fractions order instances that have equally many.
const ONE_REQUEST: u64 = 1_024;

/// What active checks say of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Health {
    /// No check has passed yet.
    Starting = 0,
    Healthy = 1,
    Unhealthy = 2,
}

/// How willingly an instance is picked; lower is better. An instance that was tried comes after its equals, but before
/// those of a worse kind: a healthy one may have closed an idle connection, an unhealthy one is known to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Fit,
    FitTried,
    Starting,
    StartingTried,
    Unfit,
    UnfitTried,
    /// It refused a connection a moment ago, for this very request: even an instance that is known to fail is better.
    Unreachable,
}

impl Rank {
    pub(crate) fn is_unfit(self) -> bool {
        self >= Self::Unfit
    }

    fn tried(self, tried: bool) -> Self {
        match self {
            Self::Fit if tried => Self::FitTried,
            Self::Starting if tried => Self::StartingTried,
            Self::Unfit if tried => Self::UnfitTried,
            other => other,
        }
    }
}

/// One instance. Aligned, so that threads that work with different instances do not share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Instance {
    /// Shared with the balancers before and after this one: a request stays a load until it ends.
    pub(crate) in_flight: Arc<InFlight>,
    health: AtomicU8,
    /// Requests that failed in a row.
    pub(crate) failures: AtomicU32,
    /// Ejected before this tick. It also tells one ejection from another.
    ejected_until: AtomicU64,
    /// When it last came back, or will.
    slow_from: AtomicU64,
}

/// Requests under way at one instance.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct InFlight(pub(crate) AtomicU32);

impl Instance {
    pub(crate) fn new(health: Health, in_flight: Arc<InFlight>) -> Self {
        Self {
            in_flight,
            health: AtomicU8::new(health as u8),
            failures: AtomicU32::new(0),
            ejected_until: AtomicU64::new(NEVER),
            slow_from: AtomicU64::new(NEVER),
        }
    }

    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Starting,
            1 => Health::Healthy,
            _ => Health::Unhealthy,
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Release);
    }

    pub(crate) fn ejected_until(&self) -> Tick {
        self.ejected_until.load(Ordering::Acquire)
    }

    pub(crate) fn is_ejected(&self, now: Tick) -> bool {
        now < self.ejected_until()
    }

    /// Takes it out until `until`, when its slow start begins.
    pub(crate) fn eject(&self, until: Tick) {
        self.slow_from.store(until, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        // Last, with release: whoever sees the end of the ejection sees the slow start too.
        self.ejected_until.store(until, Ordering::Release);
    }

    pub(crate) fn slow_from(&self) -> Tick {
        self.slow_from.load(Ordering::Relaxed)
    }

    /// Slow start begins at `from`, unless a later one is due.
    pub(crate) fn start_slowly(&self, from: Tick) {
        self.slow_from.fetch_max(from, Ordering::Relaxed);
    }

    /// Gets requests as a matter of course.
    pub(crate) fn is_fit(&self, now: Tick) -> bool {
        self.health() == Health::Healthy && !self.is_ejected(now)
    }

    pub(crate) fn rank(&self, now: Tick, tried: bool) -> Rank {
        let rank = match self.health() {
            _ if self.is_ejected(now) => Rank::Unfit,
            Health::Healthy => Rank::Fit,
            Health::Starting => Rank::Starting,
            Health::Unhealthy => Rank::Unfit,
        };
        rank.tried(tried)
    }

    /// Out of [`FULL_WEIGHT`]: grows evenly during `slow_start` milliseconds after a return.
    pub(crate) fn weight(&self, now: Tick, slow_start: u64) -> u64 {
        let from = self.slow_from();
        if from == NEVER || slow_start == 0 {
            return FULL_WEIGHT;
        }
        let elapsed = now.saturating_sub(from).min(slow_start);
        FIRST_WEIGHT + (FULL_WEIGHT - FIRST_WEIGHT).saturating_mul(elapsed) / slow_start
    }

    pub(crate) fn requests(&self) -> u32 {
        self.in_flight.0.load(Ordering::Relaxed)
    }

    /// What one more request would make of it: (in flight + `share`) / weight, where `share` is a part of the request, at
    /// most all 1024. Lower is better.
    pub(crate) fn score(&self, weight: u64, share: u64) -> u64 {
        let load = u64::from(self.requests()) * ONE_REQUEST + share.min(ONE_REQUEST);
        load.saturating_mul(FULL_WEIGHT) / weight.max(1)
    }
}

/// Part of a request, drawn evenly.
///
/// With a whole request an idle instance in slow start would lose to every other idle one until its weight is full, and
/// then get its whole share at once. With a drawn part its share follows its weight however low the load is.
pub(crate) fn drawn_share() -> u64 {
    rand::random_range(1..=ONE_REQUEST)
}

/// A whole request.
pub(crate) const WHOLE_SHARE: u64 = ONE_REQUEST;
