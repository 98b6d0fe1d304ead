//! The rules here and those of Prometheus are one set.
use std::collections::BTreeSet;
use std::fs;

use super::{NOT_WATCHED, Rule, all};
use crate::condition::{Condition, Expr, Is, Select};

/// Generated, with tests of its own, and left to Prometheus as a whole.
const GENERATED: &str = "budgets.rules.yml";

/// The alerts in `deploy/prometheus` that were written by hand, each with its text.
fn alerts() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".rules.yml") && name != GENERATED {
            let text = fs::read_to_string(path).unwrap();
            for block in text.split("- alert: ").skip(1) {
                let (name, rest) = block.split_once('\n').unwrap();
                let (expr, _) = rest.split_once("labels:").unwrap();
                found.push((name.trim().to_owned(), expr.to_owned()));
            }
        }
    }
    found
}

fn rule_of(alert: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.alert == Some(alert))
}

fn selects(expr: &Expr, found: &mut Vec<Select>) {
    match expr {
        Expr::Max(one) | Expr::Sum(one) | Expr::Increase(one) | Expr::Rate(one) | Expr::Quantile(_, one) => {
            found.push(*one);
        }
        Expr::Ratio(one, other) | Expr::Less(one, other) | Expr::Plus(one, other) => {
            selects(one, found);
            selects(other, found);
        }
    }
}

fn selects_of(rule: &Rule) -> Vec<Select> {
    let mut found = Vec::new();
    for condition in rule.conditions {
        match condition {
            Condition::Above(expr, _) | Condition::Below(expr, _) | Condition::Zero(expr) => {
                selects(expr, &mut found);
            }
            Condition::Absent(select, _) => found.push(*select),
        }
    }
    found
}

/// The numbers an expression is compared with; `0.9 * 10000` is 9000 too.
fn numbers(expr: &str) -> Vec<f64> {
    let words: Vec<&str> =
        expr.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter(|w| !w.is_empty()).collect();
    let plain: Vec<f64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let products = plain.windows(2).map(|two| two[0] * two[1]);
    plain.iter().copied().chain(products).collect()
}

#[test]
fn every_alert_is_looked_at_here_or_said_not_to_be() {
    let known: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    let here: BTreeSet<String> = all()
        .filter_map(|rule| rule.alert)
        .chain(NOT_WATCHED.map(|(name, _)| name).into_iter().filter(|name| !name.contains(GENERATED)))
        .map(str::to_owned)
        .collect();
    assert!(known.len() > 40, "{known:?}");
    assert_eq!(known, here);
}

#[test]
fn a_rule_asks_what_its_alert_asks() {
    for (name, expr) in alerts() {
        let Some(rule) = rule_of(&name) else { continue };
        for condition in rule.conditions {
            // `absent`, and states that are 1 or nothing, are compared with no number of ours.
            let bound = condition.threshold();
            let states = expr.contains("== 1") || expr.contains("absent(");
            assert!(states || numbers(&expr).contains(&bound), "{name}: {bound} is not in {expr}");
        }
        for select in selects_of(rule) {
            assert!(expr.contains(select.metric), "{name}: {} is not in {expr}", select.metric);
            for (label, is) in select.labels {
                let values = match is {
                    Is::In(values) => values.join("|"),
                    Is::Like(start) => format!("{start}.."),
                };
                let written = [format!("{label}=\"{values}\""), format!("{label}=~\"{values}\"")];
                assert!(written.iter().any(|one| expr.contains(one)), "{name}: {written:?} is not in {expr}");
            }
        }
        for quantile in quantiles(rule) {
            assert!(expr.contains(&format!("histogram_quantile({quantile},")), "{name}: {quantile}");
        }
    }
}

#[test]
fn a_rule_looks_back_as_far_as_its_alert() {
    for (name, expr) in alerts() {
        let Some(rule) = rule_of(&name).filter(|rule| rule.window_secs > 0) else { continue };
        let written = match rule.window_secs {
            secs if secs % 3600 == 0 => format!("[{}h]", secs / 3600),
            secs => format!("[{}m]", secs / 60),
        };
        assert!(expr.contains(&written), "{name}: {written} is not in {expr}");
    }
}

fn quantiles(rule: &Rule) -> Vec<f64> {
    rule.conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Above(Expr::Quantile(q, _), _) => Some(*q),
            _ => None,
        })
        .collect()
}
