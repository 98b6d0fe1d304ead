//! The machine and the processes on it, from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

/// A process that cannot be mistaken for another that has its number later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it started, in ticks since boot; `None`: whatever has the number.
    pub start_ticks: Option<u64>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Whether it is there.
    pub alive: bool,
    /// Processors it used within the interval: 1.0 is all of one.
    pub cpu_cores: Option<f64>,
    /// Memory that is its own or shared and in use.
    pub resident_bytes: Option<u64>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Host {
    /// Share of all processors that was used within the interval.
    pub cpu_share: Option<f64>,
    /// How many processors there are.
    pub cpus: Option<usize>,
    /// Processes that ran or waited to, within the last minute.
    pub load_1m: Option<f64>,
    /// Memory.
    pub memory_total_bytes: Option<u64>,
    /// What of it can be had.
    pub memory_available_bytes: Option<u64>,
    /// File systems.
    pub disks: Vec<Disk>,
}

/// A file system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disk {
    /// A path on it.
    pub path: PathBuf,
    /// Its size.
    pub total_bytes: Option<u64>,
    /// What is free to us.
    pub available_bytes: Option<u64>,
}

/// What `/proc` counts up, to be compared with itself later.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    at: Duration,
    cpu: Option<Ticks>,
    processes: Vec<(Identity, Option<u64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Counted {
    /// What is counted now.
    pub(crate) fn now(at: Duration, processes: &[Identity]) -> Self {
        let cpu = fs::read_to_string("/proc/stat").ok().and_then(|text| ticks(&text));
        let processes =
            processes.iter().map(|one| (one.clone(), stat(one).map(|(cpu_ticks, _)| cpu_ticks))).collect();
        Self { at, cpu, processes }
    }

    /// The machine, between an earlier count and this one.
    pub(crate) fn host(&self, earlier: &Self, paths: &[PathBuf]) -> Host {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Host {
            cpu_share: earlier.cpu.zip(self.cpu).and_then(|(before, now)| share(before, now)),
            cpus: std::thread::available_parallelism().ok().map(usize::from),
            load_1m: load.split_ascii_whitespace().next().and_then(|word| word.parse().ok()),
            memory_total_bytes: kibibytes(&memory, "MemTotal:"),
            memory_available_bytes: kibibytes(&memory, "MemAvailable:"),
            disks: paths.iter().map(|path| disk(path)).collect(),
        }
    }

    /// A process, between an earlier count and this one.
    pub(crate) fn process(&self, earlier: &Self, identity: &Identity) -> Process {
        let find = |counted: &Self| {
            counted.processes.iter().find(|(one, _)| one == identity).and_then(|(_, cpu)| *cpu)
        };
        let seconds = self.at.saturating_sub(earlier.at).as_secs_f64();
        let used = find(earlier).zip(find(self)).map(|(before, now)| float(now.saturating_sub(before)));
        let ticks_per_second = float(rustix::param::clock_ticks_per_second());
        let cpu_cores = used.filter(|_| seconds > 0.0).map(|ticks| ticks / ticks_per_second / seconds);
        let alive = stat(identity).is_some();
        let status = fs::read_to_string(format!("/proc/{}/status", identity.pid)).unwrap_or_default();
        let resident_bytes = kibibytes(&status, "VmRSS:").filter(|_| alive);
        Process { pid: identity.pid, alive, cpu_cores: cpu_cores.filter(|_| alive), resident_bytes }
    }
}

/// Exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub(crate) fn float(value: u64) -> f64 {
    value as f64
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
fn ticks(text: &str) -> Option<Ticks> {
    let fields = text.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().take(8);
    let fields: Vec<u64> = fields.map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let all = fields.iter().sum();
    let idle = fields.get(3)? + fields.get(4)?;
    Some(Ticks { busy: u64::checked_sub(all, idle)?, all })
}

fn share(before: Ticks, now: Ticks) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    Some(float(now.busy.saturating_sub(before.busy)) / float(all))
}

/// A line such as `MemTotal:  123 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let figure: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    figure.checked_mul(1024)
}

fn disk(path: &Path) -> Disk {
    let found = rustix::fs::statvfs(path).ok();
    let bytes = |blocks: fn(&rustix::fs::StatVfs) -> u64| {
        found.as_ref().and_then(|all| blocks(all).checked_mul(all.f_frsize))
    };
    Disk {
        path: path.to_owned(),
        total_bytes: bytes(|all| all.f_blocks),
        available_bytes: bytes(|all| all.f_bavail),
    }
}

/// Ticks of processor time, and when it started; `None` when that process is gone.
fn stat(identity: &Identity) -> Option<(u64, u64)> {
    let (used, started) = parse_stat(&fs::read_to_string(format!("/proc/{}/stat", identity.pid)).ok()?)?;
    identity.start_ticks.is_none_or(|known| known == started).then_some((used, started))
}

/// The command stands in parentheses and may hold blanks and parentheses itself: fields are counted from its end.
fn parse_stat(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    let dead = fields.first().is_none_or(|state| matches!(*state, "Z" | "X" | "x"));
    if dead { None } else { Some((number(11)? + number(12)?, number(19)?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_busy_when_it_is_neither_idle_nor_waits_for_a_disk() {
        let before = ticks("cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1").unwrap();
        let now = ticks("cpu  20 0 20 130 20 5 5 0 9 0\n").unwrap();
        assert_eq!(share(before, now), Some(0.3));
        assert_eq!(share(now, now), None);
    }

    #[test]
    fn a_command_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 50 6 7 8 20 0 1 0 987654 1000 10";
        assert_eq!(parse_stat(line), Some((56, 987_654)));
        assert_eq!(parse_stat(&line.replace(") S", ") Z")), None);
    }

    #[test]
    fn memory_that_is_not_told_is_unknown() {
        assert_eq!(kibibytes("MemTotal:   2 kB\n", "MemTotal:"), Some(2048));
        assert_eq!(kibibytes("MemTotal:   2 kB\n", "MemAvailable:"), None);
    }

    #[test]
    fn this_very_process_and_machine_are_seen() {
        let own = Identity { pid: i32::try_from(std::process::id()).unwrap(), start_ticks: None };
        let first = Counted::now(Duration::ZERO, std::slice::from_ref(&own));
        let second = Counted::now(Duration::from_secs(1), std::slice::from_ref(&own));
        let process = second.process(&first, &own);
        assert!(process.alive && process.resident_bytes.unwrap() > 0 && process.cpu_cores.is_some());
        let host = second.host(&first, &[PathBuf::from("/"), PathBuf::from("/no/such/path")]);
        assert!(host.memory_available_bytes <= host.memory_total_bytes);
        assert!(host.disks[0].total_bytes.unwrap() > 0);
        assert_eq!(host.disks[1].total_bytes, None);
        let other = Identity { start_ticks: Some(1), ..own };
        assert!(!second.process(&first, &other).alive);
    }
}
