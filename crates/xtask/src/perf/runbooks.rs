//! Whoever is woken must know what to do: every alert written by hand names a section of docs/OPERATIONS.md that names it, and those that
//! are generated have sections of docs/BUDGETS.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::references::anchor;

/// How an alert leads to its section.
const RUNBOOK: &str = "runbook_url: \"";
/// The document of alerts written by hand.
const DOCUMENT: &str = "docs/OPERATIONS.md";

/// Alerts that lead nowhere, or to a section that is about something else.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root.join(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let sections = sections(&text);
    let folder = root.join("deploy/prometheus");
    let mut faults = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What is generated leads to what is generated with it.
        if name.ends_with(".rules.yml") && name != "budgets.rules.yml" {
            let rules =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            faults.extend(of_file(&rules, &sections).into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    faults.sort();
    Ok(faults)
}

fn of_file(rules: &str, sections: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    for block in rules.split("- alert: ").skip(1) {
        let alert = block.lines().next().unwrap_or_default().trim();
        let runbook = block.split(RUNBOOK).nth(1).and_then(|rest| rest.split('"').next());
        let section = runbook.and_then(|runbook| runbook.strip_prefix(DOCUMENT)?.strip_prefix('#'));
        match section.map(|name| (name, sections.get(name))) {
            None => faults.push(format!("{alert} has no runbook_url into {DOCUMENT}")),
            Some((name, None)) => faults.push(format!("{alert}: {DOCUMENT} has no section `{name}`")),
            Some((name, Some(text))) if !text.contains(&format!("`{alert}`")) => {
                faults.push(format!("{alert}: section `{name}` of {DOCUMENT} does not name it"));
            }
            Some(_) => {}
        }
    }
    faults
}

/// The text of each section by what it is linked by, up to the next heading.
fn sections(document: &str) -> BTreeMap<String, String> {
    let (mut sections, mut current) = (BTreeMap::<String, String>::new(), None);
    for line in document.lines() {
        match anchor(line) {
            Some(name) => current = Some(name),
            None => {
                if let Some(name) = &current {
                    let text = sections.entry(name.clone()).or_default();
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT_TEXT: &str = "## Night\n\nwords\n\n### A thing burns\n\n`Burns`. Put it out.\n";

    fn faults_of(rules: &str) -> Vec<String> {
        of_file(rules, &sections(DOCUMENT_TEXT))
    }

    #[test]
    fn an_alert_leads_to_the_section_that_names_it() {
        let burns = "- alert: Burns\n  annotations:\n    runbook_url: \"docs/OPERATIONS.md#a-thing-burns\"\n";
        assert!(faults_of(burns).is_empty());
    }

    #[test]
    fn one_that_leads_nowhere_or_elsewhere_is_told() {
        let [none, gone, other] = [
            "- alert: Burns\n  expr: up\n",
            "- alert: Burns\n    runbook_url: \"docs/OPERATIONS.md#gone\"\n",
            "- alert: Smokes\n    runbook_url: \"docs/OPERATIONS.md#a-thing-burns\"\n",
        ]
        .map(|rules| faults_of(rules).join("; "));
        assert!(none.contains("Burns has no runbook_url"), "{none}");
        assert!(gone.contains("no section `gone`"), "{gone}");
        assert!(other.contains("does not name it"), "{other}");
    }

    /// A rule without one must not take that of the next.
    #[test]
    fn every_alert_needs_its_own() {
        let rules = "- alert: First\n  expr: up\n- alert: Burns\n    runbook_url: \"docs/OPERATIONS.md#a-thing-burns\"\n";
        assert_eq!(faults_of(rules), ["First has no runbook_url into docs/OPERATIONS.md"]);
    }
}
