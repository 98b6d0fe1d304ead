//! A quota policy, as an operator writes it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::key::Key;

/// The most units a second that a policy may grant; above it the interval between two units gets too coarse.
const MOST_PER_SECOND: u64 = 1_000_000;
/// The longest window: 31 days.
const LONGEST_WINDOW_SECS: u64 = 31 * 24 * 3600;
/// The longest time an emptied quota may take to be full again: 366 days.
const LONGEST_FILL_SECS: u64 = 366 * 24 * 3600;
/// The most keys a policy may track.
const MOST_KEYS: usize = 1 << 24;

/// One quota policy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Its name in `RateLimit-Policy`, `RateLimit` and problems: printable ASCII, at most 64 characters. Clients see
    /// it.
    pub name: String,
    /// Units granted per window. A request costs one unit unless its route says otherwise. At least 1, at most
    /// 1,000,000 a second. Too low refuses honest clients, too high protects nothing.
    pub quota: u32,
    /// Seconds in which `quota` units come back, evenly: 60 units per 60 seconds are one each second. 1 to 2,678,400
    /// (31 days).
    pub window_secs: u64,
    /// Units that may be spent at once by a key that was idle. Default: `quota`. Too low refuses clients that load
    /// several things at once, too high lets one client send that much in an instant.
    #[serde(default)]
    pub burst: Option<u32>,
    /// Whose requests count together: `principal`, `address` or `principal_or_address`. Default `principal_or_address`.
    #[serde(default)]
    pub partition: Partition,
    /// Keys whose spending is remembered at the same time. Default 65,536, which takes 1.1 MB, allocated at start. A
    /// key needs a place only until its quota is full again. With more keys than places newcomers share the count of
    /// the key that has spent least: nobody gets more, some get less. Raise it for slow policies (hours, days) that
    /// meet many addresses.
    #[serde(default = "default_max_keys")]
    pub max_keys: usize,
}

fn default_max_keys() -> usize {
    65_536
}

/// Whose requests count together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// Each principal; requests without one are not counted by this policy.
    Principal,
    /// Each client address (IPv6: each /64), whoever it is signed in as.
    Address,
    /// Each principal, and each address for requests without one.
    #[default]
    PrincipalOrAddress,
}

impl Partition {
    /// The key a request counts under; none when this policy does not count it. `principal` is issuer and subject.
    #[must_use]
    pub fn key<'a>(self, principal: Option<(&'a str, &'a str)>, address: IpAddr) -> Option<Key<'a>> {
        let principal = principal.map(|(issuer, subject)| Key::Principal { issuer, subject });
        match self {
            Self::Principal => principal,
            Self::Address => Some(Key::address(address)),
            Self::PrincipalOrAddress => principal.or_else(|| Some(Key::address(address))),
        }
    }
}

impl PolicyConfig {
    /// A policy with the defaults for everything else.
    #[must_use]
    pub fn new(name: impl Into<String>, quota: u32, window_secs: u64) -> Self {
        Self {
            name: name.into(),
            quota,
            window_secs,
            burst: None,
            partition: Partition::default(),
            max_keys: default_max_keys(),
        }
    }

    /// Units that may be spent at once.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.quota)
    }

    /// Every fault of this policy as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.name.is_empty()
            || self.name.len() > 64
            || !self.name.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        {
            faults.push("name: must be 1 to 64 printable ASCII characters".to_owned());
        }
        if self.window_secs == 0 || self.window_secs > LONGEST_WINDOW_SECS {
            faults.push(format!("window_secs: must be 1 to {LONGEST_WINDOW_SECS}"));
        }
        if self.quota == 0 || u64::from(self.quota) > self.window_secs.saturating_mul(MOST_PER_SECOND) {
            faults.push(format!("quota: must be 1 to {MOST_PER_SECOND} for each second of the window"));
        }
        let fill_secs =
            u64::from(self.burst()).saturating_mul(self.window_secs) / u64::from(self.quota.max(1));
        if self.burst() == 0 {
            faults.push("burst: must be at least 1".to_owned());
        } else if self.burst.is_some() && fill_secs > LONGEST_FILL_SECS {
            faults.push(
                "burst: must come back within 366 days at the rate of quota and window_secs".to_owned(),
            );
        }
        if self.max_keys == 0 || self.max_keys > MOST_KEYS {
            faults.push(format!("max_keys: must be 1 to {MOST_KEYS}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let config = PolicyConfig {
            name: "späť".to_owned(),
            quota: 0,
            window_secs: 0,
            burst: Some(0),
            partition: Partition::Address,
            max_keys: 0,
        };
        assert_eq!(config.faults().len(), 5, "{:?}", config.faults());
        assert!(PolicyConfig::new("default", 100, 60).faults().is_empty());
    }

    #[test]
    fn a_burst_that_never_comes_back_is_a_fault() {
        let config = PolicyConfig { burst: Some(1000), ..PolicyConfig::new("slow", 1, LONGEST_WINDOW_SECS) };
        assert_eq!(config.faults().len(), 1, "{:?}", config.faults());
        assert_eq!(PolicyConfig::new("fast", 1_000_001, 1).faults().len(), 1);
    }

    #[test]
    fn a_section_needs_only_name_quota_and_window() {
        let config: PolicyConfig = toml::from_str("name = 'a'\nquota = 5\nwindow_secs = 1").unwrap();
        assert_eq!(config, PolicyConfig::new("a", 5, 1));
        assert!(toml::from_str::<PolicyConfig>("name = 'a'\nquota = 5\nwindow_secs = 1\nbrust = 3").is_err());
        let text = "name = 'a'\nquota = 5\nwindow_secs = 1\npartition = 'principal'";
        assert_eq!(toml::from_str::<PolicyConfig>(text).unwrap().partition, Partition::Principal);
    }

    #[test]
    fn each_partition_counts_whom_it_says() {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let mara = Key::Principal { issuer: "i", subject: "mara" };
        assert_eq!(Partition::Principal.key(Some(("i", "mara")), address), Some(mara));
        assert_eq!(Partition::Principal.key(None, address), None);
        assert_eq!(Partition::Address.key(Some(("i", "mara")), address), Some(Key::address(address)));
        assert_eq!(Partition::PrincipalOrAddress.key(Some(("i", "mara")), address), Some(mara));
        assert_eq!(Partition::PrincipalOrAddress.key(None, address), Some(Key::address(address)));
    }
}
