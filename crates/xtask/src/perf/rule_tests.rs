//! deploy/prometheus/budgets.tests.yml: when the alerts of the budgets fire, and when they do not.

use super::figures::{decimal, seconds};
use super::rules::{BURNS, Burn, SLOW, SLOW_ACTION};
use super::{Endpoint, ORIGIN, Service, blocking};

const HEAD: &str = "\
# When the alerts of budgets.rules.yml fire, and when they do not: promtool test rules deploy/prometheus/budgets.tests.yml
rule_files: [budgets.rules.yml]
evaluation_interval: 1m

tests:
";

/// Requests a minute of each test.
const RATE: f64 = 10_000.0;

pub(super) fn render(services: &[Service<'_>]) -> String {
    let mut tests = Vec::new();
    for service in services {
        for (budget, endpoints) in service.by_time() {
            if let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.budget.alert.is_none()) {
                tests.push(slow(service, endpoint, budget));
            }
            let looked_after = endpoints.iter().filter(|endpoint| endpoint.budget.alert.is_some());
            tests.extend(looked_after.map(|endpoint| by_hand(service, endpoint, budget)));
        }
        let watched = |endpoint: &&Endpoint| endpoint.budget.alert.is_none();
        if let Some((budget, endpoint)) = service
            .by_time()
            .into_iter()
            .find_map(|(budget, all)| Some((budget, all.into_iter().find(watched)?)))
        {
            tests.push(quiet(service, endpoint, budget));
        }
        tests.extend(blocking::tests(service));
        for burn in &BURNS {
            tests.push(burns(service, burn));
        }
        tests.push(within(service));
        tests.push(over(service));
    }
    format!("# {ORIGIN}\n{HEAD}{}", tests.join("\n"))
}

