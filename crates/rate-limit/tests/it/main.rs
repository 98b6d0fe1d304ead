//! What quotas promise, under time, load, floods and several policies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fields;
mod flood;
mod quota;

use rate_limit::{Key, Limiter, PolicyConfig};

fn limiter(name: &str, quota: u32, window_secs: u64) -> Limiter {
    built(PolicyConfig::new(name, quota, window_secs))
}

fn built(config: PolicyConfig) -> Limiter {
    Limiter::new(&config).unwrap()
}

fn named(name: &str) -> Key<'_> {
    Key::Other(name)
}
