//! What is looked at: named on the command line, or what a local run has written down in its state directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use http::Uri;
use serde::Deserialize;
use toml::Table;

use crate::host::Identity;
use crate::service::Place;

/// Everything that is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) services: Vec<Target>,
    /// URLs, passwords included.
    pub(crate) postgres: Vec<String>,
    pub(crate) redis: Vec<String>,
    /// Paths whose file systems are watched.
    pub(crate) disks: Vec<PathBuf>,
}

/// Where a service's metrics are, and its process when that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) process: Option<Identity>,
}

/// `NAME=URL`; without a path it is `/metrics`.
pub(crate) fn parse_target(text: &str) -> Result<Place, String> {
    let (name, url) = text.split_once('=').ok_or("it must be NAME=URL")?;
    let uri: Uri = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
    if uri.scheme_str() != Some("http") || name.is_empty() {
        return Err(
            "it must be NAME=http://HOST:PORT; metrics are on private ports, https is not spoken".to_owned()
        );
    }
    Ok(Place { name: name.to_owned(), url: with_path(url, &uri) })
}

fn with_path(url: &str, uri: &Uri) -> String {
    if uri.path() == "/" { format!("{}/metrics", url.trim_end_matches('/')) } else { url.to_owned() }
}

/// What the run in `state` consists of.
///
/// # Errors
/// When the directory holds no configuration, or one that cannot be read.
pub(crate) fn local_run(state: &Path) -> Result<Targets> {
    let folder = state.join("config");
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("no local run has left its configuration in {}", folder.display()))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut targets = Targets { disks: vec![state.to_owned()], ..Targets::default() };
    let (mut postgres, mut redis) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let table: Table = text.parse().with_context(|| format!("{} is no valid TOML", file.display()))?;
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(url) = metrics_url(&table) {
            let process = process_of(state, &name);
            targets.services.push(Target { place: Place { name, url }, process });
        }
        postgres.extend(text_at(&table, "postgres", "url"));
        redis.extend(text_at(&table, "redis", "url"));
    }
    targets.postgres = postgres.into_iter().collect();
    targets.redis = redis.into_iter().collect();
    Ok(targets)
}

/// The private port where there is one, else the only one.
fn metrics_url(table: &Table) -> Option<String> {
    let bind = text_at(table, "admin", "bind").or_else(|| text_at(table, "http", "bind"))?;
    let bind = bind.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    Some(format!("http://{bind}/metrics"))
}

fn text_at(table: &Table, section: &str, key: &str) -> Option<String> {
    Some(table.get(section)?.get(key)?.as_str()?.to_owned())
}

/// What the launcher writes about each part.
#[derive(Deserialize)]
struct Record {
    name: String,
    process: Option<RecordedProcess>,
}

#[derive(Deserialize)]
struct RecordedProcess {
    pid: i32,
    start_ticks: u64,
}

fn process_of(state: &Path, name: &str) -> Option<Identity> {
    let entries = fs::read_dir(state.join("run")).ok()?;
    let records = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        path.to_str()?.ends_with(".part.json").then_some(())?;
        serde_json::from_str::<Record>(&fs::read_to_string(path).ok()?).ok()
    });
    let process = records.into_iter().find(|record| record.name == name)?.process?;
    Some(Identity { pid: process.pid, start_ticks: Some(process.start_ticks) })
}

/// The state directory of the repository that this is run in.
pub(crate) fn state_directory() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(".aldia")).find(|state| state.is_dir())
}

/// A URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".to_owned() };
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_name_and_a_url_whose_path_is_metrics_if_none_is_given() {
        let place = parse_target("catalog=http://127.0.0.1:8081").unwrap();
        assert_eq!((place.name.as_str(), place.url.as_str()), ("catalog", "http://127.0.0.1:8081/metrics"));
        assert_eq!(parse_target("a=http://h/m?x=1").unwrap().url, "http://h/m?x=1");
        for refused in ["catalog", "=http://h", "a=h:1", "a=https://h"] {
            assert!(parse_target(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_local_run_says_where_its_parts_are() {
        let state = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = state.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let database = "[postgres]\nurl = \"postgres://u:p@h:5/d\"\n[redis]\nurl = \"redis://r\"\n";
        write("config/upload-ingest.toml", &format!("[http]\nbind = \"0.0.0.0:8084\"\n{database}"));
        write("config/upload-worker.toml", &format!("[http]\nbind = \"127.0.0.1:8085\"\n{database}"));
        write(
            "config/gateway.toml",
            "[http]\nbind = \"127.0.0.1:8080\"\n[admin]\nbind = \"127.0.0.1:8090\"\n",
        );
        let record = r#"{"name":"gateway","process":{"pid":7,"start_ticks":9,"boot_id":"b"},"port":1}"#;
        write("run/gateway.part.json", record);
        let targets = local_run(state.path()).unwrap();
        let urls: Vec<&str> = targets.services.iter().map(|target| target.place.url.as_str()).collect();
        let expected = [8090, 8084, 8085].map(|port| format!("http://127.0.0.1:{port}/metrics"));
        assert_eq!(urls, expected);
        assert_eq!(targets.services[0].process, Some(Identity { pid: 7, start_ticks: Some(9) }));
        assert_eq!((targets.postgres.len(), targets.redis.len()), (1, 1));
    }

    #[test]
    fn what_is_shown_of_a_url_holds_no_password() {
        assert_eq!(without_password("postgres://u:p%40@h:5/d?password=x"), "postgres://h:5/d");
        assert_eq!(without_password("redis://:secret@h"), "redis://h");
        assert_eq!(without_password("host=h password=p"), "…");
    }
}
