//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), Structured Fields by RFC 9651.
//!
//! Both are lists of strings (the policy's name) with parameters: `q` quota and `w` window in seconds; `r` units
//! available and `t` seconds. The partition key `pk` is left out: it would tell the client, and whoever reads its logs,
//! how requests are told apart.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::PolicyConfig;
use crate::limiter::Limiter;
use crate::quota::Decision;

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A String (RFC 9651 §4.1.6). `text` is printable ASCII: faults of the configuration see to it.
pub(crate) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The member of `RateLimit-Policy` that stands for a policy.
pub(crate) fn policy_item(config: &PolicyConfig) -> String {
    format!("{};q={};w={}", string(&config.name), config.quota, config.window_secs)
}

/// Adds both fields. When a policy refused, `RateLimit` names only those that did.
pub(crate) fn add(standings: &[(&Limiter, Decision)], headers: &mut HeaderMap) {
    let refused = standings.iter().any(|(_, decision)| !decision.is_allowed());
    let mut policies = String::new();
    let mut limits = String::new();
    for (limiter, decision) in standings {
        separate(&mut policies);
        policies.push_str(limiter.policy_item());
        if decision.is_allowed() != refused {
            separate(&mut limits);
            write_limit(&mut limits, limiter, *decision);
        }
    }
    append(headers, RATE_LIMIT_POLICY, policies);
    append(headers, RATE_LIMIT, limits);
}

fn separate(list: &mut String) {
    if !list.is_empty() {
        list.push_str(", ");
    }
}

fn write_limit(list: &mut String, limiter: &Limiter, decision: Decision) {
    let (remaining, secs) = match decision {
        Decision::Allowed { remaining, reset_secs } => (remaining, reset_secs),
        Decision::Refused { remaining, retry_after_secs } => (remaining, retry_after_secs),
    };
    // Writing to a string cannot fail.
    let _ = write!(list, "{};r={remaining};t={secs}", limiter.name_item());
}

/// An empty list is no field at all (RFC 9651 §3.1).
fn append(headers: &mut HeaderMap, name: HeaderName, list: String) {
    if list.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(list) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_as_a_structured_string() {
        assert_eq!(string(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(policy_item(&PolicyConfig::new("per user", 100, 60)), r#""per user";q=100;w=60"#);
    }
}
