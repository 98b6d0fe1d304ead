//! From rounds to the figures of one case by one way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cases::Case;
use super::measure::Round;
use super::send::Sent;
use crate::stats::{median, percentile};

/// What one case by one way came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) attempts: usize,
    pub(crate) good: usize,
    pub(crate) failures: Vec<String>,
    /// Of good uploads, sorted.
    pub(crate) totals: Vec<Duration>,
    /// Megabytes a second of all uploads together; median of the rounds.
    pub(crate) rate: f64,
    /// Waiting for the answer, as a part of the whole; median.
    pub(crate) waiting: f64,
    /// The same by the server's word: making durable, database, and what no part accounts for.
    pub(crate) told_waiting: f64,
    /// How much longer the exchange was for the client than the server says, as a part of it; median. None where it says
    /// nothing.
    pub(crate) untold: Option<f64>,
    /// Slowest upload's rate as a part of the fastest one's, in the worst round.
    pub(crate) fairness: f64,
    /// The same of what each had written when the first one was done.
    pub(crate) progress: f64,
    /// Parts of the server's time, medians.
    pub(crate) parts: BTreeMap<&'static str, Duration>,
    /// Of each process: largest memory, and processor seconds for a gigabyte (median).
    pub(crate) uses: Vec<(&'static str, u64, f64)>,
}

/// Parts that are shown.
pub(crate) const PARTS: [&str; 6] = ["recv", "write", "sync", "db", "pool", "app"];
/// Parts that come after the last byte.
const AFTER: [&str; 4] = ["sync", "db", "pool", "app"];

impl Figures {
    pub(crate) fn of(case: Case, rounds: &[Round]) -> Self {
        let good: Vec<&Sent> = rounds.iter().flat_map(Round::good).collect();
        let mut totals: Vec<Duration> = good.iter().map(|sent| sent.total).collect();
        totals.sort();
        let rate = |round: &Round| {
            let bytes = round.good().count() * case.bytes;
            bytes as f64 / 1e6 / round.wall.as_secs_f64()
        };
        let told: Vec<&&Sent> = good.iter().filter(|sent| sent.timing.total().is_some()).collect();
        Self {
            attempts: rounds.iter().map(Round::attempts).sum(),
            good: good.len(),
            failures: failures(rounds),
            totals,
            rate: median(&mut rounds.iter().map(rate).collect::<Vec<_>>()),
            waiting: middle(good.iter().map(|sent| part_of(sent.waiting, sent.total))),
            told_waiting: middle(told.iter().map(|sent| {
                let after = AFTER.iter().map(|name| sent.timing.part(name)).sum();
                part_of(after, sent.timing.total().unwrap_or_default())
            })),
            untold: (!told.is_empty()).then(|| {
                middle(told.iter().map(|sent| {
                    let told = sent.timing.total().unwrap_or_default();
                    part_of(sent.exchange.saturating_sub(told), sent.exchange)
                }))
            }),
            fairness: rounds.iter().map(fairness).fold(1.0, f64::min),
            progress: rounds.iter().map(|round| least_of_most(&round.progress)).fold(1.0, f64::min),
            parts: PARTS
                .into_iter()
                .map(|name| {
                    let mut values: Vec<Duration> = told.iter().map(|sent| sent.timing.part(name)).collect();
                    (name, median(&mut values))
                })
                .collect(),
            uses: uses(case, rounds),
        }
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        percentile(&self.totals, percent)
    }

    pub(crate) fn longest(&self) -> Duration {
        self.totals.last().copied().unwrap_or_default()
    }

    /// Uploads that ended well, as a part of all.
    pub(crate) fn success(&self) -> f64 {
        self.good as f64 / self.attempts.max(1) as f64
    }

    /// Largest memory of any process, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.uses.iter().map(|(_, peak, _)| *peak).max().unwrap_or_default()
    }
}

fn failures(rounds: &[Round]) -> Vec<String> {
    let refused = |sent: &Sent| format!("answered {}", sent.status);
    rounds
        .iter()
        .flat_map(|round| {
            let bad = round.sent.iter().filter(|sent| !sent.status.is_success());
            round.failed.iter().cloned().chain(bad.map(refused))
        })
        .collect()
}

fn uses(case: Case, rounds: &[Round]) -> Vec<(&'static str, u64, f64)> {
    let gigabytes = case.total_bytes() as f64 / 1e9;
    let Some(first) = rounds.first() else { return Vec::new() };
    let of = |place: usize| {
        let found = rounds.iter().filter_map(move |round| round.uses.get(place));
        let peak = found.clone().map(|one| one.peak).max().unwrap_or_default();
        let cpu = middle(found.map(|one| one.cpu.as_secs_f64() / gigabytes));
        (peak, cpu)
    };
    first.uses.iter().enumerate().map(|(place, one)| (one.name, of(place).0, of(place).1)).collect()
}

/// All uploads of a round are of one size, so the rates are as the times, the other way round.
fn fairness(round: &Round) -> f64 {
    let times: Vec<u64> =
        round.good().map(|sent| u64::try_from(sent.total.as_micros()).unwrap_or(u64::MAX)).collect();
    least_of_most(&times)
}

fn least_of_most(values: &[u64]) -> f64 {
    match (values.iter().min(), values.iter().max()) {
        (Some(least), Some(most)) if *most > 0 => *least as f64 / *most as f64,
        _ => 1.0,
    }
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&mut values.collect::<Vec<_>>())
}

fn part_of(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::super::cases::Segments;
    use super::*;
    use crate::upload::timing::Timing;

    const CASE: Case = Case { bytes: 1_000_000, uploads: 2, rounds: 1, segments: Segments::Loopback };

    fn sent(millis: u64, waiting: u64, status: StatusCode) -> Sent {
        Sent {
            status,
            total: Duration::from_millis(millis),
            waiting: Duration::from_millis(waiting),
            timing: Timing::default(),
            exchange: Duration::from_millis(millis),
            location: None,
        }
    }

    #[test]
    fn what_was_refused_or_broke_off_is_no_success_and_has_no_time() {
        let round = Round {
            sent: vec![sent(100, 20, StatusCode::CREATED), sent(1, 0, StatusCode::SERVICE_UNAVAILABLE)],
            failed: vec!["cut".to_owned()],
            wall: Duration::from_secs(1),
            uses: Vec::new(),
            progress: vec![50, 100],
        };
        let figures = Figures::of(CASE, &[round]);
        assert_eq!((figures.attempts, figures.good, figures.failures.len()), (3, 1, 2));
        assert_eq!(figures.longest(), Duration::from_millis(100));
        assert!((figures.rate - 1.0).abs() < 1e-9 && (figures.waiting - 0.2).abs() < 1e-9);
        assert!((figures.progress - 0.5).abs() < 1e-9 && figures.untold.is_none());
    }

    #[test]
    fn the_slowest_upload_counts_against_the_fastest() {
        let round = |slow| Round {
            sent: vec![sent(100, 0, StatusCode::CREATED), sent(slow, 0, StatusCode::CREATED)],
            failed: Vec::new(),
            wall: Duration::from_secs(1),
            uses: Vec::new(),
            progress: Vec::new(),
        };
        let figures = Figures::of(CASE, &[round(100), round(400)]);
        assert!((figures.fairness - 0.25).abs() < 1e-9);
    }
}
