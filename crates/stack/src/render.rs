//! The configuration of a run: the template in `deploy/` with what only this run knows written over it.
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::services::{SERVICES, Service};
use crate::site::{Site, make_private_dir, write_private};

/// Writes the configuration of a service from its template, readable by its owner only, and returns where it is.
pub(crate) fn render(
    site: &Site,
    service: &Service,
    template: &str,
    settings: &[(&str, String)],
) -> Result<PathBuf> {
    let head = format!("# Written by `stack up` from deploy/{template}; changes here are lost.\n\n");
    let template = site.root.join("deploy").join(template);
    let text =
        fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let mut table: Table =
        text.parse().with_context(|| format!("{} is no valid TOML", template.display()))?;
    for (key, value) in settings {
        set(&mut table, key, Value::String(value.clone()))
            .with_context(|| format!("{key} cannot be set in {}", template.display()))?;
    }
    if site.port_base.is_some() {
        for (_, value) in &mut table {
            move_ports(value, site);
        }
    }
    let file = site.config(service.name);
    make_private_dir(&site.state.join("config"))?;
    write_private(&file, &(head + &toml::to_string_pretty(&table)?))?;
    Ok(file)
}

/// Sets `section.key`, making the sections on the way.
fn set(table: &mut Table, key: &str, value: Value) -> Result<()> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        Some((section, rest)) => {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            set(entry.as_table_mut().with_context(|| format!("{section} is no section"))?, rest, value)
        }
    }
}

/// Moves the ports in all texts below `value`.
fn move_ports(value: &mut Value, site: &Site) {
    match value {
        Value::String(text) => *text = move_ports_in(text, site),
        Value::Array(items) => items.iter_mut().for_each(|item| move_ports(item, site)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| move_ports(value, site)),
        _ => {}
    }
}

/// Moves every `127.0.0.1:<fixed port>` in a text to where that port is in this run.
fn move_ports_in(text: &str, site: &Site) -> String {
    // All at once: with a base among the fixed ports, one after the other would move some of them twice.
    let ports: Vec<u16> =
        SERVICES.iter().flat_map(|service| service.ports.iter().map(|(_, port)| *port)).collect();
    let mut moved = String::new();
    let mut pieces = text.split("127.0.0.1:");
    moved.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (digits, rest) = piece.split_at(end);
        let port = match digits.parse() {
            Ok(port) if ports.contains(&port) => site.port(port).to_string(),
            _ => digits.to_owned(),
        };
        moved.push_str(&format!("127.0.0.1:{port}{rest}"));
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Ui;

    fn site(port_base: Option<u16>) -> Site {
        Site { root: PathBuf::new(), state: PathBuf::new(), port_base, ui: Ui::new() }
    }

    #[test]
    fn every_service_port_moves_and_no_other() {
        let mut value = Value::Table(
            "a = \"http://127.0.0.1:8081/x\"\nb = [\"127.0.0.1:8080\", \"127.0.0.1:4318\"]".parse().unwrap(),
        );
        move_ports(&mut value, &site(Some(8081)));
        assert_eq!(value["a"].as_str(), Some("http://127.0.0.1:8082/x"));
        assert_eq!(value["b"][0].as_str(), Some("127.0.0.1:8081"));
        assert_eq!(value["b"][1].as_str(), Some("127.0.0.1:4318"));
    }

    #[test]
    fn a_setting_makes_the_sections_on_its_way() {
        let mut table: Table = "[postgres]\nmax_connections = 3".parse().unwrap();
        set(&mut table, "postgres.url", "x".into()).unwrap();
        set(&mut table, "auth.master_key", "y".into()).unwrap();
        assert_eq!(table["postgres"]["max_connections"].as_integer(), Some(3));
        assert_eq!(table["auth"]["master_key"].as_str(), Some("y"));
    }
}
