//! The gate: whether ours has become worse, by ratios to what stood beside it in the same run. Cold, warm and contended are judged
//! apart, and no gain in one makes up for a loss in another (T7).

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::interval::{GATE_SURE, Interval, Logs};
use super::results::{Key, Ratio, Role, Run, SCHEMA, Verdict};

/// Part of the requests of ours that may go wrong before that alone fails.
const MOST_ERRORS: f64 = 0.01;

/// What is held against later runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Baseline {
    pub(super) schema: u32,
    /// Of the run that it was taken from.
    pub(super) git_sha: String,
    pub(super) began_at: String,
    pub(super) host: String,
    pub(super) cores: usize,
    pub(super) is_quick: bool,
    pub(super) ratios: Vec<Accepted>,
}

/// One ratio as it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accepted {
    #[serde(flatten)]
    pub(super) key: Key,
    /// Geometric mean, to be read; what is compared are the logarithms.
    pub(super) ratio: f64,
    pub(super) logs: Logs,
}

/// How a ratio stands to the accepted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Surely worse, and by more than the gate.
    Worse,
    /// Surely better, and by more than the gate.
    Better,
    /// Neither, and known well enough to say so.
    Same,
    /// The interval is wider than the gate: more rounds, or a calmer machine.
    Inconclusive,
}

/// One ratio, then and now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Judged {
    #[serde(flatten)]
    pub(super) key: Key,
    pub(super) before: f64,
    pub(super) now: f64,
    /// Now to then.
    pub(super) change: Interval,
    pub(super) outcome: Outcome,
}

/// A run held against a baseline.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Judgement {
    pub(super) judged: Vec<Judged>,
    /// In the baseline, and not measured in this run.
    pub(super) missing: Vec<Key>,
    /// Measured, and not in the baseline.
    pub(super) new: usize,
    /// Sides of ours with too many errors, and expectations of drills that did not hold, in words.
    pub(super) broken: Vec<String>,
}

impl Baseline {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read the baseline {}", file.display()))?;
        let baseline: Self =
            serde_json::from_slice(&text).with_context(|| format!("{} is no baseline", file.display()))?;
        anyhow::ensure!(
            baseline.schema == SCHEMA,
            "{} has schema {}, not {SCHEMA}: accept a new one",
            file.display(),
            baseline.schema
        );
        Ok(baseline)
    }

    /// What is accepted of a run: its ratios, over those of an older baseline, which keeps what the run did not measure.
    pub(super) fn accepting(run: &Run, older: Option<Self>) -> Self {
        let accepted = run.ratios.iter().map(|Ratio { key, interval, logs, .. }| Accepted {
            key: key.clone(),
            ratio: interval.ratio,
            logs: *logs,
        });
        let mut ratios: Vec<Accepted> = accepted.collect();
        let kept = older.into_iter().flat_map(|older| older.ratios);
        let kept: Vec<Accepted> = kept.filter(|old| ratios.iter().all(|new| new.key != old.key)).collect();
        ratios.extend(kept);
        ratios.sort_by(|one, other| one.key.cmp(&other.key));
        Self {
            schema: SCHEMA,
            git_sha: run.machine.git_sha.clone(),
            began_at: run.began_at.clone(),
            host: run.machine.host.clone(),
            cores: run.machine.cores,
            is_quick: run.plan.is_quick,
            ratios,
        }
    }

    /// Under its name only when it is whole.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        super::files::replace(file, &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// Holds a run against it; `gate` is how much worse a ratio may become, 0.1 for a tenth.
    pub(super) fn judge(&self, run: &Run, gate: f64) -> Judgement {
        let mut judgement = Judgement { broken: broken(run), ..Judgement::default() };
        for ratio in &run.ratios {
            match self.ratios.iter().find(|accepted| accepted.key == ratio.key) {
                Some(accepted) => judgement.judged.push(judged(accepted, ratio, gate)),
                None => judgement.new += 1,
            }
        }
        let is_missing = |accepted: &&Accepted| run.ratios.iter().all(|ratio| ratio.key != accepted.key);
        judgement.missing =
            self.ratios.iter().filter(is_missing).map(|accepted| accepted.key.clone()).collect();
        judgement
    }
}

impl Judgement {
    /// What is worse.
    pub(super) fn worse(&self) -> impl Iterator<Item = &Judged> {
        self.judged.iter().filter(|judged| judged.outcome == Outcome::Worse)
    }

