//! What follows from perf.toml: alerts and their tests, dashboards, docs/BUDGETS.md (`H-D1`).

mod blocking;
mod contracts;
mod dashboards;
mod document;
mod figures;
mod panels;
mod references;
mod rule_tests;
mod rules;
mod runbooks;
mod seen;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use budgets::{Budget, Budgets, Objective};

use crate::generated::Generated;
pub(crate) use seen::loose;

/// What the generated files say of themselves.
const ORIGIN: &str = "Written by `cargo run -p xtask -- perf` from perf.toml; do not edit.";

/// A service with every operation that it has.
#[derive(Debug)]
struct Service<'a> {
    name: &'a str,
    objective: Objective<'a>,
    endpoints: Vec<Endpoint>,
}

/// An operation, as requests are counted and as its budget says.
#[derive(Debug)]
struct Endpoint {
    operation: String,
    method: String,
    route: String,
    budget: Budget,
}

impl Service<'_> {
    /// The share of answers that may fail.
    fn error_budget(&self) -> f64 {
        (100.0 - self.objective.availability_percent) / 100.0
    }

    /// The endpoints by their budget of time, the shortest first, each with those that have it.
    fn by_time(&self) -> Vec<(f64, Vec<&Endpoint>)> {
        let mut groups: Vec<(f64, Vec<&Endpoint>)> = Vec::new();
        for endpoint in &self.endpoints {
            let Some(seconds) = endpoint.budget.p95_seconds else { continue };
            match groups.iter_mut().find(|(known, _)| known.total_cmp(&seconds).is_eq()) {
                Some((_, endpoints)) => endpoints.push(endpoint),
                None => groups.push((seconds, vec![endpoint])),
            }
        }
        groups.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        groups
    }
}

/// Every file that follows.
pub(crate) fn files(root: &Path) -> anyhow::Result<Vec<Generated>> {
    let budgets = read(root)?;
    let services = services(root, &budgets)?;
    let mut files = vec![
        Generated { path: "deploy/prometheus/budgets.rules.yml".into(), text: rules::render(&services) },
        Generated { path: "deploy/prometheus/budgets.tests.yml".into(), text: rule_tests::render(&services) },
        Generated { path: "docs/BUDGETS.md".into(), text: document::render(&budgets, &services) },
    ];
    for service in &services {
        let path = format!("deploy/grafana/{}.json", service.name).into();
        files.push(Generated { path, text: dashboards::render(service)? });
    }
    Ok(files)
}

fn read(root: &Path) -> anyhow::Result<Budgets> {
    let path = root.join(budgets::FILE_NAME);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Budgets::parse(&text).with_context(|| format!("{} holds no budgets", path.display()))
}

/// The services with their endpoints; fails with every operation without a budget, and with every budget without an operation.
fn services<'a>(root: &Path, budgets: &'a Budgets) -> anyhow::Result<Vec<Service<'a>>> {
    let contracts = contracts::read(root)?;
    let mut faults = Vec::new();
    for (name, operations) in &contracts {
        let operations: Vec<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
        faults.extend(budgets.faults(name, &operations));
    }
    let mut services = Vec::new();
    for (name, objective) in budgets.services() {
        let operations = contracts.get(name).map(Vec::as_slice).unwrap_or_default();
        if !contracts.contains_key(name) {
            faults.extend(budgets.faults(name, &[]));
        }
        let endpoints = operations.iter().filter_map(|operation| {
            Some(Endpoint {
                operation: operation.id.clone(),
                method: operation.method.clone(),
                route: operation.path.clone(),
                budget: budgets.of(name, &operation.id)?,
            })
        });
        services.push(Service { name, objective, endpoints: endpoints.collect() });
    }
    faults.extend(references::faults(root, &services)?);
    faults.extend(runbooks::faults(root)?);
    if faults.is_empty() {
        return Ok(services);
    }
    bail!("budgets, rules and runbooks do not fit each other:\n{}", faults.join("\n"))
}
