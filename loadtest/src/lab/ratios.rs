//! Ratios within rounds: what ours took to what a reference took a moment before or after.

use super::interval::{Logs, SURE};
use super::results::{Key, Measured, Metric, Ratio, Role};
use crate::stats::median;

/// Everything of ours to everything else of the same scenario and kind.
pub(super) fn all(measured: &[Measured]) -> Vec<Ratio> {
    let ours = measured.iter().filter(|one| one.role == Role::Ours);
    ours.flat_map(|one| {
        let same = |other: &&Measured| {
            other.scenario == one.scenario && other.kind == one.kind && other.role != Role::Ours
        };
        let others = measured.iter().filter(same);
        others.flat_map(|other| Metric::ALL.into_iter().filter_map(|metric| ratio(one, other, metric)))
    })
    .collect()
}

/// None where a side has no such figure: a server without processor time of its own that was looked at, or without good answers.
fn ratio(ours: &Measured, reference: &Measured, metric: Metric) -> Option<Ratio> {
    let pairs = ours.rounds.iter().zip(&reference.rounds);
    let mut rounds: Vec<f64> = pairs.map(|(one, other)| metric.of(one) / metric.of(other)).collect();
    rounds.retain(|ratio| ratio.is_finite() && *ratio > 0.0);
    let logs = Logs::of(&rounds)?;
    let key = Key {
        scenario: ours.scenario.clone(),
        kind: ours.kind,
        metric,
        side: ours.side.clone(),
        reference: reference.side.clone(),
    };
    Some(Ratio { key, median: median(&mut rounds.clone()), interval: logs.interval(SURE), rounds, logs })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::measured;
    use super::*;
    use crate::lab::arrivals::Kind;

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine is three times slower in the second round; the ratio is the same.
        let both = [
            measured("feed", Kind::Cold, "gateway", Role::Ours, &[200, 600]),
            measured("feed", Kind::Cold, "python", Role::Peer, &[400, 1_200]),
            measured("feed", Kind::Warm, "python", Role::Peer, &[1, 1]),
        ];
        let found = all(&both);
        assert_eq!(found.len(), 3);
        let p95 = found.iter().find(|ratio| ratio.key.metric == Metric::P95).unwrap();
        assert_eq!(p95.rounds, [0.5, 0.5]);
        assert!((p95.interval.high - 0.5).abs() < 1e-9 && (p95.median - 0.5).abs() < 1e-9);
        assert_eq!(p95.key.to_string(), "feed, cold, p95: gateway to python");
    }

    #[test]
    fn what_a_side_does_not_have_is_not_compared() {
        let mut silent = measured("feed", Kind::Cold, "python", Role::Peer, &[400, 400]);
        silent.rounds.iter_mut().for_each(|round| round.app_cpu_10k = 0.0);
        let found = all(&[measured("feed", Kind::Cold, "gateway", Role::Ours, &[200, 600]), silent]);
        assert!(found.iter().all(|ratio| ratio.key.metric != Metric::Cpu) && found.len() == 2);
    }
}
