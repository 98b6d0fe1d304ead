//! What all clients share: where to send, what to send, how much is waiting to be processed, and what is known so far.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderValue;

use super::judge::{Breach, Violation};
use super::story::Story;
use crate::freshness::dice::Dice;
use crate::upload::media::{self, Media};

/// Assets that may wait for a worker before clients only send what they delete or give up in the end: the rest has to be
/// processed, by a worker that is killed all the time.
const MOST_WAITING: u64 = 40;

/// A file and how often it is chosen.
pub(crate) struct Sample {
    pub(crate) media: Media,
    pub(crate) weight: usize,
}

/// Shared by all clients.
pub(crate) struct World {
    pub(crate) gateway: SocketAddr,
    pub(crate) service: SocketAddr,
    pub(crate) bearers: Vec<HeaderValue>,
    samples: Vec<Sample>,
    began: Instant,
    next: AtomicUsize,
    waiting: AtomicU64,
    stopping: AtomicBool,
    told: Mutex<Told>,
}

/// What has been told so far.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) stories: Vec<Story>,
    pub(crate) violations: Vec<Violation>,
    /// Kills: from when to when, and of what.
    pub(crate) kills: Vec<(f64, f64, String)>,
    /// How often requests ended how.
    pub(crate) answers: BTreeMap<String, u64>,
}

impl World {
    pub(crate) fn new(
        gateway: SocketAddr,
        service: SocketAddr,
        bearers: Vec<HeaderValue>,
        samples: Vec<Sample>,
    ) -> Self {
        Self {
            gateway,
            service,
            bearers,
            samples,
            began: Instant::now(),
            next: AtomicUsize::new(1),
            waiting: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            told: Mutex::default(),
        }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(crate) fn next_number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Most requests come by the gateway, some straight.
    pub(crate) fn door(&self, dice: &mut Dice) -> SocketAddr {
        if dice.percent(80) { self.gateway } else { self.service }
    }

    /// A file that no other upload has, and what it was made from.
    pub(crate) fn file(&self, dice: &mut Dice) -> Option<(&str, Bytes)> {
        let all: usize = self.samples.iter().map(|sample| sample.weight).sum();
        let mut left = dice.below(all);
        let sample = self.samples.iter().find(|sample| {
            let found = left < sample.weight;
            left = left.saturating_sub(sample.weight);
            found
        })?;
        let mut mark = [0; 16];
        let (low, high) = mark.split_at_mut(8);
        low.copy_from_slice(&dice.next().to_be_bytes());
        high.copy_from_slice(&dice.next().to_be_bytes());
        Some((&sample.media.name, media::marked(&sample.media.bytes, &mark).into()))
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, answer: String) {
        *self.told().answers.entry(answer).or_default() += 1;
    }

    /// Notes a breach that a client has seen.
    pub(crate) fn accuse(&self, breach: Breach, story: &Story) {
        eprintln!("{:>7.1} s  upload {}: {breach}", self.seconds(), story.number);
        self.told().violations.push(Violation { breach, story: story.clone() });
    }

    pub(crate) fn set_waiting(&self, assets: u64) {
        self.waiting.store(assets, Ordering::Relaxed);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= MOST_WAITING
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
