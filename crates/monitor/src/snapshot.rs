//! One scrape of one target, the history of scrapes, and what has changed between two of them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::exposition::{Labels, Sample};

/// Scrapes between the last two are kept no closer than this: they only serve conditions that look back for minutes.
const SPACING: Duration = Duration::from_secs(30);
/// How far back anything is looked at.
const LONGEST: Duration = Duration::from_secs(900);

/// All series of a scrape, by name and labels.
#[derive(Clone, Debug)]
pub struct Snapshot {
    at: Duration,
    series: BTreeMap<String, BTreeMap<Labels, f64>>,
}

impl Snapshot {
    /// The samples of a scrape that came `at`, on a clock that never goes back.
    #[must_use]
    pub fn new(at: Duration, samples: Vec<Sample>) -> Self {
        let mut series: BTreeMap<String, BTreeMap<Labels, f64>> = BTreeMap::new();
        for sample in samples {
            series.entry(sample.name).or_default().insert(sample.labels, sample.value);
        }
        Self { at, series }
    }

    /// The series of a name, with their values. What is not a number is left out: nothing is known there.
    pub fn series(&self, name: &str) -> impl Iterator<Item = (&Labels, f64)> {
        self.series
            .get(name)
            .into_iter()
            .flatten()
            .map(|(labels, value)| (labels, *value))
            .filter(|(_, v)| !v.is_nan())
    }

    /// Whether anything of this name was told.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.series.contains_key(name)
    }

    fn value(&self, name: &str, labels: &Labels) -> Option<f64> {
        self.series.get(name)?.get(labels).copied()
    }
}

/// Two scrapes of one target.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    older: &'a Snapshot,
    /// The later one.
    pub newer: &'a Snapshot,
}

impl<'a> Window<'a> {
    /// What lies between two scrapes; `None` when no time does.
    #[must_use]
    pub fn between(older: &'a Snapshot, newer: &'a Snapshot) -> Option<Self> {
        (newer.at > older.at).then_some(Self { older, newer })
    }

    /// Its length.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.newer.at.saturating_sub(self.older.at)).as_secs_f64()
    }

    /// By how much each counter of a name has grown.
    ///
    /// One that is smaller than before was begun anew by a restart: what it has now is what it has grown by, at least. One that was
    /// not there has grown from nothing, for series appear with their first value.
    pub fn increases(&self, name: &str) -> impl Iterator<Item = (&'a Labels, f64)> {
        let Self { older, newer } = *self;
        let name = name.to_owned();
        newer.series.get(&name).into_iter().flatten().filter_map(move |(labels, now)| {
            let grown = match older.value(&name, labels) {
                Some(before) if before <= *now => now - before,
                Some(before) if before.is_nan() => f64::NAN,
                _ => *now,
            };
            grown.is_finite().then_some((labels, grown))
        })
    }

    /// By how much each bucket of a histogram has grown: labels without `le`, bounds with cumulative counts.
    #[must_use]
    pub fn histograms(&self, name: &str) -> Vec<(Labels, Vec<(f64, f64)>)> {
        let name = format!("{name}_bucket");
        let (before, now) = (buckets(self.older, &name), buckets(self.newer, &name));
        now.into_iter()
            .map(|(labels, now)| {
                let grown = before.get(&labels).and_then(|before| grown(before, &now));
                (labels, grown.unwrap_or(now))
            })
            .collect()
    }
}

/// `None` when any bucket has shrunk, or the bounds are others: the histogram was begun anew, all of it at once.
fn grown(before: &[(f64, f64)], now: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    if before.len() != now.len() {
        return None;
    }
    before
        .iter()
        .zip(now)
        .map(|(before, now)| (before.0 == now.0 && before.1 <= now.1).then_some((now.0, now.1 - before.1)))
        .collect()
}

