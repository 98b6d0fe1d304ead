//! The figures as tables, and what is expected of them.

use std::time::Duration;

use super::cases::{Case, Kind, MB, Segments, Way};
use super::config::Buffering;
use super::figures::{Figures, PARTS};
use crate::report::{Report, Table, mebibytes, millis};

/// Figures of one case, by way.
pub(crate) type Measured<'a> = (Case, Vec<(&'a Way, Figures)>);

/// Bytes a second of one gigabit.
const GIGABIT: f64 = 1e9 / 8.0;
/// U-A1, U-A2: one and five uploads of 100 MB.
const ONE: Duration = Duration::from_secs(1);
const FIVE: Duration = Duration::from_secs(3);
/// U-A3.
const MOST_WAITING: f64 = 0.3;
/// U-D7: between what the client and what the server measured.
const MOST_UNTOLD: f64 = 0.05;
/// U-A4.
const LEAST_SUCCESS: f64 = 0.99;
/// U-D8: memory of a process, and the slowest upload's share.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;
const LEAST_SHARE: f64 = 0.5;
/// U-D13.
const MOST_ADDED: Duration = Duration::from_millis(150);

/// What the link alone would need for a case, as measured beside it.
fn least_time(case: Case, ways: &[(&Way, Figures)]) -> Option<Duration> {
    let (_, link) = ways.iter().find(|(way, _)| way.kind == Kind::Link)?;
    (link.rate > 0.0).then(|| at_rate(case, link.rate * 1e6))
}

/// The time of a case at so many bytes a second.
fn at_rate(case: Case, bytes_a_second: f64) -> Duration {
    Duration::from_secs_f64(case.total_bytes() as f64 / bytes_a_second)
}

/// How long an upload took beyond what its link needs.
fn added(figures: &Figures, percent: usize, least: Option<Duration>) -> Option<Duration> {
    Some(figures.percentile(percent).saturating_sub(least?))
}

