//! docs/BUDGETS.md.

use std::fmt::Write as _;

use budgets::Budgets;

use super::blocking::BLOCKS;
use super::figures::{bytes, decimal, seconds};
use super::rules::{BURNS, SLOW};
use super::{Endpoint, Service};

const HEAD: &str = "\
# Budgets

<!-- Written by `cargo run -p xtask -- perf` from perf.toml; do not edit. -->

What an answer of each operation may cost. The figures are in [perf.toml](../perf.toml); this page, the rules in
[deploy/prometheus](../deploy/prometheus/budgets.rules.yml) with their tests, and the dashboards in [deploy/grafana](../deploy/grafana) are written from
it, and `make lint` fails when one of them is not what would be written, or an operation has no budget.

- **statements**: SQL statements of one request at most, when nothing is known from memory. Every integration test is a test of it: the harness
  fails an answer that ran more.
- **p95**: what 95 of 100 requests take at most, from the request's head to its answer's head, in production. Watched by alerts, not by tests.
- **bytes**: of the answer's body at most, before it is compressed. Enforced as statements are.
- **blocking**: what one poll of its task may block its thread at most, asleep or waiting in the kernel; meanwhile no other request of that thread
  goes on. Enforced as statements are, and watched by alerts. Computing for long is not blocking, and neither is a machine without a free processor.
- **waiting**: the share of the time of an upload that may pass after its last byte. Such a request takes as long as its client sends, so it has no p95.

To see what the tests ran, and which budgets are looser than they need be:

```sh
cargo run -p stack -- test -- env ALDIA_BUDGETS_SEEN=/tmp/seen cargo test -p catalog --test it
cargo run -p xtask -- perf --seen /tmp/seen
```

A budget that is too small is raised in perf.toml, in the same change as the code that needs more, so that a review sees both; then `make docs`.

## Classes

| class | what it is |
|---|---|
";

pub(super) fn render(budgets: &Budgets, services: &[Service<'_>]) -> String {
    let mut text = HEAD.to_owned();
    for class in budgets.classes() {
        let _ = writeln!(text, "| {} | {} |", class.name, class.about);
    }
    for service in services {
        let availability = decimal(service.objective.availability_percent);
        let _ = writeln!(
            text,
            "\n## {}\n\n{availability} % of its answers are no 5xx, over thirty days.",
            service.name
        );
        if !service.endpoints.is_empty() {
            let _ = write!(text, "{}\n{}", caller(service), table(service));
        }
    }
    text.push_str(&alerts(services));
    text
}

/// What comes to the figures of the table now and then.
fn caller(service: &Service<'_>) -> String {
    match service.objective.caller_statements {
        0 => String::new(),
        1 => "Any request may run one statement more now and then, to know who asks.\n".to_owned(),
        more => format!("Any request may run {more} statements more now and then, to know who asks.\n"),
    }
}

/// The budgets of a service, in Markdown.
pub(super) fn table(service: &Service<'_>) -> String {
    let mut text =
        "| operation | request | class | statements | p95 | bytes | blocking | waiting |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    for endpoint in &service.endpoints {
        let Endpoint { operation, method, route, budget } = endpoint;
        let p95 = budget.p95_seconds.map(seconds).unwrap_or_default();
        let size = budget.bytes.map(bytes).unwrap_or_default();
        let waiting =
            budget.waiting_share.map(|share| format!("{} %", decimal(share * 100.0))).unwrap_or_default();
        let (class, statements) = (&budget.class, budget.statements);
        let _ = writeln!(
            text,
            "| `{operation}` | {method} `{route}` | {class} | {statements} | {p95} | {size} | {} ms | {waiting} |",
            budget.blocking_ms
        );
    }
    text
}

const SLOW_STEPS: &str = "\
For two minutes the 95th percentile of one endpoint has been above its budget; `route`, `method`, `operation` and `class` are labels.

1. `Server-Timing` of such a request (`curl -D-`) has the parts: `db` and `pool` are the database, the rest is the service itself.
2. `pool` alone: connections are short. Who holds them? See [Clients get 503](OPERATIONS.md#clients-get-503-unavailable).
3. `db`: the `slow` log has the statements, slowest first ([Logs and traces](OPERATIONS.md#logs-and-traces)). `EXPLAIN` them; `ANALYZE` their tables.
4. More was read than before: the dashboard's \"Found in memory\"; see [Redis is away](OPERATIONS.md#redis-is-away) and [Writers wait for silent edges](OPERATIONS.md#writers-wait-for-silent-edges).
5. All endpoints of a service at once: processor, or disk. Just after a release: the release.

Some endpoints have an alert written by hand, with more to say about them, and are left out here:
";

const BLOCKS_STEPS: &str = "\
Within ten minutes several polls of one endpoint slept or waited in the kernel for longer than it may; `route`, `method`, `operation` and `class` are labels.

1. The service's log, target `blocked`: `stack` names what waited, innermost first; `[kernel]` says in what: `futex…` a lock, `hrtimer_nanosleep` a
   sleep, `…read…`, `…write…`, `…sync…` a file or a socket.
2. A lock: who holds it so long? A file: the disk, or code that belongs into `spawn_blocking`. A sleep or a blocking client: a defect.
3. More of one process than of the others: its machine. `EventLoopBlocked` says whether other requests suffer.
";

fn alerts(services: &[Service<'_>]) -> String {
    let mut text = format!("\n## Alerts\n\n### {SLOW}\n\n{SLOW_STEPS}\n");
    for service in services {
        for endpoint in &service.endpoints {
            if let Some(alert) = &endpoint.budget.alert {
                let _ = writeln!(text, "- `{}` of {}: `{alert}`", endpoint.operation, service.name);
            }
        }
    }
    let _ = write!(text, "\n### {BLOCKS}\n\n{BLOCKS_STEPS}");
    for burn in &BURNS {
        let (alert, severity, factor) = (burn.alert, burn.severity, decimal(burn.factor));
        let _ = write!(
            text,
            "\n### {alert}\n\nFor {} and for the last {} a service has failed {factor} times as often as its objective allows (`{severity}`). \
             Which route, which status: the dashboard's \"Failures\".\n\n\
             | service | fires above | what to do |\n|---|---|---|\n",
            burn.long, burn.short
        );
        for service in services {
            let percent = decimal(100.0 * burn.factor * service.error_budget());
            let runbook = service.objective.runbook;
            let _ =
                writeln!(text, "| {} | {percent} % | [{runbook}](OPERATIONS.md#{runbook}) |", service.name);
        }
    }
    text
}
