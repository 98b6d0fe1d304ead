//! docs/ERRORS.md: every problem a service may answer with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::generated::Generated;
use crate::services::Services;

const HEAD: &str = "\
# Errors

<!-- Written by `cargo run -p xtask -- errors` from the services' own registries; do not edit. -->

Every error is an `application/problem+json` document (RFC 9457). Its `code` is stable and is what a program should look at;
`title` and `detail` are for people and may change. `type` is `/problems/<code>`, `errors` lists single fields, `trace_id`
finds the request in the traces.
";

/// One entry of a registry, as services print it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Entry {
    code: String,
    status: u16,
    title: String,
    doc: String,
}

pub(crate) fn files(services: &Services) -> anyhow::Result<Vec<Generated>> {
    let mut registries = Vec::new();
    for service in &services.names {
        let printed = services.ask(service, "problems")?;
        let entries: Vec<Entry> = serde_json::from_str(&printed)
            .with_context(|| format!("`{service} problems` printed no registry"))?;
        registries.push((service.clone(), entries));
    }
    Ok(vec![Generated { path: PathBuf::from("docs/ERRORS.md"), text: render(&registries)? }])
}

fn render(registries: &[(String, Vec<Entry>)]) -> anyhow::Result<String> {
    let mut codes: BTreeMap<&str, (&Entry, Vec<&str>)> = BTreeMap::new();
    for (service, entries) in registries {
        for entry in entries {
            let (known, users) = codes.entry(&entry.code).or_insert((entry, Vec::new()));
            if *known != entry {
                bail!("{service} means something else by {} than {}", entry.code, users.join(", "));
            }
            if users.contains(&service.as_str()) {
                bail!("{service} lists {} twice", entry.code);
            }
            users.push(service);
        }
    }
    let mut text = HEAD.to_owned();
    section(&mut text, "Every service", codes.values().filter(|(_, users)| users.len() == registries.len()))?;
    for (service, _) in registries {
        let only = codes
            .values()
            .filter(|(_, users)| users.len() < registries.len() && users.contains(&service.as_str()));
        section(&mut text, service, only)?;
    }
    Ok(text)
}

fn section<'a>(
    text: &mut String,
    title: &str,
    entries: impl Iterator<Item = &'a (&'a Entry, Vec<&'a str>)>,
) -> anyhow::Result<()> {
    let mut entries: Vec<&Entry> = entries.map(|(entry, _)| *entry).collect();
    if entries.is_empty() {
        return Ok(());
    }
    entries.sort_by(|one, other| (one.status, &one.code).cmp(&(other.status, &other.code)));
    writeln!(text, "\n## {title}\n\n| status | code | title | what to do |\n|---|---|---|---|")?;
    for entry in entries {
        let Entry { code, status, title, doc } = entry;
        writeln!(text, "| {status} | `{code}` | {} | {} |", cell(title), cell(doc))?;
    }
    Ok(())
}

/// One line, and no bar that would end the cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, status: u16) -> Entry {
        Entry { code: code.to_owned(), status, title: format!("T {code}"), doc: "a |\n b".to_owned() }
    }

    fn registries() -> Vec<(String, Vec<Entry>)> {
        vec![
            ("catalog".to_owned(), vec![entry("not_found", 404), entry("schema_unknown", 404)]),
            ("gateway".to_owned(), vec![entry("no_route", 404), entry("not_found", 404)]),
        ]
    }

    #[test]
    fn what_all_share_comes_first_and_the_rest_by_service() {
        let text = render(&registries()).unwrap();
        let (_, tables) = text.split_once("## Every service").unwrap();
        assert_eq!(
            tables.lines().filter(|line| line.starts_with("##") || line.contains('`')).collect::<Vec<_>>(),
            [
                r"| 404 | `not_found` | T not_found | a \| b |",
                "## catalog",
                r"| 404 | `schema_unknown` | T schema_unknown | a \| b |",
                "## gateway",
                r"| 404 | `no_route` | T no_route | a \| b |",
            ]
        );
    }

    #[test]
    fn one_code_has_one_meaning() {
        let mut registries = registries();
        registries[1].1[1].status = 410;
        assert!(render(&registries).is_err());
        registries[1].1 = vec![entry("no_route", 404), entry("no_route", 404)];
        assert!(render(&registries).is_err());
    }
}
