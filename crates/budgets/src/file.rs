//! The form of the file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{BLOCKING_BOUNDS_MS, BOUNDS_SECONDS};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) classes: BTreeMap<String, Class>,
    pub(crate) services: BTreeMap<String, Service>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Class {
    pub(crate) about: String,
    pub(crate) p95_seconds: Option<f64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) waiting_share: Option<f64>,
    pub(crate) blocking_ms: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) availability_percent: f64,
    pub(crate) runbook: String,
    #[serde(default)]
    pub(crate) caller_statements: u64,
    /// None for a service without operations of its own.
    #[serde(default)]
    pub(crate) budgets: Vec<Rule>,
}

/// A line: what counts for these operations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) operations: Vec<String>,
    pub(crate) class: String,
    pub(crate) statements: u64,
    pub(crate) p95_seconds: Option<f64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) waiting_share: Option<f64>,
    pub(crate) blocking_ms: Option<u64>,
    pub(crate) alert: Option<String>,
}

impl File {
    /// What makes no sense, a line each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, class) in &self.classes {
            let at = format!("classes.{name}");
            faults.extend(figures(&at, class.p95_seconds, class.waiting_share));
            faults.extend(blocking(&at, class.blocking_ms));
            let rules = self.services.values().flat_map(|service| &service.budgets);
            if !rules.into_iter().any(|rule| rule.class == *name) {
                faults.push(format!("{at}: no line is of it"));
            }
        }
        for (name, service) in &self.services {
            let availability = service.availability_percent;
            if !(availability > 0.0 && availability < 100.0) {
                faults.push(format!("services.{name}: availability_percent is between 0 and 100"));
            }
            for rule in &service.budgets {
                let at = format!("services.{name}: {}", rule.operations.join(", "));
                if !self.classes.contains_key(&rule.class) {
                    faults.push(format!("{at}: there is no class {}", rule.class));
                }
                faults.extend(figures(&at, rule.p95_seconds, rule.waiting_share));
                faults.extend(blocking(&at, rule.blocking_ms));
            }
        }
        faults
    }
}

fn figures(at: &str, p95_seconds: Option<f64>, waiting_share: Option<f64>) -> Vec<String> {
    let mut faults = Vec::new();
    // The last bound is what a percentile beyond it is told as: no budget can be missed by less.
    let usable = BOUNDS_SECONDS.iter().take(BOUNDS_SECONDS.len() - 1);
    if let Some(seconds) = p95_seconds
        && !usable.into_iter().any(|bound| bound.total_cmp(&seconds).is_eq())
    {
        faults.push(format!(
            "{at}: p95_seconds is a bound of the histogram below its last: {BOUNDS_SECONDS:?}"
        ));
    }
    if waiting_share.is_some_and(|share| !(share > 0.0 && share < 1.0)) {
        faults.push(format!("{at}: waiting_share is between 0 and 1"));
    }
    faults
}

fn blocking(at: &str, blocking_ms: Option<u64>) -> Option<String> {
    // As with percentiles: what is beyond the last bound is told as that bound.
    let (_, usable) = BLOCKING_BOUNDS_MS.split_last()?;
    blocking_ms.filter(|millis| !usable.contains(millis)).map(|_| {
        format!("{at}: blocking_ms is a bound of the histogram below its last: {BLOCKING_BOUNDS_MS:?}")
    })
}
