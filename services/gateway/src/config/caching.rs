//! The sections about what is kept: `[cache]` and `[freshness.<domain>]`, and how they fit the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use http::header::{CACHE_CONTROL, HeaderName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Config, Faults, RouteConfig, written};

/// An answer that takes more than this part of the whole room would drive out most of what is kept.
const PARTS: u64 = 4;
/// Each variant of an address is tried in turn.
const MOST_VARIANTS: usize = 256;
/// Fields that are asked for before `Cache-Control`; one for each kind of cache, and there are not many kinds.
const MOST_TARGETED: usize = 8;

/// What is kept of answers. Without the section nothing is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Bytes of memory for all that is kept, bodies, fields and keys; 268435456. Too small and answers are driven out before
    /// they are asked for again; too large and the process is killed for memory.
    pub max_bytes: u64,
    /// Answers kept at once; 1000000. Bounds what small answers cost beside their bytes.
    pub max_entries: u64,
    /// Largest answer that is kept, in bytes; 1048576. Larger ones pass through. At most a quarter of `max_bytes`.
    pub max_object_bytes: u64,
    /// Whether an answer that does not say how long it is fresh may be guessed fresh for a tenth of its age since
    /// `Last-Modified` (RFC 9111 §4.2.2); `false`.
    pub heuristic: bool,
    /// Answers kept of one address for different request fields (`Vary`); 16. Beyond it the one unused for longest goes. Too
    /// high and a client that sends ever new values fills the cache with one address.
    pub max_variants: usize,
    /// Fields that say to this cache what `Cache-Control` says to all, the most specific first (RFC 9213);
    /// `["CDN-Cache-Control"]`. Empty: only `Cache-Control` counts.
    pub targeted: Vec<String>,
    /// Directory where bodies of 24 KiB and more that are asked for again lie once more, in files without a name, so that the kernel sends
    /// them without copying them; none. Best on a disk: what its pages take is the kernel's to reclaim, beside `max_bytes`.
    pub files_dir: Option<PathBuf>,
    /// Such files open at once; 1024. Each takes a descriptor of the process, as a connection does.
    pub max_files: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_entries: 1_000_000,
            max_object_bytes: 1 << 20,
            heuristic: false,
            max_variants: 16,
            targeted: vec!["CDN-Cache-Control".to_owned()],
            files_dir: None,
            max_files: 1024,
        }
    }
}

/// A service whose answers are kept only while it is sure to tell of its writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainConfig {
    /// The Redis of that service, `redis://[user:password@]host:port[/database]`, where the lease is. No default.
    pub redis_url: SecretString,
}

impl PartialEq for DomainConfig {
    fn eq(&self, other: &Self) -> bool {
        self.redis_url.expose_secret() == other.redis_url.expose_secret()
    }
}

/// An address without what is secret in it, for messages.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, url) in self.0.split(',').enumerate() {
            let host = url.split_once("://").map_or(url, |(_, rest)| rest);
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            let host = host.split(['/', '?']).next().unwrap_or_default();
            write!(f, "{}{host}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl RouteConfig {
    /// Whether its answers may be kept: where there is a cache, unless the route says otherwise.
    pub(crate) fn is_cached(&self, config: &Config) -> bool {
        config.cache.is_some() && self.cache.unwrap_or(true)
    }
}

/// Notes what is wrong in these sections, and between them and upstreams and routes.
pub(crate) fn check(config: &Config, faults: &mut Faults) {
    if let Some(cache) = &config.cache {
        check_cache(cache, faults);
    }
    if let Some(nats) = &config.nats {
        for fault in nats.faults() {
            let (at, message) = fault.split_once(": ").unwrap_or(("", &fault));
            faults.add(written("nats", at.split('.')), message);
        }
    }
    check_domains(config, faults);
    check_routes(config, faults);
}

