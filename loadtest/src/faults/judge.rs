//! Figures out of samples and records.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Drill;
use crate::gateway::LONGEST_EJECTION;
use crate::load::{Kind, Sample, by_label};
use crate::origin::Records;
use crate::report::{Report, Table, counts, millis};

/// So long without a request means that an instance is left alone: at 100 requests a second and more, it would have had
/// dozens.
const SILENCE: Duration = Duration::from_millis(500);
/// From the end of an ejection to the first request: the ejection, two health checks and a slow start.
const LONGEST_RETURN: Duration = LONGEST_EJECTION.saturating_add(Duration::from_secs(2));
/// Of the traffic in the last second of a recovery, at least so much must be the recovered instance's.
const FAIR_PERCENT: usize = 15;

/// One stretch of the drill.
pub(super) struct Phase {
    /// None: all is well.
    pub(super) drill: Option<&'static Drill>,
    /// The instance that is hurt.
    pub(super) bad: usize,
    pub(super) start: Instant,
    /// When the instance was hurt.
    pub(super) hurt: Instant,
    pub(super) end: Instant,
    /// When the instance served again.
    pub(super) healed: Instant,
    pub(super) recovered: Instant,
}

impl Phase {
    /// A stretch in which nothing is done.
    pub(super) async fn calm(length: Duration) -> Self {
        let start = Instant::now();
        sleep(length).await;
        let end = Instant::now();
        Self { drill: None, bad: 0, start, hurt: start, end, healed: end, recovered: end }
    }
}

/// Prints what happened and notes what was expected.
pub(super) fn judge(phases: &[Phase], samples: &[Sample], records: &[Records], report: &mut Report) {
    let all = Records::joined(records);
    let mut answers = Table::new(
        "Three instances, one hurt at a time",
        &[
            "phase",
            "sent",
            "GET",
            "POST",
            "GETs lost",
            "of these excused",
            "POSTs failed",
            "of these done",
            "POSTs done twice",
        ],
    );
    let mut traffic = Table::new(
        "The hurt instance",
        &[
            "fault",
            "left alone after",
            "requests until then",
            "tried again",
            "back after",
            "share at the end",
        ],
    );
    for phase in phases {
        let name = phase.drill.map_or("calm", |drill| drill.name);
        let excused = phase.drill.and_then(|drill| drill.excused);
        answers.row(&row_of_answers(name, during(samples, phase.start, phase.end), excused, &all, report));
        if let Some(drill) = phase.drill {
            let recovery = during(samples, phase.end, phase.recovered);
            answers.row(&row_of_answers(&format!("after {name}"), recovery, None, &all, report));
            if let Some(bad) = records.get(phase.bad) {
                traffic.row(&row_of_traffic(phase, drill, samples, bad, report));
            }
        }
    }
    answers.print();
    traffic.print();
    let doubled = all.effects.values().filter(|count| **count > 1).count();
    report.expect(format!("no POST done twice, over all phases ({doubled})"), doubled == 0);
}

fn during(samples: &[Sample], start: Instant, end: Instant) -> &[Sample] {
    let from = samples.partition_point(|sample| sample.scheduled < start);
    let to = samples.partition_point(|sample| sample.scheduled < end);
    samples.get(from..to).unwrap_or_default()
}

