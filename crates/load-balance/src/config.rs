//! How an upstream is balanced, as an operator writes it.

use serde::{Deserialize, Serialize};

/// Everything a balancer needs to know about its upstream.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Active health checks.
    pub health: HealthConfig,
    /// Ejection of instances that keep failing requests.
    pub outlier: OutlierConfig,
    /// Bounds, slow start and the retry budget.
    pub balance: BalanceConfig,
}

/// Active health checks: a `GET` that is sent to every instance now and then.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthConfig {
    /// The path that is asked, for example `/readyz`. Default none: no checks, every instance counts as healthy and only
    /// failing requests can take it out. A path that depends on other systems takes all instances out together.
    pub path: Option<String>,
    /// Milliseconds from one check of an instance to the next. Default 5000. Too low is a load of its own, too high sends
    /// requests to a dead instance for longer (about `interval_ms` × `unhealthy_after`).
    pub interval_ms: u64,
    /// Milliseconds an answer may take; later is a failed check. Default 2000, at most `interval_ms`. Too low takes out
    /// instances that are merely busy, too high notices a paused one late.
    pub timeout_ms: u64,
    /// Passed checks in a row that bring an unhealthy instance back. Default 2. Too low lets a flapping instance in and out,
    /// too high keeps a good one out. An instance that has never failed needs one.
    pub healthy_after: u32,
    /// Failed checks in a row that take an instance out. Default 3. Too low takes it out for one lost packet, too high sends
    /// requests to a dead one for longer.
    pub unhealthy_after: u32,
    /// Seconds from its first appearance in which an instance that has not passed a check yet may fail them without being
    /// called unhealthy. Default 90. Too low calls slow starters unhealthy, too high hides one that never starts.
    pub start_period_secs: u64,
    /// The one status that passes. Default none: any 2xx does.
    pub expect_status: Option<u16>,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            path: None,
            interval_ms: 5_000,
            timeout_ms: 2_000,
            healthy_after: 2,
            unhealthy_after: 3,
            start_period_secs: 90,
            expect_status: None,
        }
    }
}

impl HealthConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(path) = &self.path
            && !(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'))
        {
            faults.push(
                "path: must begin with `/` and have visible ASCII characters only, without `#`".to_owned(),
            );
        }
        above_zero(&mut faults, "interval_ms", self.interval_ms);
        above_zero(&mut faults, "timeout_ms", self.timeout_ms);
        above_zero(&mut faults, "healthy_after", u64::from(self.healthy_after));
        above_zero(&mut faults, "unhealthy_after", u64::from(self.unhealthy_after));
        if self.timeout_ms > self.interval_ms {
            faults.push(
                "timeout_ms: must be at most interval_ms, or checks of one instance overlap".to_owned(),
            );
        }
        if self.expect_status.is_some_and(|status| !(200..=599).contains(&status)) {
            faults.push("expect_status: must be a final status, 200 to 599".to_owned());
        }
        faults
    }

    /// Whether a check answered with `status` has passed.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.expect_status.map_or((200..=299).contains(&status), |expected| status == expected)
    }
}

/// Outlier ejection: an instance whose requests keep failing gets none for a while.
///
/// How many may be out at once, of `n` instances: `max_ejected_percent` of them rounded down, but at least one (unless the
/// percentage is 0) and at most `n − 1`. So of two instances one may be out, and **a single instance is never ejected**:
/// that would turn requests that probably fail into requests that surely fail. For the same reason the last instance that
/// is fit is never ejected, whatever the percentage.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutlierConfig {
    /// Failed requests in a row that eject an instance; an answered one starts the count anew. Default 5; 0 ejects nobody.
    /// Too low ejects for bad luck, too high lets more requests fail first.
    pub consecutive_failures: u32,
    /// Milliseconds of the first ejection; the second lasts twice as long, and so on. Default 30000. Too low sends
    /// requests to a broken instance again and again, too high wastes a mended one.
    pub ejection_ms: u64,
    /// Milliseconds an ejection lasts at most. Default 300000. Too high keeps an instance out long after it was mended.
    pub max_ejection_ms: u64,
    /// Milliseconds after its return in which an instance is not ejected again that take one ejection off its count.
    /// Default 60000. Too low forgets what an instance did, too high punishes it for old faults.
    pub quiet_ms: u64,
    /// The share of the instances that may be ejected at once, in percent; see above for few instances. Default 50; 0
    /// ejects nobody. Too high leaves the whole load to a few instances.
    pub max_ejected_percent: u32,
}

impl Default for OutlierConfig {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            ejection_ms: 30_000,
            max_ejection_ms: 300_000,
            quiet_ms: 60_000,
            max_ejected_percent: 50,
        }
    }
}

