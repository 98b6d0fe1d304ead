//! What the restricted process says about itself before it becomes the program: one line on standard error.
//!
//! The line is written before the program runs, and the first line is the only one that is taken for it. So the program
//! cannot say anything in its place.

use serde::{Deserialize, Serialize};

use crate::policy::{Essentials, Policy};

/// What is enforced around a program. Not every kernel can do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Enforced {
    /// Version of the kernel's Landlock that is in force: 0 is none, 3 keeps files apart completely, 4 also knows ports,
    /// 6 also abstract sockets and signals.
    pub landlock: u32,
    /// The program is in a user namespace of its own, where it is nobody.
    pub user_namespace: bool,
    /// The program is in a network namespace of its own, in which there is no network.
    pub network_namespace: bool,
    /// A filter refuses system calls that the program has no use for: sockets of any kind, new processes, and others.
    pub syscall_filter: bool,
    /// The program has no capabilities and can get none.
    pub no_capabilities: bool,
}

impl Enforced {
    /// The program reaches no file but those that were named.
    #[must_use]
    pub fn files(&self) -> bool {
        self.landlock > 0
    }

    /// The program reaches no network.
    #[must_use]
    pub fn network(&self) -> bool {
        self.network_namespace || self.syscall_filter
    }

    /// The first thing that is essential and not enforced.
    pub(crate) fn missing(&self, essentials: Essentials) -> Option<&'static str> {
        if essentials.files && !self.files() {
            return Some("the kernel keeps no files apart: it has no Landlock");
        }
        if essentials.network && !self.network() {
            return Some("there is no network isolation: neither namespaces nor a filter of system calls");
        }
        None
    }
}

/// What the process that is to become the program is told.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Task {
    /// None: restrict, report and end, to learn what is enforced.
    pub(crate) policy: Option<Policy>,
    pub(crate) essentials: Essentials,
    /// Who started it. If that is no longer the parent, nobody waits for the result.
    pub(crate) parent: u32,
}

/// The line.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// All is in force that is listed, and the program comes next.
    Restricted(Enforced),
    /// The program was not started.
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_essential_and_missing_is_named() {
        let all = Essentials::default();
        let nothing = Enforced::default();
        assert!(nothing.missing(all).unwrap().contains("Landlock"));
        let files = Enforced { landlock: 1, ..nothing.clone() };
        assert!(files.missing(all).unwrap().contains("network"));
        let filtered = Enforced { syscall_filter: true, ..files.clone() };
        assert_eq!(filtered.missing(all), None);
        let apart = Enforced { network_namespace: true, ..files };
        assert_eq!(apart.missing(all), None);
    }

    #[test]
    fn what_is_given_up_is_not_missed() {
        let nothing = Enforced::default();
        assert_eq!(nothing.missing(Essentials { files: false, network: false }), None);
        assert!(nothing.missing(Essentials { files: false, network: true }).unwrap().contains("network"));
    }
}
