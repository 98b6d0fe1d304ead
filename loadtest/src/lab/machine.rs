//! Where a run was made: commit, machine, programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::measure::cores;
use super::results::Machine;

/// Exactly what the Python peers are installed from, and what of it decides their figures.
const REQUIREMENTS: &str = include_str!("../../peers/requirements.txt");
const PACKAGES: [&str; 6] = ["fastapi", "Flask", "gunicorn", "SQLAlchemy", "uvicorn", "uvloop"];

/// What can be told of this machine and this tree; what cannot is empty.
pub(super) fn machine(programs: &Path) -> Machine {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let host = read("/proc/sys/kernel/hostname").trim().to_owned();
    Machine {
        git_sha: said("git", &["rev-parse", "HEAD"]).unwrap_or_default(),
        is_dirty: said("git", &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()),
        host,
        kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
        cores: cores(),
        memory_bytes: memory_bytes(&read("/proc/meminfo")).unwrap_or_default(),
        build: programs.display().to_string(),
    }
}

/// What servers and tools say of themselves, where they are there, and what the yardstick is written against.
pub(super) fn versions() -> BTreeMap<String, String> {
    let tools = [
        ("PostgreSQL", "psql", "--version"),
        ("Redis", "redis-server", "--version"),
        ("NATS", "nats-server", "--version"),
        ("nginx", "nginx", "-v"),
        ("Varnish", "varnishd", "-V"),
        ("HAProxy", "haproxy", "-v"),
        ("Python", "python3", "--version"),
        ("Node.js", "node", "--version"),
        ("ffmpeg", "ffmpeg", "-version"),
        ("rustc", "rustc", "--version"),
    ];
    let said = tools
        .into_iter()
        .filter_map(|(name, program, word)| Some((name.to_owned(), said(program, &[word])?)));
    let packages = REQUIREMENTS.lines().filter_map(|line| line.split_once("=="));
    let packages = packages.filter(|(name, _)| PACKAGES.contains(name));
    said.chain(packages.map(|(name, version)| (name.to_owned(), version.to_owned()))).collect()
}

/// The first line that a program prints, of either output; none where there is no such program.
pub(super) fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().map(|line| line.trim().to_owned())
}

/// The value of a `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_read_from_what_the_kernel_says() {
        assert_eq!(memory_bytes("MemFree: 1 kB\nMemTotal:       24576000 kB\n"), Some(25_165_824_000));
        assert_eq!(
            field("model name\t: Some CPU @ 2 GHz\n", "model name").as_deref(),
            Some("Some CPU @ 2 GHz")
        );
        let found = machine(Path::new("target/release"));
        assert!(!found.host.is_empty() && found.cores > 0 && found.memory_bytes > 0);
        assert!(PACKAGES.iter().all(|package| versions().contains_key(*package)));
        assert_eq!(said("no-such-program-anywhere", &[]), None);
    }
}