fn row_of_answers(
    name: &str,
    samples: &[Sample],
    excused: Option<&str>,
    all: &Records,
    report: &mut Report,
) -> Vec<String> {
    let of_kind = |kind| samples.iter().filter(move |sample| sample.kind == kind);
    let lost: Vec<&Sample> = of_kind(Kind::Get).filter(|sample| !sample.reply.outcome.is_ok()).collect();
    let excused = lost.iter().filter(|sample| Some(sample.reply.outcome.label().as_str()) == excused).count();
    let failed: Vec<&Sample> = of_kind(Kind::Post).filter(|sample| !sample.reply.outcome.is_ok()).collect();
    let done = failed.iter().filter(|sample| all.effects.contains_key(&sample.id)).count();
    let doubled = of_kind(Kind::Post)
        .filter(|sample| all.effects.get(&sample.id).is_some_and(|count| *count > 1))
        .count();
    let phantom = of_kind(Kind::Post)
        .filter(|sample| sample.reply.outcome.is_ok() && !all.effects.contains_key(&sample.id))
        .count();

    // The gateway says with a 503 that it reached no instance: then nothing was sent, and another could have been asked.
    let unsent = failed.iter().filter(|sample| sample.reply.outcome.label().starts_with("503 ")).count();
    let inexcusable = lost.len() - excused;
    report.expect(format!("{name}: no GET lost that could be retried ({inexcusable})"), inexcusable == 0);
    report.expect(format!("{name}: no POST lost that was never sent ({unsent})"), unsent == 0);
    report.expect(format!("{name}: every POST answered 200 was done ({phantom} not)"), phantom == 0);
    vec![
        name.to_owned(),
        samples.len().to_string(),
        counts(&by_label(of_kind(Kind::Get))),
        counts(&by_label(of_kind(Kind::Post))),
        lost.len().to_string(),
        excused.to_string(),
        failed.len().to_string(),
        done.to_string(),
        doubled.to_string(),
    ]
}

fn row_of_traffic(
    phase: &Phase,
    drill: &Drill,
    samples: &[Sample],
    bad: &Records,
    report: &mut Report,
) -> Vec<String> {
    // A dead instance records nothing, and a paused one only later; a request that failed met it, too.
    let met: Vec<Duration> = during(samples, phase.hurt, phase.end)
        .iter()
        .filter(|sample| bad.begun.contains_key(&sample.id) || !sample.reply.outcome.is_ok())
        .map(|sample| sample.scheduled - phase.hurt)
        .collect();
    let burst = first_burst(&met, phase.end - phase.hurt);
    let left_alone = match burst {
        Some(count) => {
            let after = met.get(..count).and_then(|burst| burst.last()).copied().unwrap_or_default();
            report.expect(
                format!("{}: left alone within {}", drill.name, millis(drill.longest_ejection)),
                after <= drill.longest_ejection,
            );
            millis(after)
        }
        None => {
            report.expect(format!("{}: left alone", drill.name), false);
            "never".to_owned()
        }
    };

    let recovery = during(samples, phase.healed, phase.recovered);
    let back = recovery.iter().find(|sample| bad.begun.contains_key(&sample.id));
    let back_after = back.map(|sample| sample.scheduled - phase.healed);
    report.expect(
        format!("{}: back within {}", drill.name, millis(LONGEST_RETURN)),
        back_after.is_some_and(|after| after <= LONGEST_RETURN),
    );
    let last = during(samples, phase.recovered - Duration::from_secs(1), phase.recovered);
    let own = last.iter().filter(|sample| bad.begun.contains_key(&sample.id)).count();
    let share = own * 100 / last.len().max(1);
    report.expect(format!("{}: has at least {FAIR_PERCENT} % at the end", drill.name), share >= FAIR_PERCENT);
    vec![
        drill.name.to_owned(),
        left_alone,
        burst.unwrap_or(met.len()).to_string(),
        burst.map_or(0, |count| met.len() - count).to_string(),
        back_after.map_or_else(|| "never".to_owned(), millis),
        format!("{share} %"),
    ]
}

/// How many of the sorted times come before the first silence; none when there is no silence.
fn first_burst(times: &[Duration], length: Duration) -> Option<usize> {
    let mut last = Duration::ZERO;
    for (count, time) in times.iter().chain([&length]).enumerate() {
        if time.saturating_sub(last) >= SILENCE {
            return Some(count);
        }
        last = *time;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: &[u64]) -> Vec<Duration> {
        millis.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_burst_ends_at_the_first_silence() {
        let length = Duration::from_secs(10);
        assert_eq!(first_burst(&at(&[1, 7, 90, 2000, 2006]), length), Some(3));
        assert_eq!(first_burst(&at(&[1, 7, 90]), length), Some(3));
        assert_eq!(first_burst(&at(&[]), length), Some(0));
    }

    #[test]
    fn traffic_without_a_pause_has_no_end() {
        let steady: Vec<u64> = (0..40).map(|step| step * 250).collect();
        assert_eq!(first_burst(&at(&steady), Duration::from_secs(10)), None);
    }
}