/// Requests of an endpoint; `within` is what its buckets up to the budget count, `all` what all count.
fn durations(service: &Service<'_>, endpoint: &Endpoint, budget: f64, within: &str, all: &str) -> String {
    let labels = format!(
        r#"service="{}",instance="a",method="{}",route="{}",status="200""#,
        service.name, endpoint.method, endpoint.route
    );
    let series = |suffix: &str, le: &str, values: &str| {
        let metric = format!("http_server_request_duration_seconds_{suffix}");
        format!("      - series: {metric}{{{labels}{le}}}\n        values: {values}\n")
    };
    [
        series("bucket", &format!(r#",le="{}""#, decimal(budget)), within),
        series("bucket", r#",le="10""#, within),
        series("bucket", r#",le="+Inf""#, all),
        series("count", "", all),
    ]
    .concat()
}

/// 96 of 100 requests keep the budget, and later 90.
fn slow(service: &Service<'_>, endpoint: &Endpoint, budget: f64) -> String {
    let Service { name, .. } = service;
    let Endpoint { operation, method, route, budget: said, .. } = endpoint;
    let series = durations(service, endpoint, budget, "0+96x8 768+90x10", "0+100x18");
    let labels = format!("service: {name}, method: {method}, route: \"{route}\", operation: {operation}");
    let class = &said.class;
    format!(
        r#"  - name: {name} may take {} for {operation} and its like
    interval: 1m
    input_series:
{series}    promql_expr_test:
      - expr: budget:p95_seconds{{service="{name}",operation="{operation}"}}
        eval_time: 8m
        exp_samples:
          - labels: 'budget:p95_seconds{{service="{name}",method="{method}",route="{route}",operation="{operation}",class="{class}"}}'
            value: {}
    alert_rule_test:
      - eval_time: 8m
        alertname: {SLOW}
        exp_alerts: []
      - eval_time: 17m
        alertname: {SLOW}
        exp_alerts:
          - exp_labels: {{ {labels}, class: {class}, severity: ticket }}
            exp_annotations:
              summary: "the 95th percentile of {method} {route} of {name} is 10s, more than its budget"
              action: "{SLOW_ACTION}"
"#,
        seconds(budget),
        decimal(budget),
    )
}

/// Every request is slow, and there are three a minute.
fn quiet(service: &Service<'_>, endpoint: &Endpoint, budget: f64) -> String {
    let name = format!("{} is not told of a few slow {}", service.name, endpoint.operation);
    not_told(&name, &durations(service, endpoint, budget, "0x18", "0+3x18"))
}

/// Every request is slow, and another alert says so.
fn by_hand(service: &Service<'_>, endpoint: &Endpoint, budget: f64) -> String {
    let alert = endpoint.budget.alert.as_deref().unwrap_or_default();
    let name = format!("{} of {} is left to {alert}", endpoint.operation, service.name);
    not_told(&name, &durations(service, endpoint, budget, "0x18", "0+100x18"))
}

fn not_told(name: &str, series: &str) -> String {
    format!(
        r#"  - name: {name}
    interval: 1m
    input_series:
{series}    alert_rule_test:
      - eval_time: 17m
        alertname: {SLOW}
        exp_alerts: []
"#
    )
}

/// A service whose failures are so many times what it may have, for so many minutes; then none fail, for as many more.
fn failures(service: &Service<'_>, factor: f64, minutes: u32, more: u32) -> String {
    let failing = (RATE * factor * service.error_budget()).round();
    let (answered, total) = (decimal(RATE - failing), decimal(failing * f64::from(minutes)));
    let failing = decimal(failing);
    let labels = format!(r#"service="{}",instance="a",method="GET",route="r""#, service.name);
    let metric = "http_server_request_duration_seconds_count";
    format!(
        r#"      - series: {metric}{{{labels},status="200"}}
        values: 0+{answered}x{}
      - series: {metric}{{{labels},status="503"}}
        values: 0+{failing}x{minutes} {total}x{more}
      - series: {metric}{{service="other",instance="a",method="GET",route="r",status="500"}}
        values: 0+100x{}
"#,
        minutes + more,
        minutes + more,
    )
}

/// A fifth more than what an alert tolerates: it fires, and one that tolerates more does not.
fn burns(service: &Service<'_>, burn: &Burn) -> String {
    let Burn { alert, severity, action, .. } = burn;
    let (name, summary) = (service.name, burn.summary(service));
    let others = BURNS.iter().filter(|other| other.factor > burn.factor).map(|other| {
        format!("      - eval_time: 40m\n        alertname: {}\n        exp_alerts: []\n", other.alert)
    });
    format!(
        r#"  - name: {name} fails {} times as often as it may
    interval: 1m
    input_series:
{}    alert_rule_test:
{}      - eval_time: 40m
        alertname: {alert}
        exp_alerts:
          - exp_labels: {{ service: {name}, severity: {severity} }}
            exp_annotations:
              summary: "{summary}"
              action: "{action}"
"#,
        decimal(burn.factor * 1.2),
        failures(service, burn.factor * 1.2, 40, 1),
        others.collect::<String>(),
    )
}

/// Half of what is allowed.
fn within(service: &Service<'_>) -> String {
    let series = failures(service, 0.5, 40, 1);
    not_burning(&format!("{} fails half as often as it may", service.name), &series, ["40m", "40m"])
}

/// The long window still remembers, the short one says that it is over.
fn over(service: &Service<'_>) -> String {
    let series = failures(service, 30.0, 20, 36);
    not_burning(&format!("{} failed often and does so no more", service.name), &series, ["30m", "55m"])
}

/// Each of [`BURNS`] is silent at its time.
fn not_burning(name: &str, series: &str, at: [&str; 2]) -> String {
    let silent = BURNS.iter().zip(at).map(|(burn, at)| {
        format!("      - eval_time: {at}\n        alertname: {}\n        exp_alerts: []\n", burn.alert)
    });
    format!(
        "  - name: {name}\n    interval: 1m\n    input_series:\n{series}    alert_rule_test:\n{}",
        silent.collect::<String>()
    )
}
