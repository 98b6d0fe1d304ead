//! The report: tables on standard output, everything with the stories in files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::chronicle::Violation;
use super::scrape::Metrics;
use super::stage::Stage;
use super::tally::{CALM, Histogram, Phase, Tally};
use crate::report::{Table, counts, millis};

/// Stories that go to standard output as well.
const SHOWN: usize = 3;

/// Prints what was counted.
pub(crate) fn print(stage: &Stage, metrics: &Metrics) {
    for (domain, tally) in stage.tallies() {
        print_tally(domain.label(), tally);
    }
    print_metrics(metrics);
    print_counters(metrics);

    for (domain, _) in stage.tallies() {
        let violations = stage.chronicle.violations();
        let stories = violations.iter().filter(|violation| violation.domain == domain.label());
        for (number, violation) in stories.take(SHOWN).enumerate() {
            println!(
                "### Stale answer {} of {}\n\n```\n{}```\n",
                number + 1,
                domain.label(),
                violation.story()
            );
        }
    }
}

fn print_tally(domain: &str, tally: &Tally) {
    let mut table = Table::new(
        &format!("Reads and writes of {domain}"),
        &[
            "while",
            "times",
            "seconds",
            "reads checked",
            "stale",
            "hits",
            "304 (hits)",
            "read p50 / p99",
            "reads without a state",
            "writes acknowledged",
            "refused",
            "perhaps done",
            "write p50 / p99",
        ],
    );
    let calm = CALM;
    let summary = [
        tally.total("calm", |phase| phase == calm),
        tally.total("not calm", |phase| phase != calm),
        tally.total("**all**", |_| true),
    ];
    for phase in &summary {
        table.row(&row(phase));
    }
    table.print();

    let mut table = Table::new(
        &format!("By kind of fault, {domain}"),
        &[
            "fault",
            "times",
            "seconds",
            "reads checked",
            "stale",
            "hits",
            "reads without a state",
            "acknowledged",
            "refused",
            "perhaps done",
            "write p50 / p99",
        ],
    );
    for phase in tally.phases().iter().skip(1).filter(|phase| phase.spells.load(Ordering::Relaxed) > 0) {
        table.row(&[
            phase.label.clone(),
            phase.spells.load(Ordering::Relaxed).to_string(),
            format!("{:.1}", phase.seconds()),
            phase.checked().to_string(),
            phase.stale.load(Ordering::Relaxed).to_string(),
            percent(phase.hit_rate()),
            counts(&phase.failed()),
            phase.acknowledged.load(Ordering::Relaxed).to_string(),
            counts(&phase.refused()),
            counts(&phase.unknown()),
            quantiles(&phase.write_latency),
        ]);
    }
    table.print();
}

fn row(phase: &Phase) -> Vec<String> {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    vec![
        phase.label.clone(),
        count(&phase.spells).to_string(),
        format!("{:.1}", phase.seconds()),
        phase.checked().to_string(),
        count(&phase.stale).to_string(),
        percent(phase.hit_rate()),
        format!("{} ({})", count(&phase.not_modified), count(&phase.hits_not_modified)),
        quantiles(&phase.read_latency),
        counts(&phase.failed()),
        count(&phase.acknowledged).to_string(),
        counts(&phase.refused()),
        counts(&phase.unknown()),
        quantiles(&phase.write_latency),
    ]
}

fn print_metrics(metrics: &Metrics) {
    let histograms = metrics.histograms();
    if histograms.is_empty() {
        return;
    }
    let mut table = Table::new(
        "What the services measured (upper ends of buckets, in the unit of the name)",
        &["series", "values", "p50", "p99"],
    );
    for found in histograms {
        table.row(&[
            format!("`{}`", found.name),
            format!("{:.0}", found.count),
            found.p50.to_string(),
            found.p99.to_string(),
        ]);
    }
    table.print();
}

fn print_counters(metrics: &Metrics) {
    let counters = metrics.counters();
    if counters.is_empty() {
        return;
    }
    let mut table = Table::new("What the services counted", &["series", "times"]);
    for (series, value) in counters {
        table.row(&[format!("`{series}`"), format!("{value:.0}")]);
    }
    table.print();
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{share:.1} %"))
}

fn quantiles(histogram: &Histogram) -> String {
    match (histogram.percentile(50), histogram.percentile(99)) {
        (Some(p50), Some(p99)) => format!("{} / {}", millis(p50), millis(p99)),
        _ => "–".to_owned(),
    }
}

/// Writes `report.json` and, where there is something to tell, `violations.txt`.
pub(crate) fn write(folder: &Path, run: Value, stage: &Stage, metrics: &Metrics) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let phases = |tally: &Tally| -> Vec<Value> {
        let total = tally.total("all", |_| true);
        tally.phases().iter().chain([&total]).map(as_json).collect()
    };
    let domains: BTreeMap<&str, Value> = stage
        .tallies()
        .iter()
        .map(|(domain, tally)| (domain.label(), json!({"stale": tally.stale(), "phases": phases(tally)})))
        .collect();
    let chronicle = &stage.chronicle;
    let sums: BTreeMap<String, f64> =
        metrics.sums().into_iter().filter(|(series, _)| !series.contains("_bucket")).collect();
    let report = json!({
        "run": run,
        "stale": chronicle.stale(),
        "violations": chronicle.violations(),
        "domains": domains,
        "faults": chronicle.spells(),
        "metrics": sums,
    });
    fs::write(folder.join("report.json"), serde_json::to_vec_pretty(&report)?)?;
    let stories: Vec<String> = chronicle.violations().iter().map(Violation::story).collect();
    if !stories.is_empty() {
        fs::write(folder.join("violations.txt"), stories.join("\n"))?;
    }
    Ok(())
}

fn as_json(phase: &Phase) -> Value {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let ms = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64() * 1e3);
    json!({
        "phase": phase.label,
        "times": count(&phase.spells),
        "seconds": phase.seconds(),
        "reads": {
            "checked": phase.checked(),
            "through_gateways": count(&phase.through_gateways),
            "direct": count(&phase.direct),
            "hits": count(&phase.hits),
            "not_modified": count(&phase.not_modified),
            "not_modified_from_memory": count(&phase.hits_not_modified),
            "stale": count(&phase.stale),
            "without_a_state": phase.failed(),
            "p50_ms": ms(phase.read_latency.percentile(50)),
            "p99_ms": ms(phase.read_latency.percentile(99)),
        },
        "writes": {
            "acknowledged": count(&phase.acknowledged),
            "refused": phase.refused(),
            "perhaps_done": phase.unknown(),
            "p50_ms": ms(phase.write_latency.percentile(50)),
            "p99_ms": ms(phase.write_latency.percentile(99)),
        },
    })
}
