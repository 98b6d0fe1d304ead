//! What ends the workers of peers when this program is killed.
//!
//! The kernel ends the processes that this program starts, but not those that they start: nginx, gunicorn and uvicorn would leave theirs
//! behind, on their ports. The guard is a process that is told of each peer's group, and kills all groups that it has not been told
//! to forget when its standard input ends, which it does however this program ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, Write as _};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::process::own_program;

/// The guard as its starter holds it; it strikes when the last holder is gone.
#[derive(Clone)]
pub(crate) struct Guard {
    /// An order is a few bytes, which a pipe always has room for.
    orders: Arc<File>,
    _process: Arc<Child>,
}

/// A group of processes that ends with this value, and at the latest with this program.
pub(super) struct Watched {
    guard: Guard,
    group: i32,
}

impl Guard {
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(own_program()?);
        // A group of its own, so that it outlives an interrupt from the terminal.
        command.arg("peers-guard").stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let mut process = command.spawn().context("cannot start the guard of the peers")?;
        let orders = process.stdin.take().context("the guard of the peers takes no orders")?;
        let orders = Arc::new(File::from(orders.into_owned_fd()?));
        Ok(Self { orders, _process: Arc::new(process) })
    }

    /// Watches the group that this process leads.
    pub(super) fn watch(&self, leader: u32) -> anyhow::Result<Watched> {
        let group = i32::try_from(leader).ok().filter(|group| *group > 1).context("no number of a group")?;
        self.order(&format!("+{group}\n")).context("the guard of the peers is gone")?;
        Ok(Watched { guard: self.clone(), group })
    }

    fn order(&self, line: &str) -> std::io::Result<()> {
        self.orders.as_ref().write_all(line.as_bytes())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        end(self.group);
        // Its number may soon be somebody else's. A guard that is gone has nothing to forget.
        let _ = self.guard.order(&format!("-{}\n", self.group));
    }
}

/// Kills what is left of a group.
fn end(group: i32) {
    match killpg(Pid::from_raw(group), Signal::SIGKILL) {
        // One that is gone already needs no signal.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => eprintln!("loadtest: cannot end the processes of group {group}: {error}"),
    }
}

/// The guard's own side: obeys until standard input ends, then kills what is left.
pub(crate) async fn stand() -> anyhow::Result<()> {
    tokio::task::spawn_blocking(left_over).await?.into_iter().for_each(end);
    Ok(())
}

/// The groups that are still to be watched when the orders end; what cannot be read is as good as the end.
fn left_over() -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    for order in std::io::stdin().lock().lines().map_while(Result::ok) {
        obey(&mut groups, &order);
    }
    groups
}

/// `+GROUP` or `-GROUP`. Groups 0 and 1 would be the guard itself and everybody.
fn obey(groups: &mut BTreeSet<i32>, line: &str) {
    let group = |text: &str| text.parse::<i32>().ok().filter(|group| *group > 1);
    if let Some(group) = line.strip_prefix('+').and_then(group) {
        groups.insert(group);
    } else if let Some(group) = line.strip_prefix('-').and_then(group) {
        groups.remove(&group);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt as _, BufReader};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Neither gone nor waiting for somebody to notice that it is.
    fn runs(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn what_a_server_has_started_ends_with_the_watch() {
        let mut server = Command::new("sh");
        server.args(["-c", "sleep 600 & echo $!; wait"]).process_group(0).stdout(Stdio::piped());
        let mut server = server.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let worker = lines.next_line().await.unwrap().unwrap().to_string();
        assert!(runs(&worker));

        let folder = tempfile::tempdir().unwrap();
        let orders = folder.path().join("orders");
        let process = Arc::new(Command::new("true").spawn().unwrap());
        let guard = Guard { orders: Arc::new(File::create(&orders).unwrap()), _process: process };
        let leader = server.id().unwrap();
        drop(guard.watch(leader).unwrap());

        timeout(Duration::from_secs(10), async {
            while runs(&worker) {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap();
        assert!(!server.wait().await.unwrap().success());
        assert_eq!(std::fs::read_to_string(orders).unwrap(), format!("+{leader}\n-{leader}\n"));
    }

    #[test]
    fn only_groups_that_are_left_are_struck() {
        let mut groups = BTreeSet::new();
        for line in ["+12", "+13", "-12", "+1", "+0", "+-5", "+x", "13", ""] {
            obey(&mut groups, line);
        }
        assert_eq!(groups, BTreeSet::from([13]));
    }
}
