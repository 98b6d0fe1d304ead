//! The report as one page that needs nothing else: tables and drawings of what the JSON file says.

use super::arrivals::Kind;
use super::results::{Measured, Metric, Role, Run};
use super::svg::{Axis, Bar, COLOURS, Drawing, bars, escape};
use super::table::{self, span};

const STYLE: &str = include_str!("report.css");
/// Least part of requests that the curve looks at: one in ten thousand.
const LEAST_TAIL: f64 = 1e-4;

/// The page.
pub(super) fn page(run: &Run) -> String {
    let mut body = String::new();
    let verdict = serde_json::to_string(&run.verdict).unwrap_or_default();
    body.push_str(&format!(
        "<h1>Benchmark: {}</h1>\n<p>{}</p>\n",
        escape(verdict.trim_matches('"')),
        escape(&table::heading(run))
    ));
    if let Some(judgement) = &run.judgement {
        body.push_str(&format!(
            "<h2>Against the baseline</h2>\n<pre>{}</pre>\n",
            escape(&table::judgement(judgement))
        ));
    }
    body.push_str("<p>Latency counts from the instant a request was due, answered or not (open model). Ratios are taken within a round; \
                   lines at their ends are 95 % intervals. Less is better everywhere.</p>\n");
    body.push_str(&format!("<div class=\"wide\">{}</div>\n", html_table(&table::table(run, true))));
    let notes = table::notes(run);
    if !notes.is_empty() {
        let items: String =
            notes.lines().map(|line| format!("<li>{}</li>", escape(line.trim_start_matches("- ")))).collect();
        body.push_str(&format!("<ul>{items}</ul>\n"));
    }
    for scenario in scenarios(run) {
        body.push_str(&section(run, scenario));
    }
    if !run.versions.is_empty() {
        let items: String = run
            .versions
            .iter()
            .map(|(name, version)| format!("<li>{}: {}</li>", escape(name), escape(version)))
            .collect();
        body.push_str(&format!("<h2>Versions</h2>\n<ul>{items}</ul>\n"));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Benchmark</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// In the order they were measured.
fn scenarios(run: &Run) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for one in &run.measured {
        if !names.contains(&one.scenario.as_str()) {
            names.push(&one.scenario);
        }
    }
    names
}

fn section(run: &Run, scenario: &str) -> String {
    let mut text = format!("<h2>{}</h2>\n", escape(scenario));
    let bars_of =
        run.ratios.iter().filter(|ratio| ratio.key.scenario == scenario && ratio.key.metric != Metric::P50);
    let found: Vec<Bar> = bars_of
        .map(|ratio| Bar {
            name: format!(
                "{}, {}: {} to {}",
                ratio.key.kind.label(),
                ratio.key.metric.label(),
                ratio.key.side,
                ratio.key.reference
            ),
            ratio: ratio.interval.ratio,
            low: ratio.interval.low,
            high: ratio.interval.high,
        })
        .collect();
    if !found.is_empty() {
        text.push_str(&format!("<figure>{}<figcaption>Ours to each reference: processor time and p95; left of one, ours takes less.</figcaption></figure>\n", bars("ratios", &found)));
    }
    for kind in Kind::ALL {
        let sides: Vec<&Measured> =
            run.measured.iter().filter(|one| one.scenario == scenario && one.kind == kind).collect();
        if sides.is_empty() {
            continue;
        }
        text.push_str(&format!("<h3>{}</h3>\n{}<div class=\"pair\">", kind.label(), legend(&sides)));
        text.push_str(&format!(
            "<figure>{}<figcaption>Latency by part of the requests</figcaption></figure>\n",
            curve(&sides)
        ));
        if sides.iter().any(|side| side.seconds.len() > 1) {
            text.push_str(&format!("<figure>{}<figcaption>Over time, all rounds together: p50, and p99 dashed</figcaption></figure>\n", over_time(&sides)));
        }
        text.push_str("</div>\n");
    }
    text
}

fn legend(sides: &[&Measured]) -> String {
    let item = |(place, side): (usize, &&Measured)| {
        let strong = if side.role == Role::Ours { " class=\"ours\"" } else { "" };
        format!("<li{strong}><span class=\"key c{}\"></span>{}</li>", place % COLOURS, escape(&side.side))
    };
    format!("<ul class=\"legend\">{}</ul>\n", sides.iter().enumerate().map(item).collect::<String>())
}

/// Least and greatest latency of all sides.
fn extent(values: impl Iterator<Item = u64> + Clone) -> (f64, f64) {
    let low = values.clone().filter(|value| *value > 0).min().unwrap_or(1) as f64;
    (low, values.max().unwrap_or(1) as f64)
}

/// The percentile curve of HdrHistogram: each tenth of what is left is as wide as the one before.
fn curve(sides: &[&Measured]) -> String {
    let (low, high) = extent(sides.iter().flat_map(|side| side.histogram.iter().map(|(value, _)| *value)));
    let part = |nines: f64| match nines {
        nines if nines < 1.5 => "0 %".to_owned(),
        nines => format!(
            "{} %",
            format!("{:.4}", 100.0 - 100.0 / nines).trim_end_matches('0').trim_end_matches('.')
        ),
    };
    let mut drawing = Drawing::new(
        "latency by percentile",
        (Axis::log(1.0, 1.0 / LEAST_TAIL), "part of the requests that took no longer", &part),
        (Axis::log(low, high), "latency", &span),
    );
    for (place, side) in sides.iter().enumerate() {
        drawing.line(place, false, &side.side, &percentiles(&side.histogram));
    }
    drawing.finish()
}

/// Points of the curve: one over what is left above a latency, and the latency in microseconds.
fn percentiles(histogram: &[(u64, u64)]) -> Vec<(f64, f64)> {
    let all: u64 = histogram.iter().map(|(_, count)| count).sum();
    let mut below = 0;
    let mut points = Vec::new();
    for (micros, count) in histogram {
        let start = 1.0 - below as f64 / all.max(1) as f64;
        below += count;
        // A step: from where those begin that took so long to where they end.
        let end = (1.0 - below as f64 / all.max(1) as f64).max(LEAST_TAIL);
        points.push((1.0 / start.max(LEAST_TAIL), *micros as f64));
        points.push((1.0 / end, *micros as f64));
    }
    points
}

fn over_time(sides: &[&Measured]) -> String {
    let (low, high) = extent(
        sides.iter().flat_map(|side| side.seconds.iter().flat_map(|second| [second.p50_us, second.p99_us])),
    );
    let last =
        sides.iter().flat_map(|side| side.seconds.iter().map(|second| second.second)).max().unwrap_or(1);
    let seconds = |value: f64| table::number(value);
    let mut drawing = Drawing::new(
        "latency over time",
        (Axis::linear(last as f64), "second of the measurement", &seconds),
        (Axis::log(low, high), "latency", &span),
    );
    for (place, side) in sides.iter().enumerate() {
        let seconds = side.seconds.iter().filter(|second| second.good > 0);
        let points = |of: fn(&super::results::Second) -> u64| {
            seconds.clone().map(|second| (second.second as f64, of(second) as f64)).collect::<Vec<_>>()
        };
        drawing.line(place, false, &format!("{}, p50", side.side), &points(|second| second.p50_us));
        drawing.line(place, true, &format!("{}, p99", side.side), &points(|second| second.p99_us));
    }
    drawing.finish()
}

/// A Markdown table as one of HTML; `**` marks what is ours.
fn html_table(markdown: &str) -> String {
    let cells = |line: &str, tag: &str| -> String {
        let inner = line.trim_start_matches("| ").trim_end_matches(" |");
        let cell = |cell: &str| match cell.strip_prefix("**").and_then(|cell| cell.strip_suffix("**")) {
            Some(ours) => format!("<{tag}><strong>{}</strong></{tag}>", escape(ours)),
            None => format!("<{tag}>{}</{tag}>", escape(cell)),
        };
        format!("<tr>{}</tr>\n", inner.split(" | ").map(cell).collect::<String>())
    };
    let mut lines = markdown.lines();
    let head = lines.next().map(|line| cells(line, "th")).unwrap_or_default();
    let rows: String = lines.skip(1).map(|line| cells(line, "td")).collect();
    format!("<table>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{measured, run};
    use super::*;

    fn found() -> Run {
        run(vec![
            measured("feed", Kind::Cold, "gateway", Role::Ours, &[2_000, 2_100, 1_900]),
            measured("feed", Kind::Cold, "py<thon>", Role::Peer, &[4_000, 4_000, 4_000]),
            measured("feed", Kind::Warm, "gateway", Role::Ours, &[200, 210, 190]),
        ])
    }

    #[test]
    fn the_page_stands_alone_and_has_every_drawing() {
        let page = page(&found());
        for outside in ["http://", "https://", "<script", "<link", "src=", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        // Bars of the one ratio, and two drawings for each kind.
        assert_eq!(page.matches("<svg").count(), 5);
        assert!(
            page.contains("py&lt;thon&gt;")
                && !page.contains("py<thon>")
                && page.contains("some &lt;processor&gt;")
        );
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn the_curve_is_that_of_the_histogram() {
        // Ninety of a hundred took 1 ms at most, nine more 2 ms, one 10 ms.
        let points = percentiles(&[(1_000, 90), (2_000, 9), (10_000, 1)]);
        let at: Vec<(f64, f64)> = points.iter().map(|(nines, micros)| (nines.round(), *micros)).collect();
        assert_eq!(at, [(1.0, 1e3), (10.0, 1e3), (10.0, 2e3), (100.0, 2e3), (100.0, 1e4), (1e4, 1e4)]);
    }

    #[test]
    fn a_table_comes_over_whole() {
        let html = html_table("| a | b |\n| --- | --- |\n| **x** | < |\n");
        assert!(
            html.contains("<th>a</th><th>b</th>")
                && html.contains("<td><strong>x</strong></td><td>&lt;</td>")
        );
    }
}
