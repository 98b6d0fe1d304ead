//! The one table of a run, in Markdown: on standard output and in documents.

use super::gate::{Judged, Judgement, Outcome};
use super::interval::Interval;
use super::measure::cores;
use super::results::{Figures, Measured, Metric, Ratio, Role, Run};

/// Names of the columns.
const COLUMNS: [&str; 13] = [
    "scenario",
    "kind",
    "side",
    "asked/s",
    "got/s",
    "CPU s/10k",
    "stores",
    "p50",
    "p95",
    "p99",
    "errors",
    "CPU, ours ÷ it",
    "p95, ours ÷ it",
];

/// What was measured on, in a line.
pub(super) fn heading(run: &Run) -> String {
    let machine = &run.machine;
    let dirty = if machine.is_dirty { " and changes" } else { "" };
    format!(
        "{}, commit {}{dirty}, {} on {}: {} cores ({}), {:.0} GiB, {}; programs of `{}`; {} rounds of {} s{}, {:.0} s in all.",
        run.began_at,
        machine.git_sha.get(..12).unwrap_or(&machine.git_sha),
        machine.kernel,
        machine.host,
        machine.cores,
        machine.processor,
        machine.memory_bytes as f64 / f64::from(1 << 30),
        busy(run),
        machine.build,
        run.plan.rounds,
        run.plan.secs,
        if run.plan.is_quick { " (quick: little data, and no figure to quote)" } else { "" },
        run.took_secs,
    )
}

/// How much of the machine others used.
fn busy(run: &Run) -> String {
    let shares: Vec<f64> = run.measured.iter().map(|one| one.figures.others_busy).collect();
    let most = shares.iter().copied().fold(0.0, f64::max);
    format!("others used up to {:.0} % of them", 100.0 * most)
}

