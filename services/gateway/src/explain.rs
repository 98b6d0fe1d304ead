//! A configuration in words, for `gateway check`.
//!
//! What everybody wants to know is always said; the rest only where it differs from its default, so that what is special about
//! a configuration stands out. One line for each thing.

use std::fmt::Display;

use http_edge::EdgeConfig;
use rate_limit::{Partition, PolicyConfig};

use crate::config::{Config, CorsConfig, LimitsConfig};

mod caching;
mod listener;
mod route;
mod upstream;

/// What the gateway would do with this configuration: a line for each listener, limit, quota, cache, upstream and route.
#[must_use]
pub fn explain(config: &Config) -> String {
    let mut lines = vec![format!("listens on {}, privately on {}", config.http.bind, config.admin.bind)];
    lines.extend(listener::explain(&config.http));
    lines.extend(in_flight(&config.limits));
    lines.extend(drain(&config.http));
    lines.push(tokens(config));
    lines.push(format!("believes Forwarded and X-Forwarded-* from {}", listed(&config.forwarded.trusted)));
    lines.extend(config.cors.as_ref().and_then(pages_of_others));
    if !config.docs.enabled {
        lines.push("has no pages of its own".to_owned());
    }
    lines.extend(config.rate_limits.iter().map(quota));
    lines.extend(caching::explain(config));
    lines.extend(config.upstreams.iter().map(|(name, upstream)| upstream::explain(name, upstream)));
    lines.extend(config.routes.iter().map(|route| route::explain(config, route)));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn tokens(config: &Config) -> String {
    match &config.identity {
        Some(identity) => {
            let issuers: Vec<&str> = identity.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
            format!("accepts tokens for `{}` issued by {}", identity.audience, listed(&issuers))
        }
        None => "checks no tokens".to_owned(),
    }
}

fn in_flight(limits: &LimitsConfig) -> Option<String> {
    let usual = LimitsConfig::default();
    let most = limits.max_concurrent_requests;
    if most == 0 {
        return Some("serves any number of requests at once".to_owned());
    }
    let differs = most != usual.max_concurrent_requests || limits.retry_after_secs != usual.retry_after_secs;
    differs.then(|| {
        format!(
            "serves {} at once, then answers 503 with Retry-After {}",
            counted(most, "request"),
            limits.retry_after_secs
        )
    })
}

fn drain(http: &EdgeConfig) -> Option<String> {
    if http.drain_secs == EdgeConfig::default().drain_secs {
        return None;
    }
    Some(format!("gives requests {} s to end when it stops", http.drain_secs))
}

fn pages_of_others(cors: &CorsConfig) -> Option<String> {
    if cors.allow_origins.is_empty() {
        return None;
    }
    let usual = CorsConfig::default();
    let mut said = Clauses::new(if cors.allow_origins.iter().any(|origin| origin == "*") {
        "pages of any origin may use the API".to_owned()
    } else {
        format!("pages of {} may use the API", cors.allow_origins.join(", "))
    });
    said.when(cors.allow_credentials, || "with cookies".to_owned());
    said.unless(&cors.allow_methods, &usual.allow_methods, |methods| format!("methods {}", listed(methods)));
    said.unless(&cors.allow_headers, &usual.allow_headers, |names| format!("may send {}", listed(names)));
    said.unless(&cors.expose_headers, &usual.expose_headers, |names| format!("may read {}", listed(names)));
    said.unless(&cors.max_age_secs, &usual.max_age_secs, |secs| format!("ask again after {secs} s"));
    Some(said.line())
}

fn quota(policy: &PolicyConfig) -> String {
    let whose = match policy.partition {
        Partition::Principal => "each principal",
        Partition::Address => "each address",
        Partition::PrincipalOrAddress => "each principal, or address without one",
    };
    let mut said = Clauses::new(format!(
        "quota {}: {} in {} s for {whose}",
        policy.name,
        counted(policy.quota, "unit"),
        policy.window_secs
    ));
    said.unless(&policy.burst(), &policy.quota, |burst| format!("{burst} at once"));
    let usual = PolicyConfig::new("", 1, 1).max_keys;
    said.unless(&policy.max_keys, &usual, |keys| format!("remembers {}", counted(*keys, "key")));
    said.line()
}

/// A line that grows by what is worth saying.
struct Clauses(Vec<String>);

impl Clauses {
    fn new(first: String) -> Self {
        Self(vec![first])
    }

    fn say(&mut self, clause: String) {
        self.0.push(clause);
    }

    fn when(&mut self, holds: bool, clause: impl FnOnce() -> String) {
        if holds {
            self.0.push(clause());
        }
    }

    /// Says something of a value that is not the usual one.
    fn unless<T: PartialEq>(&mut self, value: &T, usual: &T, clause: impl FnOnce(&T) -> String) {
        self.when(value != usual, || clause(value));
    }

    fn line(self) -> String {
        self.0.join("; ")
    }

    /// The line `first: …`, if anything follows the first.
    fn more(self) -> Option<String> {
        let (first, rest) = self.0.split_first()?;
        (!rest.is_empty()).then(|| format!("{first}: {}", rest.join("; ")))
    }
}

/// `1 request`, `2 requests`.
fn counted<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn listed(names: &[impl AsRef<str>]) -> String {
    if names.is_empty() {
        return "nobody".to_owned();
    }
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}
