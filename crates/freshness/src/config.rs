//! Settings of a service's side.

use std::time::Duration;

use serde::Deserialize;

/// How a service keeps answers, and how long it reckons with writers that died.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreshnessConfig {
    /// Default true. False means that nothing is kept and that no writer tells anybody: say it to all replicas at once, and
    /// only when no gateway keeps answers of this service.
    pub enabled: bool,
    /// How long a writer that died in the middle is reckoned with, in milliseconds (default 45000). It must be longer than
    /// any transaction of a write can live: statement and idle timeouts together. Longer, and the groups of a dead writer
    /// are answered from the database for longer.
    pub mark_ms: u64,
    /// Greatest lifetime of an answer in either level, in seconds (default 3600); a read that asks for more gets this.
    pub value_ttl_secs: u64,
    /// Larger answers are not kept, in bytes (default 1 MiB).
    pub max_value_bytes: usize,
    /// Answers above this size are compressed in Redis, in bytes (default 4096).
    pub compress_above_bytes: usize,
    /// What the local level may hold in all, in bytes with its own expenses (default 64 MiB). 0 switches it off.
    pub local_bytes: u64,
    /// What each family of answers may hold of it (default 16 MiB). Families that come when all is given out have none.
    pub local_family_bytes: u64,
    /// How long after its commit a writer tries to stamp while Redis does not answer, in milliseconds (default 2000). Longer,
    /// and fewer writes end without a known outcome, but their clients wait.
    pub stamp_patience_ms: u64,
    /// Pause between two passes of the sweep, in milliseconds (default 1000).
    pub sweep_interval_ms: u64,
}

impl Default for FreshnessConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            mark_ms: 45_000,
            value_ttl_secs: 3600,
            max_value_bytes: 1024 * 1024,
            compress_above_bytes: 4096,
            local_bytes: 64 * 1024 * 1024,
            local_family_bytes: 16 * 1024 * 1024,
            stamp_patience_ms: 2000,
            sweep_interval_ms: 1000,
        }
    }
}

impl FreshnessConfig {
    /// Everything that keeps these settings from being used, as `key: reason`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check((100..=600_000).contains(&self.mark_ms), "mark_ms: must be from 100 to 600000");
        check((1..=86_400).contains(&self.value_ttl_secs), "value_ttl_secs: must be from 1 to 86400");
        check(
            (1..=64 * 1024 * 1024).contains(&self.max_value_bytes),
            "max_value_bytes: must be from 1 to 64 MiB",
        );
        check(
            self.local_family_bytes <= self.local_bytes,
            "local_family_bytes: must not be above local_bytes",
        );
        check(self.stamp_patience_ms <= 60_000, "stamp_patience_ms: must be at most 60000");
        check((10..=60_000).contains(&self.sweep_interval_ms), "sweep_interval_ms: must be from 10 to 60000");
        faults
    }

    pub(crate) fn mark(&self) -> Duration {
        Duration::from_millis(self.mark_ms)
    }

    pub(crate) fn longest_ttl(&self) -> Duration {
        Duration::from_secs(self.value_ttl_secs)
    }

    /// How long a group is remembered after it was last of use: longer than any value under it and than any mark on it.
    pub(crate) fn keep(&self) -> Duration {
        self.longest_ttl() + self.mark()
    }
}

#[cfg(test)]
mod tests {
    use super::FreshnessConfig;

    #[test]
    fn settings_name_their_faults() {
        assert_eq!(FreshnessConfig::default().faults(), [""; 0]);
        let config = FreshnessConfig {
            mark_ms: 0,
            value_ttl_secs: 0,
            max_value_bytes: 0,
            local_bytes: 1,
            local_family_bytes: 2,
            stamp_patience_ms: 100_000,
            sweep_interval_ms: 0,
            ..FreshnessConfig::default()
        };
        assert_eq!(config.faults().len(), 6, "{:?}", config.faults());
    }
}
