//! Who a process is, beyond its pid, and how to find and signal exactly that one.
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// The environment variable that carries the marks of the runs a process belongs to, separated by commas.
/// A list, because a run may be started inside another one and both must find the process.
pub const MARK_VARIABLE: &str = "STACK_MARK";

/// A process that cannot be mistaken for another: a pid alone is reused, a pid with its start time within one boot is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot, field 22 of `/proc/<pid>/stat`; it survives `exec`.
    pub start_ticks: u64,
    /// The kernel's random id of this boot.
    pub boot_id: String,
}

impl ProcessIdentity {
    /// The identity of the process that has this pid now; `None` when there is none, or only a zombie.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.is_dead()).then_some(())?;
        Some(Self { pid, start_ticks: stat.start_ticks, boot_id: boot_id().ok()? })
    }

    /// Whether this very process still runs (a zombie does not).
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Signals this process if it still runs and says whether a signal was sent.
    pub fn signal(&self, signal: Signal) -> bool {
        self.is_alive() && kill(Pid::from_raw(self.pid), signal).is_ok()
    }

    /// Waits until the process is gone; `false` when it outlived the limit.
    pub async fn wait_gone(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}

/// The fields of `/proc/<pid>/stat` that matter here.
struct Stat {
    state: char,
    start_ticks: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the command in parentheses and may itself hold blanks and parentheses: count from its end.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let start_ticks = fields.nth(18)?.parse().ok()?;
        Some(Self { state, start_ticks })
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// The kernel's id of the current boot.
///
/// # Errors
/// When `/proc` is not mounted.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Every live process, other than this one, whose environment at its start carried `mark`.
///
/// Processes of other users are seen only by root; a launcher that is not root starts none.
#[must_use]
pub fn marked(mark: &str) -> Vec<ProcessIdentity> {
    let own = std::process::id();
    pids()
        .filter(|pid| u32::try_from(*pid) != Ok(own) && carries(*pid, mark))
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// All pids of the machine.
pub(crate) fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn carries(pid: i32, mark: &str) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok()).any(|entry| {
        entry
            .split_once('=')
            .is_some_and(|(name, value)| name == MARK_VARIABLE && value.split(',').any(|one| one == mark))
    })
}

/// Ends every process that carries `mark`: SIGTERM, a bounded wait, SIGKILL. Returns how many there were.
pub async fn end_marked(mark: &str, patience: Duration) -> usize {
    let found = marked(mark);
    for one in &found {
        one.signal(Signal::SIGTERM);
    }
    let deadline = Instant::now() + patience;
    while !marked(mark).is_empty() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A process may fork while the list is read, so kill until a look finds none; bounded, for a state D cannot be killed.
    for _ in 0..50 {
        let left = marked(mark);
        if left.is_empty() {
            break;
        }
        for one in &left {
            one.signal(Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.start_ticks), ('S', 987_654));
    }
}
