//! Budgets compared with what the tests ran.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::{Endpoint, Service};

/// A line that the test harness wrote.
#[derive(Debug, Deserialize)]
struct Line {
    service: String,
    operation: String,
    statements: u64,
    bytes: u64,
}

/// The most that each operation ran and answered.
type Most = BTreeMap<(String, String), (u64, u64)>;

/// What is to be said of each budget: looser than it need be, too tight, or not tried at all.
pub(crate) fn loose(root: &Path, folder: &Path) -> anyhow::Result<Vec<String>> {
    let most = read(folder)?;
    let budgets = super::read(root)?;
    let services = super::services(root, &budgets)?;
    Ok(compare(&services, &most))
}

fn read(folder: &Path) -> anyhow::Result<Most> {
    let mut most = Most::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            let line: Line =
                serde_json::from_str(line).with_context(|| format!("{}: {line}", path.display()))?;
            let known = most.entry((line.service, line.operation)).or_default();
            *known = (known.0.max(line.statements), known.1.max(line.bytes));
        }
    }
    Ok(most)
}

/// Of services that were not tried nothing is said.
fn compare(services: &[Service<'_>], most: &Most) -> Vec<String> {
    let tried = |service: &&Service<'_>| most.keys().any(|(name, _)| name == service.name);
    let mut said = Vec::new();
    for service in services.iter().filter(tried) {
        for Endpoint { operation, budget, .. } in &service.endpoints {
            let at = format!("{} {operation}", service.name);
            let Some((statements, bytes)) = most.get(&(service.name.to_owned(), operation.clone())) else {
                said.push(format!("{at}: no test asks for it"));
                continue;
            };
            let most = budget.most_statements();
            if *statements < budget.statements || *statements > most {
                let kind = if *statements > most { "too tight" } else { "loose" };
                said.push(format!("{at}: {kind}, {statements} statements seen, {most} allowed"));
            }
            if let Some(allowed) = budget.bytes.filter(|allowed| bytes > allowed) {
                said.push(format!("{at}: too tight, {bytes} bytes seen, {allowed} allowed"));
            }
        }
    }
    said
}