fn buckets(snapshot: &Snapshot, name: &str) -> BTreeMap<Labels, Vec<(f64, f64)>> {
    let mut found: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (labels, count) in snapshot.series(name) {
        let bound = labels.iter().find(|(name, _)| name == "le").and_then(|(_, le)| bound(le));
        let Some(bound) = bound else { continue };
        let others = labels.iter().filter(|(name, _)| name != "le").cloned().collect();
        found.entry(others).or_default().push((bound, count));
    }
    for buckets in found.values_mut() {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    found
}

fn bound(text: &str) -> Option<f64> {
    if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
}

/// The scrapes of one target, the last two and some of the last quarter of an hour.
#[derive(Clone, Debug, Default)]
pub struct History {
    snapshots: VecDeque<Snapshot>,
}

impl History {
    /// Adds the newest scrape and lets go of those that nothing needs.
    pub fn push(&mut self, snapshot: Snapshot) {
        let now = snapshot.at;
        self.snapshots.push_back(snapshot);
        if let Some(third) = self.snapshots.len().checked_sub(3)
            && let Some(fourth) = third.checked_sub(1)
            && let (Some(one), Some(other)) = (self.snapshots.get(fourth), self.snapshots.get(third))
            && other.at.saturating_sub(one.at) < SPACING
        {
            self.snapshots.remove(third);
        }
        while self.snapshots.len() > 2
            && self.snapshots.front().is_some_and(|one| now.saturating_sub(one.at) > LONGEST)
        {
            self.snapshots.pop_front();
        }
    }

    /// Forgets everything: after a scrape that failed, what came before says nothing about now.
    pub fn clear(&mut self) {
        self.snapshots.clear();
    }

    /// The newest scrape.
    #[must_use]
    pub fn newest(&self) -> Option<&Snapshot> {
        self.snapshots.back()
    }

    /// From the oldest scrape that is not older than `length`, or else from the last but one, to the newest.
    #[must_use]
    pub fn window(&self, length: Duration) -> Option<Window<'_>> {
        let newer = self.snapshots.back()?;
        let last_but_one = self.snapshots.get(self.snapshots.len().checked_sub(2)?)?;
        let fits = |older: &&Snapshot| newer.at.saturating_sub(older.at) <= length;
        let older = self.snapshots.iter().find(fits).filter(|older| older.at < newer.at);
        Window::between(older.unwrap_or(last_but_one), newer)
    }

    /// Between the last two scrapes.
    #[must_use]
    pub fn last(&self) -> Option<Window<'_>> {
        self.window(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, parse};

    fn at(secs: u64, text: &str) -> Snapshot {
        Snapshot::new(Duration::from_secs(secs), parse(text, Format::Prometheus).unwrap())
    }

    fn increases(before: &str, now: &str) -> Vec<f64> {
        let (before, now) = (at(0, before), at(2, now));
        Window::between(&before, &now).unwrap().increases("a_total").map(|(_, grown)| grown).collect()
    }

    #[test]
    fn a_counter_that_shrank_was_begun_anew() {
        assert_eq!(increases("a_total 10", "a_total 14"), [4.0]);
        assert_eq!(increases("a_total 10", "a_total 3"), [3.0]);
    }

    #[test]
    fn a_series_that_was_not_there_has_grown_from_nothing() {
        assert_eq!(increases("b 1", "a_total{x=\"y\"} 3"), [3.0]);
    }

    #[test]
    fn what_was_or_is_no_number_is_unknown() {
        assert!(increases("a_total NaN", "a_total 3").is_empty());
        assert!(increases("a_total 3", "a_total NaN").is_empty());
    }

    #[test]
    fn a_histogram_is_begun_anew_as_a_whole() {
        let before = at(0, "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 9");
        let later = at(1, "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 12");
        let restarted = at(2, "h_bucket{le=\"1\"} 4\nh_bucket{le=\"+Inf\"} 6");
        let grown = |older, newer| Window::between(older, newer).unwrap().histograms("h").remove(0).1;
        assert_eq!(grown(&before, &later), [(1.0, 2.0), (f64::INFINITY, 3.0)]);
        assert_eq!(grown(&later, &restarted), [(1.0, 4.0), (f64::INFINITY, 6.0)]);
    }

    #[test]
    fn a_window_reaches_back_as_far_as_it_may_and_history_stays_small() {
        let mut history = History::default();
        assert!(history.last().is_none());
        for secs in 0..2000 {
            history.push(at(secs, "a 1"));
        }
        assert_eq!(history.last().unwrap().seconds(), 1.0);
        let five_minutes = history.window(Duration::from_secs(300)).unwrap().seconds();
        assert!((270.0..=300.0).contains(&five_minutes), "{five_minutes}");
        assert!(history.window(Duration::from_secs(3600)).unwrap().seconds() <= 900.0);
        assert!(history.snapshots.len() < 40, "{}", history.snapshots.len());
    }
}
