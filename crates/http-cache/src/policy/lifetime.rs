//! Freshness lifetime and age of an answer (RFC 9111 §4.2.1 to §4.2.3).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::date;
use crate::directives::parse::delta_seconds;
use crate::directives::{MAX_SECONDS, ResponseDirectives};
use crate::policy::{Options, Times};

/// The lifetime the origin states, or `None` when it states none. What it states and cannot be read is a lifetime of zero.
pub(super) fn explicit(
    directives: &ResponseDirectives,
    headers: &HeaderMap,
    date: SystemTime,
) -> Option<Duration> {
    if let Some(seconds) = directives.s_maxage.or(directives.max_age) {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    if directives.targeted || !headers.contains_key(header::EXPIRES) {
        return None;
    }
    let expires = date::field(headers, &header::EXPIRES);
    Some(expires.map_or(Duration::ZERO, |expires| bounded(since(expires, date))))
}

/// A tenth of the time for which the answer had not changed, in whole seconds and bounded (§4.2.2).
pub(super) fn guessed(options: &Options, headers: &HeaderMap, date: SystemTime) -> Option<Duration> {
    let modified = date::field(headers, &header::LAST_MODIFIED)?;
    Some(Duration::from_secs(since(date, modified).as_secs() / 10).min(options.heuristic_max))
}

/// *corrected_initial_age* (§4.2.3).
pub(super) fn age_at_receipt(headers: &HeaderMap, date: SystemTime, times: Times) -> Duration {
    let apparent = since(times.received, date);
    // §5.1: of a list the first member counts, and what is not a number is ignored.
    let stated = headers
        .get(header::AGE)
        .and_then(|value| value.as_bytes().split(|&byte| byte == b',').next())
        .and_then(|first| delta_seconds(first.trim_ascii()))
        .unwrap_or(0);
    let corrected = Duration::from_secs(u64::from(stated)).saturating_add(times.delay);
    bounded(apparent.max(corrected))
}

fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

fn bounded(duration: Duration) -> Duration {
    duration.min(Duration::from_secs(u64::from(MAX_SECONDS)))
}
