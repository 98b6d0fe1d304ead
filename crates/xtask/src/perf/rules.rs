//! deploy/prometheus/budgets.rules.yml.

use std::fmt::Write as _;

use super::figures::decimal;
use super::{ORIGIN, Service, blocking};

/// The alert of an endpoint that takes longer than it may.
pub(super) const SLOW: &str = "EndpointSlow";

/// How much faster than even an error budget may be spent, seen through which windows.
#[derive(Debug)]
pub(super) struct Burn {
    pub(super) alert: &'static str,
    pub(super) factor: f64,
    pub(super) long: &'static str,
    pub(super) short: &'static str,
    hold: &'static str,
    pub(super) severity: &'static str,
    pub(super) action: &'static str,
}

/// Of a budget for thirty days, the first spends 2 % in an hour, the second 5 % in six hours.
pub(super) const BURNS: [Burn; 2] = [
    Burn {
        alert: "ErrorBudgetBurnsFast",
        factor: 14.4,
        long: "1h",
        short: "5m",
        hold: "2m",
        severity: "page",
        action: "which route and status: http_server_request_duration_seconds_count; then the runbook in docs/BUDGETS.md",
    },
    Burn {
        alert: "ErrorBudgetBurns",
        factor: 6.0,
        long: "6h",
        short: "30m",
        hold: "15m",
        severity: "ticket",
        action: "a steady trickle of 5xx: `code` and `cause` in the access log, by route; then the runbook in docs/BUDGETS.md",
    },
];

impl Burn {
    /// The share of failures above which it fires.
    pub(super) fn threshold(&self, service: &Service<'_>) -> String {
        decimal(self.factor * service.error_budget())
    }

    pub(super) fn summary(&self, service: &Service<'_>) -> String {
        let Self { factor, long, .. } = self;
        let percent = decimal(100.0 * service.error_budget());
        let factor = decimal(*factor);
        format!("{} has failed {factor} times as often as its {percent} % allow, for {long}", service.name)
    }
}

/// What [`SLOW`] says, in the template language of Prometheus.
const SLOW_SUMMARY: &str = "the 95th percentile of {{ $labels.method }} {{ $labels.route }} of {{ $labels.service }} is \
     {{ $value | humanizeDuration }}, more than its budget";
pub(super) const SLOW_ACTION: &str =
    "Server-Timing of such a request says where; the budget and what to do next are in docs/BUDGETS.md";

const HEAD: &str = "\
# Budgets as metrics, and alerts on those that are missed. `severity: page` wakes somebody, `ticket` waits for the morning.
# What to do about each is in docs/BUDGETS.md. Tests: `promtool test rules budgets.tests.yml`.
groups:
";

pub(super) fn render(services: &[Service<'_>]) -> String {
    let mut text = format!("# {ORIGIN}\n{HEAD}");
    text.push_str("  - name: budgets\n    interval: 1m\n    rules:\n");
    for service in services {
        constants(&mut text, service);
    }
    text.push_str("\n  - name: budget-latency\n    rules:\n");
    text.push_str(&latency());
    text.push_str(&blocking::rule());
    text.push_str("\n  - name: budget-errors\n    rules:\n");
    for window in ["5m", "30m", "1h", "6h"] {
        text.push_str(&ratio(window));
    }
    for service in services {
        for burn in &BURNS {
            text.push_str(&alert(burn, service));
        }
    }
    text
}

/// A label does not exist when it is empty: `alert` is that of an alert written by hand.
fn constants(text: &mut String, service: &Service<'_>) {
    let name = service.name;
    let objective = decimal(service.objective.availability_percent / 100.0);
    let _ = writeln!(
        text,
        "      - {{ record: objective:availability, expr: vector({objective}), labels: {{ service: {name} }} }}"
    );
    for endpoint in &service.endpoints {
        let budget = &endpoint.budget;
        let labels = format!(
            "service: {name}, method: {}, route: \"{}\", operation: {}, class: {}",
            endpoint.method, endpoint.route, endpoint.operation, budget.class
        );
        let mut record = |metric: &str, value: String, more: &str| {
            let _ = writeln!(
                text,
                "      - {{ record: \"budget:{metric}\", expr: vector({value}), labels: {{ {labels}{more} }} }}"
            );
        };
        record("statements", budget.most_statements().to_string(), "");
        if let Some(seconds) = budget.p95_seconds {
            let alert = budget.alert.as_ref().map(|alert| format!(", alert: {alert}"));
            record("p95_seconds", decimal(seconds), &alert.unwrap_or_default());
        }
        record("blocking_seconds", blocking::seconds(endpoint), "");
        if let Some(bytes) = budget.bytes {
            record("bytes", bytes.to_string(), "");
        }
    }
}

fn latency() -> String {
    format!(
        r#"      - record: service_method_route:http_server_request_duration_seconds:p95_5m
        expr: |
          histogram_quantile(0.95,
            sum by (service, method, route, le) (rate(http_server_request_duration_seconds_bucket[5m])))

      # Those that an alert written by hand looks after are left out; the last term leaves out routes that are hardly asked.
      - alert: {SLOW}
        expr: |
          service_method_route:http_server_request_duration_seconds:p95_5m
            > on (service, method, route) group_left (operation, class) budget:p95_seconds{{alert=""}}
          and on (service, method, route)
            sum by (service, method, route) (increase(http_server_request_duration_seconds_count[5m])) > 20
        for: 2m
        labels: {{ severity: ticket }}
        annotations:
          summary: "{SLOW_SUMMARY}"
          action: "{SLOW_ACTION}"
"#
    )
}

fn ratio(window: &str) -> String {
    format!(
        r#"      - record: service:http_server_errors:ratio_rate{window}
        expr: |
          sum by (service) (rate(http_server_request_duration_seconds_count{{status=~"5.."}}[{window}]))
            / sum by (service) (rate(http_server_request_duration_seconds_count[{window}]))
"#
    )
}

/// Both windows: the long one that it matters, the short one that it still goes on. The last term keeps a few failures of a quiet
/// night from waking anybody.
fn alert(burn: &Burn, service: &Service<'_>) -> String {
    let Burn { alert, long, short, hold, severity, action, .. } = burn;
    let (name, threshold, summary) = (service.name, burn.threshold(service), burn.summary(service));
    format!(
        r#"
      - alert: {alert}
        expr: |
          service:http_server_errors:ratio_rate{long}{{service="{name}"}} > {threshold}
          and service:http_server_errors:ratio_rate{short}{{service="{name}"}} > {threshold}
          and sum by (service) (increase(
            http_server_request_duration_seconds_count{{service="{name}",status=~"5.."}}[{long}])) > 10
        for: {hold}
        labels: {{ severity: {severity}, service: {name} }}
        annotations:
          summary: "{summary}"
          action: "{action}"
"#
    )
}