/// Everything in one table; with what limits each figure where that is wanted.
pub(super) fn table(run: &Run, with_limits: bool) -> String {
    let mut columns: Vec<&str> = COLUMNS.to_vec();
    if with_limits {
        columns.push("what limits it");
    }
    let rule = vec!["---"; columns.len()].join(" | ");
    let mut text = format!("| {} |\n| {rule} |\n", columns.join(" | "));
    for one in &run.measured {
        let mut cells = row(one, &run.ratios);
        if with_limits {
            cells.push(one.limit.clone());
        }
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn row(one: &Measured, ratios: &[Ratio]) -> Vec<String> {
    let figures = &one.figures;
    let name = if one.role == Role::Ours { format!("**{}**", one.side) } else { one.side.clone() };
    let asked = if figures.asked_per_sec > 0.0 { number(figures.asked_per_sec) } else { "–".to_owned() };
    vec![
        one.scenario.clone(),
        one.kind.label().to_owned(),
        name,
        asked,
        number(figures.achieved_per_sec),
        number(figures.app_cpu_10k),
        if figures.stores_cpu_10k > 0.0 { number(figures.stores_cpu_10k) } else { "–".to_owned() },
        micros(figures.p50_us),
        micros(figures.p95_us),
        micros(figures.p99_us),
        errors(figures),
        compared(one, ratios, Metric::Cpu),
        compared(one, ratios, Metric::P95),
    ]
}

/// Ours to this reference, for the first of ours.
fn compared(one: &Measured, ratios: &[Ratio], metric: Metric) -> String {
    let is_it = |ratio: &&Ratio| {
        let key = &ratio.key;
        key.scenario == one.scenario
            && key.kind == one.kind
            && key.reference == one.side
            && key.metric == metric
    };
    ratios.iter().find(is_it).map_or_else(String::new, |ratio| interval(&ratio.interval))
}

fn errors(figures: &Figures) -> String {
    if figures.errors.is_empty() { "0".to_owned() } else { crate::report::counts(&figures.errors) }
}

/// `1.23 (1.10–1.40)`; with nothing to tell between what, only the ratio.
pub(super) fn interval(interval: &Interval) -> String {
    let Interval { ratio, low, high } = interval;
    if high / low > 1e6 {
        format!("{} (?)", number(*ratio))
    } else {
        format!("{} ({}–{})", number(*ratio), number(*low), number(*high))
    }
}

/// Three digits that matter.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A latency in microseconds.
pub(super) fn micros(micros: u64) -> String {
    span(micros as f64)
}

/// The same between two.
pub(super) fn span(micros: f64) -> String {
    match micros {
        micros if micros < 1e3 => format!("{micros:.0} µs"),
        micros if micros < 1e6 => format!("{} ms", number(micros / 1e3)),
        micros => format!("{} s", number(micros / 1e6)),
    }
}

/// What is beside the table: facts, and what is missing.
pub(super) fn notes(run: &Run) -> String {
    let mut text = String::new();
    for fact in &run.facts {
        text.push_str(&format!("- {}: {}: {}\n", fact.scenario, fact.what, fact.value));
    }
    for left in &run.left_out {
        text.push_str(&format!(
            "- not measured: {}: {}\n",
            left.what,
            left.why.lines().next().unwrap_or_default()
        ));
    }
    if run.machine.cores != cores() {
        text.push_str(&format!(
            "- the run was made on {} cores; this machine has {}\n",
            run.machine.cores,
            cores()
        ));
    }
    text
}

/// How the run stands to the baseline, in lines.
pub(super) fn judgement(judgement: &Judgement) -> String {
    let count = |outcome| judgement.judged.iter().filter(|judged| judged.outcome == outcome).count();
    let mut text = format!(
        "{} ratios held against the baseline: {} worse, {} better, {} the same, {} inconclusive; {} are new, {} were not measured.\n",
        judgement.judged.len(),
        count(Outcome::Worse),
        count(Outcome::Better),
        count(Outcome::Same),
        count(Outcome::Inconclusive),
        judgement.new,
        judgement.missing.len(),
    );
    for judged in judgement.judged.iter().filter(|judged| judged.outcome != Outcome::Same) {
        text.push_str(&format!("- {}: {}\n", word(judged.outcome), sentence(judged)));
    }
    for what in &judgement.broken {
        text.push_str(&format!("- broken: {what}\n"));
    }
    text
}

/// One ratio, then and now.
pub(super) fn sentence(judged: &Judged) -> String {
    let Judged { key, before, now, change, .. } = judged;
    format!("{key}: {} → {}, which is {} times as much", number(*before), number(*now), interval(change))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Worse => "worse",
        Outcome::Better => "better",
        Outcome::Same => "the same",
        Outcome::Inconclusive => "inconclusive",
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Kind;
    use super::super::fixture::{measured, run};
    use super::*;

    #[test]
    fn a_reference_says_what_ours_is_to_it() {
        let found = run(vec![
            measured("feed", Kind::Cold, "gateway", Role::Ours, &[2_000, 2_020, 1_980]),
            measured("feed", Kind::Cold, "python", Role::Peer, &[4_000, 4_000, 4_000]),
        ]);
        let text = table(&found, true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.matches(" | ").count() == COLUMNS.len()), "{text}");
        assert!(lines[2].contains("| **gateway** |") && lines[2].contains("| 2.00 ms |"), "{text}");
        assert!(
            lines[3].contains("| 0.500 (0.488–0.513) |") && lines[3].ends_with("the database |"),
            "{text}"
        );
        assert!(heading(&found).contains("commit 0123456789ab, Linux on host: 2 cores"));
    }

    #[test]
    fn numbers_have_three_digits_that_matter() {
        assert_eq!([0.01234, 1.234, 12.34, 1234.5].map(number), ["0.012", "1.23", "12.3", "1234"]);
        assert_eq!([999, 1_500, 2_900_000].map(micros), ["999 µs", "1.50 ms", "2.90 s"]);
    }

    #[test]
    fn a_judgement_names_scenario_kind_and_both_ratios() {
        let at = |p95: u64| {
            run(vec![
                measured("feed", Kind::Cold, "gateway", Role::Ours, &[p95, p95 + 10, p95 - 10]),
                measured("feed", Kind::Cold, "python", Role::Peer, &[1_000, 1_001, 999]),
            ])
        };
        let judged = super::super::gate::Baseline::accepting(&at(2_400), None).judge(&at(2_900), 0.1);
        let text = judgement(&judged);
        assert!(text.contains("- worse: feed, cold, p95: gateway to python: 2.40 → 2.90, which is 1.21 (1.19–1.22) times as much"), "{text}");
    }
}