    /// Takes back what a second run of the same does not find: nothing is known of it then.
    pub(super) fn confirm(&mut self, again: &Self) {
        for judged in self.judged.iter_mut().filter(|judged| judged.outcome == Outcome::Worse) {
            let second = again.judged.iter().find(|second| second.key == judged.key);
            if second.is_some_and(|second| second.outcome != Outcome::Worse) {
                judged.outcome = Outcome::Inconclusive;
            }
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let any = |outcome| self.judged.iter().any(|judged| judged.outcome == outcome);
        if self.worse().next().is_some() || !self.broken.is_empty() {
            Verdict::Failed
        } else if any(Outcome::Inconclusive) || self.judged.is_empty() {
            Verdict::Inconclusive
        } else {
            Verdict::Passed
        }
    }
}

fn judged(accepted: &Accepted, ratio: &Ratio, gate: f64) -> Judged {
    let change = ratio.logs.change_since(&accepted.logs, GATE_SURE);
    Judged {
        key: ratio.key.clone(),
        before: accepted.ratio,
        now: ratio.interval.ratio,
        change,
        outcome: outcome(&change, gate),
    }
}

/// Worse is what is surely worse at all, and by more than the gate as far as can be told. That the whole interval lie beyond the gate is
/// too much to ask: a loss of twice the gate would go unseen on a machine that is as restless as most.
fn outcome(change: &Interval, gate: f64) -> Outcome {
    let most = 1.0 + gate;
    if change.low > 1.0 && change.ratio > most {
        Outcome::Worse
    } else if change.high < 1.0 && change.ratio < 1.0 / most {
        Outcome::Better
    } else if change.high > change.ratio * most {
        Outcome::Inconclusive
    } else {
        Outcome::Same
    }
}

pub(super) fn broken(run: &Run) -> Vec<String> {
    let ours = run.measured.iter().filter(|one| one.role == Role::Ours);
    let wrong = ours.filter(|one| one.figures.error_share() > MOST_ERRORS).map(|one| {
        let percent = 100.0 * one.figures.error_share();
        format!(
            "{}, {}: {percent:.1} % of the requests were not answered as they should be",
            one.scenario,
            one.kind.label()
        )
    });
    wrong.chain(run.broken.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Kind;
    use super::super::fixture::{measured, run};
    use super::super::results::{Measured, Metric};
    use super::*;

    const GATE: f64 = 0.1;

    /// p95 of five rounds in microseconds, cold and warm, beside a reference that takes one second give or take.
    fn found(cold: &[u64], warm: &[u64]) -> Run {
        let reference = [1_000_000, 1_010_000, 990_000, 1_005_000, 995_000];
        let side =
            |kind, name, role, rounds: &[u64]| -> Measured { measured("list", kind, name, role, rounds) };
        run(vec![
            side(Kind::Cold, "gateway", Role::Ours, cold),
            side(Kind::Cold, "constant", Role::Ceiling, &reference),
            side(Kind::Warm, "gateway", Role::Ours, warm),
            side(Kind::Warm, "constant", Role::Ceiling, &reference),
        ])
    }

    fn judge(now: &Run, before: &Run) -> Judgement {
        Baseline::accepting(before, None).judge(now, GATE)
    }

    fn outcome_of(judgement: &Judgement, kind: Kind) -> Outcome {
        let is_it = |judged: &&Judged| judged.key.kind == kind && judged.key.metric == Metric::P95;
        judgement.judged.iter().find(is_it).unwrap().outcome
    }

    #[test]
    fn a_cold_loss_fails_although_warm_gains() {
        // 2.4 s before, 2.9 s now; warm becomes sixteen times faster.
        let before = found(
            &[2_400_000, 2_430_000, 2_370_000, 2_410_000, 2_390_000],
            &[800_000, 810_000, 790_000, 805_000, 795_000],
        );
        let now = found(
            &[2_900_000, 2_930_000, 2_870_000, 2_910_000, 2_890_000],
            &[50_000, 51_000, 49_000, 50_500, 49_500],
        );
        let judgement = judge(&now, &before);
        assert_eq!(judgement.verdict(), Verdict::Failed);
        assert_eq!(outcome_of(&judgement, Kind::Cold), Outcome::Worse);
        assert_eq!(outcome_of(&judgement, Kind::Warm), Outcome::Better);
        let cold = judgement.judged.iter().find(|judged| judged.outcome == Outcome::Worse).unwrap();
        assert!((cold.change.ratio - 2.9 / 2.4).abs() < 0.01, "{cold:?}");
        assert!((cold.before - 2.4).abs() < 0.02 && (cold.now - 2.9).abs() < 0.02, "{cold:?}");
    }

    #[test]
    fn noise_within_the_interval_does_not_fail() {
        let before = found(&[2_400_000, 2_430_000, 2_370_000, 2_410_000, 2_390_000], &[100_000; 5]);
        // 3 % more on average, from rounds that differ as much.
        let now = found(&[2_450_000, 2_520_000, 2_420_000, 2_500_000, 2_470_000], &[100_000; 5]);
        let judgement = judge(&now, &before);
        assert_eq!(outcome_of(&judgement, Kind::Cold), Outcome::Same);
        assert_eq!(judgement.verdict(), Verdict::Passed);
    }

    #[test]
    fn a_restless_machine_is_no_loss_and_no_pass() {
        let before = found(&[2_000_000, 3_500_000, 1_500_000, 2_600_000, 2_400_000], &[100_000; 5]);
        let now = found(&[2_900_000, 4_100_000, 1_700_000, 3_300_000, 2_500_000], &[100_000; 5]);
        let judgement = judge(&now, &before);
        assert_eq!(outcome_of(&judgement, Kind::Cold), Outcome::Inconclusive);
        assert_eq!(judgement.verdict(), Verdict::Inconclusive);
    }

    #[test]
    fn what_was_not_measured_is_named_and_kept_when_the_rest_is_accepted() {
        let before = found(&[2_400_000; 5], &[100_000; 5]);
        let mut now = found(&[2_400_000; 5], &[100_000; 5]);
        now.ratios.retain(|ratio| ratio.key.kind == Kind::Warm);
        let baseline = Baseline::accepting(&before, None);
        let judgement = baseline.judge(&now, GATE);
        assert!(
            judgement.missing.iter().all(|key| key.kind == Kind::Cold)
                && judgement.missing.len() == Metric::ALL.len()
        );
        assert_eq!(Baseline::accepting(&now, Some(baseline.clone())).ratios.len(), baseline.ratios.len());
    }

    #[test]
    fn answers_that_are_wrong_fail_however_fast_they_are() {
        let before = found(&[2_400_000; 5], &[100_000; 5]);
        let mut now = found(&[2_400_000; 5], &[100_000; 5]);
        now.measured[0].figures.requests = 100;
        now.measured[0].figures.good = 98;
        let judgement = judge(&now, &before);
        assert_eq!((judgement.verdict(), judgement.broken.len()), (Verdict::Failed, 1));
    }

    #[test]
    fn a_baseline_comes_back_from_its_file_and_another_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baseline.json");
        let mut baseline = Baseline::accepting(&found(&[2_400_000; 5], &[100_000; 5]), None);
        baseline.write(&file).unwrap();
        let read = Baseline::read(&file).unwrap();
        assert_eq!(read.ratios.len(), baseline.ratios.len());
        assert_eq!(read.judge(&found(&[2_400_000; 5], &[100_000; 5]), GATE).verdict(), Verdict::Passed);
        baseline.schema += 1;
        baseline.write(&file).unwrap();
        assert!(Baseline::read(&file).unwrap_err().to_string().contains("schema 2"));
    }

    #[test]
    fn only_what_is_worse_twice_fails() {
        let before = found(&[2_400_000, 2_430_000, 2_370_000, 2_410_000, 2_390_000], &[100_000; 5]);
        let slower = found(&[2_900_000, 2_930_000, 2_870_000, 2_910_000, 2_890_000], &[100_000; 5]);
        let mut judgement = judge(&slower, &before);
        judgement.confirm(&judge(&slower, &before));
        assert_eq!(judgement.verdict(), Verdict::Failed);
        judgement.confirm(&judge(&before, &before));
        assert_eq!(
            (judgement.verdict(), outcome_of(&judgement, Kind::Cold)),
            (Verdict::Inconclusive, Outcome::Inconclusive)
        );
    }

    #[test]
    fn what_a_second_run_does_not_measure_stays_worse() {
        let before = found(&[2_400_000, 2_430_000, 2_370_000, 2_410_000, 2_390_000], &[100_000; 5]);
        let mut judgement = judge(&found(&[2_900_000; 5], &[100_000; 5]), &before);
        judgement.confirm(&Judgement::default());
        assert_eq!(judgement.verdict(), Verdict::Failed);
    }
}
