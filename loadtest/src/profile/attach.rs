//! A service of the local run, by its name.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// What the launcher notes of a part that it has started.
#[derive(Deserialize)]
struct Record {
    process: Option<Process>,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    /// In clock ticks since boot: a pid alone may be somebody else's by now.
    start_ticks: u64,
}

/// The process of a service of the run whose state is in this folder.
///
/// # Errors
/// Where there is no such run or service; the error names those that there are.
pub(super) fn pid_of(state: &Path, name: &str) -> anyhow::Result<u32> {
    let run = state.join("run");
    let file = run.join(format!("{name}.part.json"));
    let Ok(text) = fs::read_to_string(&file) else {
        let entries = fs::read_dir(&run).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".part.json").map(str::to_owned))
            .collect();
        names.sort();
        let there =
            if names.is_empty() { "nothing; `make up` starts it".to_owned() } else { names.join(", ") };
        anyhow::bail!("no {name} runs from {}: there is {there}", state.display());
    };
    let record: Record =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
    let process = record.process.with_context(|| format!("{name} was not started by the launcher"))?;
    anyhow::ensure!(started(process.pid) == Some(process.start_ticks), "{name} runs no more");
    Ok(process.pid)
}

/// When a process was started: the 22nd field, the 20th after the name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_of_the_run_is_found_and_one_that_is_gone_is_not_mistaken_for_another() {
        let state = tempfile::tempdir().unwrap();
        let run = state.path().join("run");
        fs::create_dir(&run).unwrap();
        let own = std::process::id();
        let note = |name: &str, start_ticks: u64| {
            let record = json!({"process": {"pid": own, "start_ticks": start_ticks, "boot_id": "b"}});
            fs::write(run.join(format!("{name}.part.json")), record.to_string()).unwrap();
        };
        note("gateway", started(own).unwrap());
        note("catalog", 1);
        assert_eq!(pid_of(state.path(), "gateway").unwrap(), own);
        assert_eq!(pid_of(state.path(), "catalog").unwrap_err().to_string(), "catalog runs no more");
        let missing = pid_of(state.path(), "desk").unwrap_err().to_string();
        assert!(missing.ends_with("there is catalog, gateway"), "{missing}");
    }
}
