//! Tests of what is generated and of what is refused, on a small repository.

use std::process::ExitCode;

use serde_json::Value;

use super::*;
use crate::generated::settle;
use crate::tidy::fixture::Tree;

const BUDGETS: &str = r#"
[classes.read]
about = "one thing"
p95_seconds = 0.1
bytes = 1024

[services.desk]
availability_percent = 99.9
runbook = "the-desk-fails"
budgets = [
    { operations = ["get_parcel"], class = "read", statements = 2 },
    { operations = ["list_*"], class = "read", statements = 3, p95_seconds = 1.0, alert = "ListSlow" },
]

[services.edge]
availability_percent = 99.5
runbook = "the-desk-fails"
"#;
const CONTRACT: &str = r#"{"paths": {
    "/v1/parcels": {"get": {"operationId": "list_parcels"}},
    "/v1/parcels/{id}": {"get": {"operationId": "get_parcel"}}}}"#;
const HAND_WRITTEN: &str = r#"    rules:
      - alert: ListSlow
        annotations:
          runbook_url: "docs/OPERATIONS.md#a-list-is-slow"
"#;

fn tree(budgets: &str) -> Tree {
    Tree::of(&[
        ("perf.toml", budgets),
        ("proto/openapi/desk.json", CONTRACT),
        ("docs/OPERATIONS.md", "# Operations\n\n### The desk fails\n\n### A list is slow\n\n`ListSlow`\n"),
        ("deploy/prometheus/desk.rules.yml", HAND_WRITTEN),
    ])
}

fn changed(from: &str, to: &str) -> Tree {
    assert!(BUDGETS.contains(from), "{from}");
    tree(&BUDGETS.replace(from, to))
}

fn refusal(from: &str, to: &str) -> String {
    files(changed(from, to).root()).unwrap_err().to_string()
}

fn text(files: &[Generated], path: &str) -> String {
    files.iter().find(|file| file.path == Path::new(path)).unwrap().text.clone()
}

#[test]
fn an_operation_without_a_budget_is_refused() {
    let fault = refusal("\"list_*\"", "\"list_letters\"");
    assert!(fault.contains("list_parcels has no budget"), "{fault}");
    assert!(fault.contains("`list_letters` names no operation"), "{fault}");
}

#[test]
fn a_budget_of_an_unknown_operation_is_refused() {
    let fault = refusal("[\"get_parcel\"]", "[\"get_parcel\", \"get_letter\"]");
    assert!(fault.contains("`get_letter` names no operation") && !fault.contains("get_parcel"), "{fault}");
    let fault = refusal(
        "[services.edge]",
        "[services.other]\navailability_percent = 99.0\nrunbook = \"the-desk-fails\"\nbudgets = [{ operations = [\"x\"], class = \"read\", statements = 1 }]\n[services.edge]",
    );
    assert!(fault.contains("other: `x` names no operation"), "{fault}");
}

#[test]
fn a_service_without_a_section_is_refused() {
    let fault = refusal("services.desk", "services.desks");
    assert!(fault.contains("desk: the service has no section"), "{fault}");
}

#[test]
fn alerts_and_sections_that_are_named_exist() {
    let fault = refusal("ListSlow", "ListSloth");
    assert!(fault.contains("no rule of deploy/prometheus is ListSloth"), "{fault}");
    let fault = refusal("runbook = \"the-desk-fails\"\nbudgets", "runbook = \"nowhere\"\nbudgets");
    assert!(fault.contains("desk: docs/OPERATIONS.md has no section `nowhere`"), "{fault}");
}

#[test]
fn what_differs_from_the_budgets_is_found() {
    let tree = tree(BUDGETS);
    let check = |check| settle(files(tree.root()).unwrap(), tree.root(), check).unwrap();
    assert_eq!(check(true), ExitCode::FAILURE);
    assert_eq!(check(false), ExitCode::SUCCESS);
    assert_eq!(check(true), ExitCode::SUCCESS);
    std::fs::write(tree.root().join("deploy/grafana/edge.json"), "{}\n").unwrap();
    assert_eq!(check(true), ExitCode::FAILURE);
}

#[test]
fn a_changed_budget_changes_everything_that_follows_from_it() {
    let (before, after) =
        (files(tree(BUDGETS).root()).unwrap(), files(changed("0.1", "0.25").root()).unwrap());
    let same: Vec<_> =
        before.iter().zip(&after).filter(|(one, other)| one == other).map(|(one, _)| &one.path).collect();
    assert_eq!(same, [Path::new("deploy/grafana/edge.json")]);
}

#[test]
fn a_budget_is_a_metric_with_the_labels_of_its_requests() {
    let rules = text(&files(tree(BUDGETS).root()).unwrap(), "deploy/prometheus/budgets.rules.yml");
    let labels =
        "service: desk, method: GET, route: \"/v1/parcels/{id}\", operation: get_parcel, class: read";
    let line = format!("- {{ record: \"budget:p95_seconds\", expr: vector(0.1), labels: {{ {labels} }} }}");
    assert!(rules.contains(&line), "{rules}");
    assert!(rules.contains("operation: list_parcels, class: read, alert: ListSlow }"), "{rules}");
    for threshold in ["service=\"desk\"} > 0.0144", "service=\"desk\"} > 0.006", "service=\"edge\"} > 0.072"]
    {
        assert_eq!(rules.matches(threshold).count(), 2, "{threshold}\n{rules}");
    }
}

#[test]
fn a_dashboard_has_a_line_for_each_budget_of_time() {
    let text = text(&files(tree(BUDGETS).root()).unwrap(), "deploy/grafana/desk.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let limits: Vec<f64> = panels
        .iter()
        .filter(|panel| panel["title"].as_str().unwrap().starts_with("Duration, where"))
        .map(|panel| panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"].as_f64().unwrap())
        .collect();
    assert_eq!(limits, [0.1, 1.0]);
    for panel in panels.iter().filter(|panel| panel["type"] == "timeseries") {
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{panel}");
    }
}

#[test]
fn what_the_tests_ran_is_compared_with_what_they_may() {
    let tree = tree(BUDGETS);
    let seen = |lines: &str| {
        let folder = Tree::of(&[("desk-1.jsonl", lines), ("notes.txt", "x")]);
        loose(tree.root(), folder.root()).unwrap()
    };
    let line = |operation: &str, statements: u64, bytes: u64| {
        format!(
            "{{\"service\":\"desk\",\"operation\":\"{operation}\",\"statements\":{statements},\"bytes\":{bytes}}}\n"
        )
    };
    let as_allowed = line("get_parcel", 1, 9) + &line("get_parcel", 2, 5) + &line("list_parcels", 3, 9);
    assert_eq!(seen(&as_allowed), Vec::<String>::new());
    assert_eq!(
        seen(&line("list_parcels", 4, 2000)),
        [
            "desk list_parcels: too tight, 4 statements seen, 3 allowed",
            "desk list_parcels: too tight, 2000 bytes seen, 1024 allowed",
            "desk get_parcel: no test asks for it",
        ]
    );
    assert_eq!(
        seen(&(line("list_parcels", 3, 9) + &line("get_parcel", 1, 9))),
        ["desk get_parcel: loose, 1 statements seen, 2 allowed",]
    );
}