impl OutlierConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        above_zero(&mut faults, "ejection_ms", self.ejection_ms);
        above_zero(&mut faults, "quiet_ms", self.quiet_ms);
        if self.max_ejection_ms < self.ejection_ms {
            faults.push("max_ejection_ms: must be at least ejection_ms".to_owned());
        }
        percentage(&mut faults, "max_ejected_percent", self.max_ejected_percent);
        faults
    }

    /// How many of `instances` may be ejected at once.
    #[must_use]
    pub fn allowed(&self, instances: usize) -> usize {
        if self.consecutive_failures == 0 || self.max_ejected_percent == 0 {
            return 0;
        }
        let percent = usize::try_from(self.max_ejected_percent).unwrap_or(100);
        (instances.saturating_mul(percent) / 100).max(1).min(instances.saturating_sub(1))
    }
}

/// Bounds of an upstream, and how carefully a returned instance is loaded.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalanceConfig {
    /// Milliseconds in which the weight of an instance that came back, or that joined at a reload, grows from 10 % to
    /// 100 %. Default 10000; 0 gives it its full share at once. Too low floods cold caches, too high leaves the load to the
    /// others. It does not apply when the process starts.
    pub slow_start_ms: u64,
    /// Requests to the upstream that may be under way at once (circuit breaker); one more is refused. Default 1024; 0 sets
    /// no bound. Too low refuses what the upstream could do, too high queues up in a slow upstream until all time out.
    pub max_requests: u32,
    /// Retries that may be under way at once, in percent of all requests to the upstream that are. Default 20. Too low
    /// gives up on requests that another instance would answer, too high multiplies the load of a failing upstream.
    pub retry_budget_percent: u32,
    /// Retries that may be under way at once however few requests are. Default 3. 0 leaves a quiet upstream without
    /// retries, a high one is no budget.
    pub retry_budget_min: u32,
    /// What happens when no instance is healthy or starting: `true` sends requests to the others all the same, because the
    /// checks may be wrong and a refusal is certain to fail; `false` refuses. Default `true`. `false` answers faster when
    /// the upstream is known to be away.
    pub panic_routing: bool,
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self {
            slow_start_ms: 10_000,
            max_requests: 1_024,
            retry_budget_percent: 20,
            retry_budget_min: 3,
            panic_routing: true,
        }
    }
}

impl BalanceConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        percentage(&mut faults, "retry_budget_percent", self.retry_budget_percent);
        faults
    }
}

fn above_zero(faults: &mut Vec<String>, key: &str, value: u64) {
    if value == 0 {
        faults.push(format!("{key}: must be more than 0"));
    }
}

fn percentage(faults: &mut Vec<String>, key: &str, value: u32) {
    if value > 100 {
        faults.push(format!("{key}: must be at most 100"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let health = HealthConfig {
            path: Some("healthz".to_owned()),
            interval_ms: 0,
            timeout_ms: 1,
            healthy_after: 0,
            unhealthy_after: 0,
            start_period_secs: 0,
            expect_status: Some(100),
        };
        assert_eq!(health.faults().len(), 6, "{:?}", health.faults());
        let outlier = OutlierConfig {
            consecutive_failures: 0,
            ejection_ms: 0,
            max_ejection_ms: 0,
            quiet_ms: 0,
            max_ejected_percent: 101,
        };
        assert_eq!(outlier.faults().len(), 3, "{:?}", outlier.faults());
        let balance = BalanceConfig { retry_budget_percent: 101, ..BalanceConfig::default() };
        assert_eq!(balance.faults().len(), 1);
    }

    #[test]
    fn the_defaults_have_no_fault() {
        assert!(HealthConfig::default().faults().is_empty());
        assert!(OutlierConfig::default().faults().is_empty());
        assert!(BalanceConfig::default().faults().is_empty());
    }

    #[test]
    fn one_stays_and_one_of_two_may_go() {
        let half = OutlierConfig::default();
        assert_eq!([0, 1, 2, 3, 4, 5, 10].map(|n| half.allowed(n)), [0, 0, 1, 1, 2, 2, 5]);
        let few = OutlierConfig { max_ejected_percent: 10, ..half.clone() };
        assert_eq!([1, 2, 3, 10, 20].map(|n| few.allowed(n)), [0, 1, 1, 1, 2]);
        let all = OutlierConfig { max_ejected_percent: 100, ..half.clone() };
        assert_eq!([1, 2, 3, 10].map(|n| all.allowed(n)), [0, 1, 2, 9]);
        let none = OutlierConfig { max_ejected_percent: 0, ..half };
        assert_eq!(none.allowed(10), 0);
    }

    #[test]
    fn a_check_passes_with_any_2xx_or_with_the_status_named() {
        let any = HealthConfig::default();
        assert!(any.accepts(200) && any.accepts(299) && !any.accepts(302) && !any.accepts(503));
        let one = HealthConfig { expect_status: Some(401), ..any };
        assert!(one.accepts(401) && !one.accepts(200));
    }
}
