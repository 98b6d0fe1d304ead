//! Polls that block their thread for longer than an endpoint may (`H-D3`): the rule, and when it fires.

use std::fmt::Write as _;

use super::figures::decimal;
use super::{Endpoint, Service};

/// The alert of an endpoint that blocks its thread for longer than it may.
pub(super) const BLOCKS: &str = "EndpointBlocks";

const SUMMARY: &str = "{{ $labels.method }} {{ $labels.route }} of {{ $labels.service }} blocks its thread for up to \
     {{ $value | humanizeDuration }}, longer than it may";
const ACTION: &str =
    "target `blocked` of its log has the stack; the budget and what to do next are in docs/BUDGETS.md";

/// Seconds, as Prometheus counts.
pub(super) fn seconds(endpoint: &Endpoint) -> String {
    of_millis(endpoint.budget.blocking_ms)
}

/// The highest bucket that anything fell into, against the budget, which is a bound.
pub(super) fn rule() -> String {
    format!(
        r#"
  - name: budget-blocking
    rules:
      - record: service_method_route:runtime_blocked_poll_duration_seconds:max_10m
        expr: |
          histogram_quantile(1, sum by (service, method, route, le) (
            increase(runtime_blocked_poll_duration_seconds_bucket{{task="request",kind="blocked"}}[10m])))

      # The last term leaves out a disk or a machine that stood still once.
      - alert: {BLOCKS}
        expr: |
          service_method_route:runtime_blocked_poll_duration_seconds:max_10m
            > on (service, method, route) group_left (operation, class) budget:blocking_seconds
          and on (service, method, route) sum by (service, method, route) (
            increase(runtime_blocked_poll_duration_seconds_count{{task="request",kind="blocked"}}[10m])) > 3
        labels: {{ severity: ticket }}
        annotations:
          summary: "{SUMMARY}"
          action: "{ACTION}"
"#
    )
}

/// A test for each budget that a service has.
pub(super) fn tests(service: &Service<'_>) -> Vec<String> {
    let mut known = Vec::new();
    let mut tests = Vec::new();
    for endpoint in &service.endpoints {
        if !known.contains(&endpoint.budget.blocking_ms) {
            known.push(endpoint.budget.blocking_ms);
            tests.push(test(service, endpoint));
        }
    }
    tests
}

/// Polls within the budget, then two a minute of twice to five times as much; and one such of another kind, which is nobody's fault.
fn test(service: &Service<'_>, endpoint: &Endpoint) -> String {
    let Service { name, .. } = service;
    let Endpoint { operation, method, route, budget } = endpoint;
    let bounds = budgets::BLOCKING_BOUNDS_MS;
    let above = bounds.into_iter().find(|bound| *bound > budget.blocking_ms).unwrap_or(budget.blocking_ms);
    let series = |kind: &str, suffix: &str, le: &str, values: &str| {
        format!(
            "      - series: runtime_blocked_poll_duration_seconds_{suffix}{{service=\"{name}\",instance=\"a\",task=\"request\",\
             method=\"{method}\",route=\"{route}\",kind=\"{kind}\"{le}}}\n        values: {values}\n"
        )
    };
    let mut input = String::new();
    for (kind, slow) in [("blocked", "0x15 0+2x15"), ("preempted", "0+2x30")] {
        for bound in bounds {
            let le = format!(",le=\"{}\"", of_millis(bound));
            let values = if bound >= above { slow } else { "0x30" };
            input.push_str(&series(kind, "bucket", &le, values));
        }
        input.push_str(&series(kind, "bucket", ",le=\"+Inf\"", slow));
        input.push_str(&series(kind, "count", "", slow));
    }
    let mut text = format!(
        "  - name: {name} may block for {} in {operation} and its like\n    interval: 1m\n    input_series:\n{input}",
        humanized(budget.blocking_ms)
    );
    let labels = format!("service: {name}, method: {method}, route: \"{route}\", operation: {operation}");
    let class = &budget.class;
    // Interpolated within the bucket up to its end.
    let seen = humanized(above);
    let _ = write!(
        text,
        r#"    alert_rule_test:
      - eval_time: 14m
        alertname: {BLOCKS}
        exp_alerts: []
      - eval_time: 25m
        alertname: {BLOCKS}
        exp_alerts:
          - exp_labels: {{ {labels}, class: {class}, severity: ticket }}
            exp_annotations:
              summary: "{method} {route} of {name} blocks its thread for up to {seen}, longer than it may"
              action: "{ACTION}"
"#
    );
    text
}

fn of_millis(bound: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a bound of a histogram, some seconds at most")]
    let seconds = bound as f64 / 1000.0;
    decimal(seconds)
}

/// As Prometheus writes a duration of so many milliseconds.
fn humanized(bound: u64) -> String {
    if bound < 1000 { format!("{bound}ms") } else { format!("{}s", of_millis(bound)) }
}
