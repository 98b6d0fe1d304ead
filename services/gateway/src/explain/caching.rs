//! What is kept where, and under which lease, in words.

use secrecy::ExposeSecret as _;

use super::{Clauses, counted, listed};
use crate::config::{CacheConfig, Config, Shown};

/// A line for the cache and one for each domain; nothing where nothing is configured.
pub(super) fn explain(config: &Config) -> Vec<String> {
    let mut lines: Vec<String> = config.cache.iter().map(room).collect();
    for (name, domain) in &config.freshness {
        let upstreams: Vec<&str> = config
            .upstreams
            .iter()
            .filter(|(_, upstream)| upstream.freshness.as_ref() == Some(name))
            .map(|(name, _)| name.as_str())
            .collect();
        let place = Shown(domain.redis_url.expose_secret());
        let told = config.nats.as_ref().map_or_else(String::new, |nats| {
            format!(", hears of writes through NATS at {}", Shown(&nats.url))
        });
        lines.push(if config.cache.is_some() {
            format!(
                "freshness {name}: answers of {} are kept only under a lease from Redis at {place}{told}",
                listed(&upstreams)
            )
        } else {
            format!("freshness {name}: needs no lease, for nothing is kept")
        });
    }
    lines
}

fn room(cache: &CacheConfig) -> String {
    let usual = CacheConfig::default();
    let mut said = Clauses::new(format!(
        "keeps answers to GET and HEAD in memory: up to {} in {} bytes, each to {} bytes",
        cache.max_entries, cache.max_bytes, cache.max_object_bytes
    ));
    said.unless(&cache.max_variants, &usual.max_variants, |most| {
        format!("{} of an address", counted(u64::try_from(*most).unwrap_or(u64::MAX), "variant"))
    });
    said.say(if cache.targeted.is_empty() {
        "for as long as Cache-Control says".to_owned()
    } else {
        format!("for as long as {} or else Cache-Control says", cache.targeted.join(" or "))
    });
    said.when(cache.heuristic, || "or else a tenth of its age".to_owned());
    if let Some(directory) = &cache.files_dir {
        said.say(format!(
            "large bodies that are asked for again in up to {} in {}, sent from there",
            counted(u64::try_from(cache.max_files).unwrap_or(u64::MAX), "file"),
            directory.display()
        ));
    }
    said.line()
}

/// What becomes of the answers of a route; `None` where nothing is kept at all.
pub(super) fn of_route(config: &Config, route: &crate::config::RouteConfig) -> Option<String> {
    config.cache.as_ref()?;
    if !route.is_cached(config) {
        return Some("answers not kept".to_owned());
    }
    let reads =
        route.methods.is_empty() || route.methods.iter().any(|method| method == "GET" || method == "HEAD");
    let domain = config.upstreams.get(&route.upstream).and_then(|upstream| upstream.freshness.as_deref());
    reads.then(|| match domain {
        Some(domain) => format!("answers kept under the lease of {domain}"),
        None => "answers kept for as long as they say".to_owned(),
    })
}
