//! What perf.toml refers to must be there: alerts written by hand, and sections of docs/OPERATIONS.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::Service;

/// Alerts and sections that are named and do not exist.
pub(super) fn faults(root: &Path, services: &[Service<'_>]) -> anyhow::Result<Vec<String>> {
    let alerts = alerts(root)?;
    let path = root.join("docs/OPERATIONS.md");
    let operations = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let sections: BTreeSet<String> = operations.lines().filter_map(anchor).collect();
    let mut faults = Vec::new();
    for service in services {
        if !sections.contains(service.objective.runbook) {
            let runbook = service.objective.runbook;
            faults.push(format!("{}: docs/OPERATIONS.md has no section `{runbook}`", service.name));
        }
        let named = service.endpoints.iter().filter_map(|endpoint| endpoint.budget.alert.as_deref());
        let unknown: BTreeSet<&str> = named.filter(|alert| !alerts.contains(*alert)).collect();
        faults.extend(
            unknown.iter().map(|alert| format!("{}: no rule of deploy/prometheus is {alert}", service.name)),
        );
    }
    Ok(faults)
}

/// The alerts written by hand.
fn alerts(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let folder = root.join("deploy/prometheus");
    let mut alerts = BTreeSet::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".rules.yml") || name == "budgets.rules.yml" {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let named = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
        alerts.extend(named.map(str::to_owned));
    }
    Ok(alerts)
}

/// What a heading is linked by.
pub(super) fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    Some(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect())
}

#[cfg(test)]
mod tests {
    use super::anchor;

    #[test]
    fn a_heading_is_linked_by_its_words() {
        assert_eq!(
            anchor("### Clients get 503 `unavailable`").as_deref(),
            Some("clients-get-503-unavailable")
        );
        assert_eq!(
            anchor("## What the gateway's statuses mean").as_deref(),
            Some("what-the-gateways-statuses-mean")
        );
        assert_eq!(anchor("#!/bin/sh"), None);
    }
}
