//! One policy at work.

use std::fmt;
use std::time::Instant;

use crate::config::{Partition, PolicyConfig};
use crate::fields;
use crate::key::Key;
use crate::quota::{Decision, Quota};
use crate::table::Table;

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the quota policy {name:?} is not valid: {}", faults.join("; "))]
pub struct InvalidPolicy {
    /// Its name, as configured.
    pub name: String,
    /// What [`PolicyConfig::faults`] found.
    pub faults: Vec<String>,
}

/// Grants units to keys by one policy. Shared between threads by reference.
///
/// Its counts live as long as it does: after a reload keep the limiter of every policy that did not change
/// ([`Limiter::config`]), or the reload gives everybody a full quota.
pub struct Limiter {
    config: PolicyConfig,
    quota: Quota,
    table: Table,
    /// Arrival times are nanoseconds since then.
    epoch: Instant,
    policy_item: String,
    name_item: String,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Limiter {
    /// A limiter with all its memory, in which every key has its whole burst.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when the policy has faults.
    pub fn new(config: &PolicyConfig) -> Result<Self, InvalidPolicy> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(InvalidPolicy { name: config.name.clone(), faults });
        }
        Ok(Self {
            quota: Quota::new(config),
            table: Table::new(config.max_keys),
            epoch: Instant::now(),
            policy_item: fields::policy_item(config),
            name_item: fields::string(&config.name),
            config: config.clone(),
        })
    }

    /// The policy it was made from.
    #[must_use]
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whose requests count together.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.config.partition
    }

    /// Units a key may spend at once. A request that costs more is charged this much.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.quota.burst()
    }

    /// Spends `cost` units of `key`, or none if they are not there. A cost of 0 spends nothing and always passes.
    #[must_use]
    pub fn check(&self, key: Key<'_>, cost: u32) -> Decision {
        self.check_at(key, cost, Instant::now())
    }

    /// [`Limiter::check`] at a given time. Calls need not come in the order of their times.
    #[must_use]
    pub fn check_at(&self, key: Key<'_>, cost: u32, now: Instant) -> Decision {
        let now = self.nanos(now);
        self.table
            .update(key, now, |arrival| self.quota.charge(arrival, now, cost))
            .unwrap_or(Decision::Refused { remaining: 0, retry_after_secs: 1 })
    }

    /// Gives `cost` units back that [`Limiter::check`] spent for a request that then did not happen.
    ///
    /// A key that lost its place to another meanwhile gets nothing back. In a full table what is given back may also serve
    /// a key that comes back without a place: never more than was spent and given back.
    pub fn refund(&self, key: Key<'_>, cost: u32) {
        self.table.amend(key, |arrival| self.quota.refund(arrival, cost));
    }

    /// How many keys have a place of their own at most; at least the configured number.
    #[must_use]
    pub fn places(&self) -> usize {
        self.table.places()
    }

    /// How often a key found no free place and had to start with the count of another, since the start. If it grows in
    /// ordinary times, `max_keys` is too low; in a flood it is the sign that memory was held.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.table.crowded()
    }

    pub(crate) fn policy_item(&self) -> &str {
        &self.policy_item
    }

    pub(crate) fn name_item(&self) -> &str {
        &self.name_item
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }
}
