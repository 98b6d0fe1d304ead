//! Load while a profile is taken: so many clients, each asking again as soon as it has its answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, timeout};

use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;

/// Longest wait for one answer. A program that is looked into closely is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that are answered before anything is recorded: connections are open, code is paged in, what is to be known is known.
const WARM: u64 = 200;
/// Longest that these may take.
const WARM_WITHIN: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

type Make = dyn Fn(&mut Dice) -> anyhow::Result<Request<Full<Bytes>>> + Send + Sync;

/// What is asked, and how it has to be answered.
pub(super) struct Shot {
    addr: SocketAddr,
    expected: StatusCode,
    make: Arc<Make>,
}

impl Shot {
    pub(super) fn new(
        addr: SocketAddr,
        expected: StatusCode,
        make: impl Fn(&mut Dice) -> anyhow::Result<Request<Full<Bytes>>> + Send + Sync + 'static,
    ) -> Self {
        Self { addr, expected, make: Arc::new(make) }
    }

    /// Asks once.
    async fn fire(&self, pool: &Pool, dice: &mut Dice) -> anyhow::Result<()> {
        let request = (self.make)(dice)?;
        let what = format!("{} {}", request.method(), request.uri());
        let reply = pool.exchange(request, PATIENCE).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("{what}: {}", failure.label()))?;
        anyhow::ensure!(
            reply.status == self.expected,
            "{what}: {} and not {}: {}",
            reply.status,
            self.expected,
            String::from_utf8_lossy(&reply.body)
        );
        Ok(())
    }
}

/// Clients at work; they end when this is dropped.
pub(super) struct Drive {
    answered: Arc<AtomicU64>,
    clients: JoinSet<anyhow::Result<()>>,
}

impl Drive {
    /// Starts the clients and returns when the program is warm.
    ///
    /// # Errors
    /// Where one of them is not answered as it should be.
    pub(super) async fn start(shot: Shot, clients: usize, seed: u64) -> anyhow::Result<Self> {
        let (shot, answered) = (Arc::new(shot), Arc::new(AtomicU64::new(0)));
        let pool = Arc::new(Pool::new(shot.addr));
        let mut tasks = JoinSet::new();
        for client in 0..clients {
            let (shot, answered, pool) = (Arc::clone(&shot), Arc::clone(&answered), Arc::clone(&pool));
            let mut dice = Dice::new(seed, "profile", client);
            tasks.spawn(async move {
                loop {
                    shot.fire(&pool, &mut dice).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut drive = Self { answered, clients: tasks };
        timeout(WARM_WITHIN, drive.until_warm())
            .await
            .with_context(|| format!("{WARM} requests take more than {WARM_WITHIN:?}"))??;
        Ok(drive)
    }

    async fn until_warm(&mut self) -> anyhow::Result<()> {
        let mut looks = interval(BETWEEN_LOOKS);
        while self.answered() < WARM {
            looks.tick().await;
            self.check()?;
        }
        Ok(())
    }

    /// Whether all clients are still at work.
    ///
    /// # Errors
    /// What ended one of them.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.clients.try_join_next() {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }

    /// Requests answered so far.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

/// How many requests were answered when, by the clock that perf notes events by.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Nanoseconds, and requests answered until then; in order.
    looks: Vec<(u64, u64)>,
}

/// Looks at how many requests are answered, from now until it is ended.
pub(super) struct Watch {
    looks: Arc<Mutex<Vec<(u64, u64)>>>,
    answered: Arc<AtomicU64>,
    looking: JoinHandle<()>,
}

impl Watch {
    /// None where somebody else puts the load on.
    pub(super) fn begin(drive: Option<&Drive>) -> Option<Self> {
        let answered = Arc::clone(&drive?.answered);
        let looks = Arc::new(Mutex::new(Vec::new()));
        let (shared, counted) = (Arc::clone(&looks), Arc::clone(&answered));
        let looking = tokio::spawn(async move {
            let mut ticks = interval(BETWEEN_LOOKS);
            loop {
                ticks.tick().await;
                look(&shared, &counted);
            }
        });
        Some(Self { looks, answered, looking })
    }

    pub(super) fn end(self) -> Pace {
        self.looking.abort();
        look(&self.looks, &self.answered);
        Pace { looks: self.looks.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }
}

fn look(looks: &Mutex<Vec<(u64, u64)>>, answered: &AtomicU64) {
    // Under the lock, so that looks are in order.
    let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
    looks.push((now_nanos(), answered.load(Ordering::Relaxed)));
}

fn now_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or_default())
}

impl Pace {
    /// Requests answered between two instants; before the first look and after the last there were none.
    pub(super) fn between(&self, from: u64, to: u64) -> f64 {
        self.until(to) - self.until(from)
    }

    /// Over all of it.
    pub(super) fn per_second(&self) -> f64 {
        match (self.looks.first(), self.looks.last()) {
            (Some((began, before)), Some((ended, after))) if ended > began => {
                (after - before) as f64 * 1e9 / (ended - began) as f64
            }
            _ => 0.0,
        }
    }

    fn until(&self, at: u64) -> f64 {
        let later = self.looks.partition_point(|(nanos, _)| *nanos <= at);
        let before = later.checked_sub(1).and_then(|place| self.looks.get(place));
        match (before, self.looks.get(later)) {
            (Some((began, before)), Some((ended, after))) => {
                let part = (at - began) as f64 / (ended - began).max(1) as f64;
                *before as f64 + part * (after - before) as f64
            }
            (Some((_, all)), None) | (None, Some((_, all))) => *all as f64,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_between_two_looks_are_in_proportion() {
        let pace = Pace { looks: vec![(1_000_000_000, 10), (2_000_000_000, 110), (4_000_000_000, 310)] };
        assert!((pace.between(1_500_000_000, 3_000_000_000) - 150.0).abs() < 1e-9);
        assert!((pace.between(0, 9_000_000_000) - 300.0).abs() < 1e-9);
        assert!((pace.per_second() - 100.0).abs() < 1e-9);
        assert!(Pace { looks: Vec::new() }.between(0, 1).abs() < 1e-9);
    }
}
