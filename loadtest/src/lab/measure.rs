//! One measurement: a load, and what each process and the machine used meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;

use super::arrivals::{Arrival, Ask, Fresh, Kind, Pace, schedule};
use super::drive::{Sample, drive};
use super::results::{Figures, Second};
use super::side::Side;
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::process::cpu_time;
use crate::stories::cpu::Snapshot;

/// Writes a second beside contended reads.
const WRITES_PER_SEC: f64 = 5.0;
/// Digits of a latency that are kept: to a hundredth, which is finer than any two rounds agree.
const DIGITS: u8 = 2;
/// Longest latency that is told from longer ones, in microseconds: nobody waits longer for an upload.
const LONGEST_MICROS: u64 = 600_000_000;
/// Clock ticks of `/proc/stat` in a second; 100 on every Linux that Rust knows.
const TICKS_PER_SECOND: f64 = 100.0;

/// Latencies in microseconds.
pub(super) struct Latencies(Histogram<u64>);

/// What one measurement gave.
pub(super) struct Round {
    pub(super) figures: Figures,
    pub(super) latencies: Latencies,
    /// By the second in which requests were due.
    pub(super) seconds: Vec<Latencies>,
}

impl Latencies {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_max(LONGEST_MICROS, DIGITS).context("a histogram of so many digits")?))
    }

    pub(super) fn add(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub(super) fn merge(&mut self, other: &Self) -> anyhow::Result<()> {
        self.0.add(&other.0).context("two histograms do not fit together")
    }

    /// Microseconds that this part of the latencies does not exceed; zero when there are none.
    pub(super) fn at(&self, quantile: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Microseconds at most, and how many.
    pub(super) fn pairs(&self) -> Vec<(u64, u64)> {
        self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    pub(super) fn second(&self, second: usize) -> Second {
        Second { second: second as u64, good: self.count(), p50_us: self.at(0.5), p99_us: self.at(0.99) }
    }
}

/// Loads a side for so long, and says what came of it.
///
/// # Errors
/// When a request cannot be made.
pub(super) async fn measure(
    side: &Side,
    pool: &Arc<Pool>,
    kind: Kind,
    pace: Pace,
    length: Duration,
    fresh: &mut Fresh,
    dice: &mut Dice,
) -> anyhow::Result<Round> {
    let arrivals = schedule(kind, side.pace(pace), length, fresh, dice);
    let writes = if kind == Kind::Contended { writes(length, dice) } else { Vec::new() };
    let processes = [&side.app, &side.stores];
    let (began, busy, own) = (Instant::now(), machine_busy(), own_time());
    let before = processes.map(|pids| Snapshot::of(pids));
    let write = async {
        match &side.writes {
            Some(target) => drive(&Arc::new(Pool::new(target.addr)), target, &writes).await,
            None => Ok(Vec::new()),
        }
    };
    let (samples, written) = tokio::try_join!(drive(pool, &side.target, &arrivals), write)?;
    let mut used = processes.iter().zip(&before).map(|(pids, before)| Snapshot::of(pids).since(before));
    let (app, stores) = (used.next().unwrap_or_default(), used.next().unwrap_or_default());
    let others =
        (machine_busy() - busy).saturating_sub(app + stores + own_time().saturating_sub(own)).as_secs_f64()
            / (began.elapsed().as_secs_f64() * cores() as f64).max(1e-9);
    let mut round = summed(&samples, length)?;
    let figures = &mut round.figures;
    let each = 1e4 / figures.requests.max(1) as f64;
    figures.asked_per_sec = arrivals.len() as f64 / length.as_secs_f64();
    figures.app_cpu_10k = app.as_secs_f64() * each;
    figures.stores_cpu_10k = stores.as_secs_f64() * each;
    figures.others_busy = others.clamp(0.0, 1.0);
    figures.writes = written.iter().filter(|write| write.end.is_ok()).count() as u64;
    for write in written.iter().filter_map(|write| write.end.as_ref().err()) {
        *figures.errors.entry(format!("write: {write}")).or_default() += 1;
    }
    Ok(round)
}

fn writes(length: Duration, dice: &mut Dice) -> Vec<Arrival> {
    // What is written is numbered at random, so that no two measurements write the same.
    let mut numbers = Fresh::default();
    let mut arrivals = schedule(Kind::Cold, Pace::Rate(WRITES_PER_SEC), length, &mut numbers, dice);
    arrivals.iter_mut().for_each(|arrival| arrival.ask = Ask::Fresh(dice.between(0, u64::from(u32::MAX))));
    arrivals
}

fn summed(samples: &[Sample], length: Duration) -> anyhow::Result<Round> {
    let mut latencies = Latencies::new()?;
    let mut seconds = Vec::new();
    for _ in 0..length.as_secs() + u64::from(length.subsec_nanos() > 0) {
        seconds.push(Latencies::new()?);
    }
    let (mut errors, mut bytes, mut last) = (BTreeMap::<String, u64>::new(), 0, Duration::ZERO);
    for sample in samples {
        match &sample.end {
            Ok(body) => {
                bytes = bytes.max(*body);
                last = last.max(sample.due + sample.latency);
                latencies.add(sample.latency);
                if let Some(second) =
                    usize::try_from(sample.due.as_secs()).ok().and_then(|at| seconds.get_mut(at))
                {
                    second.add(sample.latency);
                }
            }
            Err(what) => *errors.entry(what.clone()).or_default() += 1,
        }
    }
    // The last request is due a step before the end, and what is answered in time has been achieved.
    let took = last.max(length);
    let figures = Figures {
        requests: samples.len() as u64,
        good: latencies.count(),
        errors,
        achieved_per_sec: latencies.count() as f64 / took.as_secs_f64().max(1e-9),
        p50_us: latencies.at(0.5),
        p95_us: latencies.at(0.95),
        p99_us: latencies.at(0.99),
        max_us: latencies.at(1.0),
        bytes: bytes as u64,
        ..Figures::default()
    };
    Ok(Round { figures, latencies, seconds })
}

/// Processor time of this program alone.
fn own_time() -> Duration {
    cpu_time(std::process::id()).unwrap_or_default()
}

/// Time that all cores together have been busy since the machine was started.
fn machine_busy() -> Duration {
    busy_ticks(&fs::read_to_string("/proc/stat").unwrap_or_default())
        .map_or(Duration::ZERO, |ticks| Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// Of the first line of `/proc/stat`: user, nice and system, and after idle and iowait the interrupts and what was stolen. Guests are in user
/// time already.
fn busy_ticks(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    let idle = ticks.iter().skip(3).take(2).sum::<f64>();
    Some(ticks.iter().sum::<f64>() - idle)
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_is_neither_idle_nor_waiting() {
        assert_eq!(busy_ticks("cpu  10 2 30 1000 500 3 4 1 7 0\ncpu0 1"), Some(50.0));
        assert_eq!(busy_ticks("intr 1"), None);
        assert!(machine_busy() > Duration::ZERO);
    }

    #[test]
    fn errors_are_counted_and_have_no_latency() {
        let sample = |due, latency, end| Sample {
            due: Duration::from_millis(due),
            latency: Duration::from_millis(latency),
            end,
        };
        let samples = [
            sample(0, 10, Ok(7)),
            sample(1_500, 1_500, Ok(9)),
            sample(1_600, 1, Err("503".to_owned())),
            sample(1_700, 1, Err("503".to_owned())),
        ];
        let round = summed(&samples, Duration::from_secs(2)).unwrap();
        let figures = round.figures;
        assert_eq!((figures.requests, figures.good, figures.bytes), (4, 2, 9));
        assert_eq!(figures.errors, BTreeMap::from([("503".to_owned(), 2)]));
        // The slow one came a second after the end: two answers in three seconds.
        assert!((figures.achieved_per_sec - 2.0 / 3.0).abs() < 1e-9);
        assert!((9_900..=10_100).contains(&figures.p50_us) && figures.max_us >= 1_500_000);
        assert_eq!(round.seconds.iter().map(Latencies::count).collect::<Vec<_>>(), [1, 1]);
        assert!((figures.error_share() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn histograms_are_merged_and_read_back() {
        let (mut one, mut other) = (Latencies::new().unwrap(), Latencies::new().unwrap());
        (1..=90).for_each(|_| one.add(Duration::from_micros(100)));
        (1..=10).for_each(|_| other.add(Duration::from_millis(50)));
        one.merge(&other).unwrap();
        assert_eq!(one.at(0.9), 100);
        assert!((49_500..=50_500).contains(&one.at(0.95)));
        assert_eq!(one.pairs().iter().map(|(_, count)| count).sum::<u64>(), 100);
        assert_eq!(Latencies::new().unwrap().at(0.99), 0);
    }
}
