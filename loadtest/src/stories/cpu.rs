//! Processor time of processes and of those that they started, to the nanosecond, as the side-by-side benchmark measures it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Time by thread: a thread that ends takes its time with it, so only those that lived through a measurement count.
pub(crate) struct Snapshot(BTreeMap<(u32, u32), u64>);

impl Snapshot {
    /// Of these processes and all below them.
    pub(crate) fn of(pids: &[u32]) -> Self {
        let mut times = BTreeMap::new();
        let mut left = pids.to_vec();
        while let Some(pid) = left.pop() {
            for thread in threads(pid) {
                let path = format!("/proc/{pid}/task/{thread}");
                let time = fs::read_to_string(format!("{path}/schedstat")).unwrap_or_default();
                let nanos = time.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
                times.insert((pid, thread), nanos.unwrap_or(0));
                let children = fs::read_to_string(format!("{path}/children")).unwrap_or_default();
                left.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            }
        }
        Self(times)
    }

    /// What was used since an earlier one.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let used =
            self.0.iter().map(|(thread, now)| now.saturating_sub(*earlier.0.get(thread).unwrap_or(&0)));
        Duration::from_nanos(used.sum())
    }
}

fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A process and all below it, as they are now.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let (mut found, mut left) = (Vec::new(), vec![pid]);
    while let Some(pid) = left.pop() {
        found.push(pid);
        for thread in threads(pid) {
            let children =
                fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
            left.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// The processes that listen on a port of this machine.
pub(crate) fn listeners(port: u16) -> Vec<u32> {
    let listens = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (address, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
        let (_, hex) = address.rsplit_once(':')?;
        let is_it = *state == "0A" && u16::from_str_radix(hex, 16) == Ok(port);
        is_it.then(|| format!("socket:[{inode}]"))
    };
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let sockets: Vec<String> = table.lines().filter_map(listens).collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
        links.any(|link| link.to_str().is_some_and(|link| sockets.iter().any(|socket| socket == link)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_uses_is_seen() {
        let own = [std::process::id()];
        let before = Snapshot::of(&own);
        let mut sum = 0u64;
        while Snapshot::of(&own).since(&before) < Duration::from_millis(5) {
            sum = (0..100_000u64).fold(sum, |sum, number| sum.wrapping_add(number * number));
        }
        assert!(Snapshot::of(&own).since(&before) >= Duration::from_millis(5), "{sum}");
    }

    #[test]
    fn who_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listeners(port), [std::process::id()]);
    }
}