fn check_cache(cache: &CacheConfig, faults: &mut Faults) {
    let bounds = [
        ("max_bytes", cache.max_bytes == 0),
        ("max_entries", cache.max_entries == 0),
        ("max_object_bytes", cache.max_object_bytes == 0),
        ("max_variants", cache.max_variants == 0),
    ];
    if cache.max_files == 0 {
        faults.add("cache.max_files", "must be more than 0; for no files, leave files_dir out");
    }
    for (name, is_zero) in bounds {
        if is_zero {
            faults.add(format!("cache.{name}"), "must be more than 0; to keep nothing, leave [cache] out");
        }
    }
    let most = cache.max_bytes / PARTS;
    if cache.max_bytes > 0 && cache.max_object_bytes > most {
        faults.add("cache.max_object_bytes", format!("must be at most a quarter of max_bytes ({most})"));
    }
    if cache.max_variants > MOST_VARIANTS {
        faults.add("cache.max_variants", format!("must be at most {MOST_VARIANTS}"));
    }
    if cache.targeted.len() > MOST_TARGETED {
        faults.add("cache.targeted", format!("must have at most {MOST_TARGETED} names"));
    }
    for (index, text) in cache.targeted.iter().enumerate() {
        let at = format!("cache.targeted[{index}]");
        match HeaderName::from_bytes(text.as_bytes()) {
            Err(_) => faults.add(at, format!("`{text}` is no name of a field")),
            Ok(CACHE_CONTROL) => faults.add(at, format!("`{text}` is always read, after these")),
            Ok(_) if cache.targeted.iter().take(index).any(|earlier| earlier.eq_ignore_ascii_case(text)) => {
                faults.add(at, format!("`{text}` is there twice"));
            }
            Ok(_) => {}
        }
    }
}

fn check_domains(config: &Config, faults: &mut Faults) {
    for (name, domain) in &config.freshness {
        let key = format!("freshness.{name}");
        if !is_domain(name) {
            faults.add(&key, "the name may have lower-case letters, digits and `-` only, at most 64");
        }
        let host = domain.redis_url.expose_secret().strip_prefix("redis://");
        if host.is_none_or(str::is_empty) {
            // It may hold a password, so it is not repeated.
            faults.add(format!("{key}.redis_url"), "must be a URL that begins with `redis://`");
        }
        // Most likely the upstream has lost its line, and what it answers would be kept although nobody tells of writes.
        if !config.upstreams.values().any(|upstream| upstream.freshness.as_ref() == Some(name)) {
            faults.add(&key, format!("no upstream says `freshness = \"{name}\"`"));
        }
        if config.nats.is_none() {
            faults.add("nats.url", format!("is missing: without it nobody tells of writes to `{name}`"));
        }
    }
    for (name, upstream) in &config.upstreams {
        let agreed = [
            ("stale_while_revalidate_secs", upstream.stale_while_revalidate_secs),
            ("stale_if_error_secs", upstream.stale_if_error_secs),
        ];
        for (key, _) in agreed.iter().filter(|(_, seconds)| *seconds > 0 && upstream.freshness.is_some()) {
            faults.add(
                format!("upstream.{name}.{key}"),
                "must be 0 where there is `freshness`: its answers are never stale",
            );
        }
        if let Some(domain) = &upstream.freshness
            && !config.freshness.contains_key(domain)
        {
            faults.add(
                format!("upstream.{name}.freshness"),
                format!("there is no [freshness.{domain}]; there is: {}", names(&config.freshness)),
            );
        }
    }
}

/// It is part of keys in Redis and of subjects in NATS.
fn is_domain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

fn check_routes(config: &Config, faults: &mut Faults) {
    for (index, route) in config.routes.iter().enumerate() {
        if route.cache != Some(true) {
            continue;
        }
        let key = format!("route[{index}].cache");
        if config.cache.is_none() {
            faults.add(&key, "is true, but there is no [cache] to keep answers in");
        }
        if !route.methods.is_empty()
            && !route.methods.iter().any(|method| method == "GET" || method == "HEAD")
        {
            faults.add(&key, "is true, but only answers to GET and HEAD are kept");
        }
    }
}

fn names(domains: &BTreeMap<String, DomainConfig>) -> String {
    if domains.is_empty() {
        return "none".to_owned();
    }
    domains.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