/// All tables, as text; `disk` is what it takes in a second, in bytes.
pub(crate) fn render(measured: &[Measured<'_>], disk: f64) -> String {
    [links(measured, disk), answers(measured), costs(measured), parts(measured)]
        .map(|table| table.text().to_owned())
        .concat()
}

fn links(measured: &[Measured<'_>], disk: f64) -> Table {
    let columns =
        ["case", "this loopback", "needs at least", "written and synced", "on 1 Gbit/s", "on 10 Gbit/s"];
    let mut table = Table::new(
        "The link, and the disk: what a case takes when nobody keeps the bytes, and when one file does",
        &columns,
    );
    for (case, ways) in measured {
        let rate = ways.iter().find(|(way, _)| way.kind == Kind::Link).map(|(_, link)| link.rate * 1e6);
        table.row(&[
            case.label(),
            rate.map_or_else(dash, |rate| format!("{:.1} Gbit/s", rate / GIGABIT)),
            least_time(*case, ways).map_or_else(dash, millis),
            millis(at_rate(*case, disk)),
            millis(at_rate(*case, GIGABIT)),
            millis(at_rate(*case, 10.0 * GIGABIT)),
        ]);
    }
    table
}

fn answers(measured: &[Measured<'_>]) -> Table {
    let columns = [
        "case",
        "way",
        "uploads",
        "p50",
        "p95",
        "longest",
        "MB/s",
        "success",
        "waiting",
        "by the server",
        "not told",
        "added p95",
        "slowest of fastest (when the first was done)",
    ];
    let mut table = Table::new("Time from the first byte to the answer", &columns);
    for (case, ways) in measured {
        let least = least_time(*case, ways);
        for (way, figures) in ways {
            let is_told = figures.untold.is_some();
            table.row(&[
                case.label(),
                way.name.clone(),
                figures.attempts.to_string(),
                millis(figures.percentile(50)),
                millis(figures.percentile(95)),
                millis(figures.longest()),
                format!("{:.0}", figures.rate),
                percent(figures.success()),
                percent(figures.waiting),
                if is_told { percent(figures.told_waiting) } else { dash() },
                figures.untold.map_or_else(dash, percent),
                added(figures, 95, least).filter(|_| way.kind != Kind::Link).map_or_else(dash, millis),
                if case.uploads > 1 {
                    format!("{:.2} ({:.2})", figures.fairness, figures.progress)
                } else {
                    dash()
                },
            ]);
        }
    }
    table
}

fn costs(measured: &[Measured<'_>]) -> Table {
    let columns = ["case", "way", "process", "most memory", "processor seconds for a GB"];
    let mut table = Table::new("What it costs", &columns);
    for (case, ways) in measured {
        for (way, figures) in ways {
            for (process, peak, cpu) in &figures.uses {
                let process = (*process).to_owned();
                table.row(&[case.label(), way.name.clone(), process, mebibytes(*peak), format!("{cpu:.2}")]);
            }
        }
    }
    table
}

fn parts(measured: &[Measured<'_>]) -> Table {
    let columns = [&["case", "way"], PARTS.as_slice()].concat();
    let mut table = Table::new("The service's own account (Server-Timing), medians", &columns);
    for (case, ways) in measured {
        for (way, figures) in ways.iter().filter(|(_, figures)| figures.untold.is_some()) {
            let parts = PARTS.iter().map(|name| figures.parts.get(name).copied().unwrap_or_default());
            let cells = [case.label(), way.name.clone()].into_iter().chain(parts.map(millis));
            table.row(&cells.collect::<Vec<_>>());
        }
    }
    table
}

/// Holds the figures against what was demanded.
pub(crate) fn judge(measured: &[Measured<'_>]) -> Report {
    let mut report = Report::default();
    for (case, ways) in measured {
        let least = least_time(*case, ways);
        for (way, figures) in ways.iter().filter(|(way, _)| way.is_ours()) {
            expect(&mut report, *case, way, figures, least);
        }
    }
    report
}

fn expect(report: &mut Report, case: Case, way: &Way, figures: &Figures, least: Option<Duration>) {
    let what = |of: String| format!("{}, {}: {of}", case.label(), way.name);
    let (p95, large) = (figures.percentile(95), case.bytes == 100 * MB);
    let success = figures.success();
    let told = what(format!("more than 99 % succeed: {} {:?}", percent(success), figures.failures.first()));
    report.expect(told, success > LEAST_SUCCESS);
    // Taking everything in first is there to be compared with, not to be good.
    if way.kind == Kind::Through(Buffering::Request) {
        return;
    }
    if let Some(limit) =
        [(1, ONE), (5, FIVE)].into_iter().find(|(uploads, _)| large && *uploads == case.uploads)
    {
        let told = what(format!("p95 below {}: {}", millis(limit.1), millis(p95)));
        report.expect(told, figures.good > 0 && p95 < limit.1);
    }
    // In the segments of a loopback most of a small file counts as sent at once, whoever receives it.
    let as_clients_send = case.segments == Segments::Ethernet && way.kind == Kind::Through(Buffering::Off);
    if (large && case.uploads <= 5) || (as_clients_send && case.uploads == 5) {
        let told = what(format!("waiting below 30 %: {}", percent(figures.waiting)));
        report.expect(told, figures.waiting < MOST_WAITING);
    }
    if let Some(untold) = figures.untold.filter(|_| large && case.uploads <= 5) {
        let told = what(format!("client and Server-Timing differ by at most 5 %: {}", percent(untold)));
        report.expect(told, untold <= MOST_UNTOLD);
    }
    if large && case.uploads == 1 && way.is_put() {
        let added = added(figures, 95, least).unwrap_or(Duration::MAX);
        let told = what(format!("at most {} beyond the link: {}", millis(MOST_ADDED), millis(added)));
        report.expect(told, added <= MOST_ADDED);
    }
    if case.uploads >= 50 {
        let told =
            what(format!("no process above {}: {}", mebibytes(MOST_MEMORY), mebibytes(figures.peak())));
        report.expect(told, figures.peak() <= MOST_MEMORY);
        let told = what(format!("the slowest has half of the fastest's share: {:.2}", figures.fairness));
        report.expect(told, figures.fairness >= LEAST_SHARE);
    }
}

fn dash() -> String {
    "–".to_owned()
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}
