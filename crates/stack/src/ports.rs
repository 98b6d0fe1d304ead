//! Which ports are free, and who has the ones that are not.
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::process::pids;

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortOwner {
    /// Its pid.
    pub pid: i32,
    /// Its command line, shortened.
    pub command: String,
}

/// A port that somebody else listens on.
#[derive(Debug, thiserror::Error)]
pub struct PortTaken {
    /// The port.
    pub port: u16,
    /// What we wanted it for.
    pub wanted_by: String,
    /// Who has it, when the system lets us see that.
    pub owner: Option<PortOwner>,
}

impl fmt::Display for PortTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} (for {}) is taken", self.port, self.wanted_by)?;
        match &self.owner {
            Some(owner) => {
                write!(f, " by `{}` (pid {}); stop that process and try again", owner.command, owner.pid)
            }
            None => write!(
                f,
                " by a process of another user; find it with `ss -ltnp 'sport = :{}'` as root",
                self.port
            ),
        }
    }
}

/// Whether a server could listen on this port of 127.0.0.1 now.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Checks that nobody listens on `port`.
///
/// # Errors
/// [`PortTaken`] names the owner when it can be seen.
pub fn require_free(port: u16, wanted_by: &str) -> Result<(), PortTaken> {
    if is_free(port) {
        return Ok(());
    }
    Err(PortTaken { port, wanted_by: wanted_by.to_owned(), owner: owner(port) })
}

/// The first free port of `from .. from + span`.
#[must_use]
pub fn first_free(from: u16, span: u16) -> Option<u16> {
    (from..from.saturating_add(span)).find(|port| is_free(*port))
}

/// Who listens on `port`; `None` when nobody does or we may not see it.
#[must_use]
pub fn owner(port: u16) -> Option<PortOwner> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let targets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let pid = pids().find(|pid| holds_one_of(*pid, &targets))?;
    Some(PortOwner { pid, command: command_of(pid) })
}

/// The socket inodes in state LISTEN (0A) on `port`, from the text of `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let (_, hexadecimal) = fields.get(1)?.rsplit_once(':')?;
            let listens = *fields.get(3)? == "0A" && u16::from_str_radix(hexadecimal, 16) == Ok(port);
            listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

fn holds_one_of(pid: i32, targets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors
        .filter_map(Result::ok)
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|link| link.to_str().is_some_and(|link| targets.iter().any(|target| target == link)))
}

fn command_of(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    words.join(" ").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listening_socket_on_that_very_port_counts() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n\
            2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n";
        assert_eq!(listening_inodes(table, 8080), ["111"]);
    }

    #[test]
    fn a_taken_port_names_its_owner() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusal = require_free(port, "gateway").unwrap_err().to_string();
        assert!(refusal.contains(&format!("port {port} (for gateway) is taken by `")), "{refusal}");
        assert!(refusal.contains(&format!("(pid {})", std::process::id())), "{refusal}");
    }
}
