//! The cache as operators see it: why a request is or is not answered from memory, and purges.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use coherence::clock::{self, Instant};
use coherence::{LeaseState, Tracker};
use conditional::Coding;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, Method, Uri, header};
use http_cache::{AudienceClass, Forward, KeyRef, NotStored, RequestDirectives, Scheme, Stored};
use serde_json::json;

use super::judge::{Judged, judge};
use super::{Cache, Leases};
use crate::admin::{
    AudienceTold, CacheAdmin, ExplainRequest, Explained, GroupTold, LeaseTold, Purge, Purged, Target,
    VariantTold,
};
use crate::formats;
use crate::gateway::Gateway;
use crate::routing::Matched;

/// The private port's view.
pub(crate) struct Operator {
    gateway: Arc<ArcSwap<Gateway>>,
    leases: Arc<Leases>,
}

impl Operator {
    pub(crate) fn new(gateway: Arc<ArcSwap<Gateway>>, leases: Arc<Leases>) -> Self {
        Self { gateway, leases }
    }

    async fn tell(&self, domain: Option<&str>, groups: Option<&[String]>) -> BTreeMap<String, Option<u64>> {
        let mut told = BTreeMap::new();
        let Some(broadcast) = self.leases.broadcast() else { return told };
        for (name, known) in self.leases.domains() {
            if domain.is_some_and(|wanted| wanted != name) {
                continue;
            }
            let answered = match groups.map(freshness_groups) {
                Some(Some(groups)) => freshness::purge(broadcast, known, &groups).await.ok(),
                Some(None) => None,
                None => freshness::purge_all(broadcast, known).await.ok(),
            };
            told.insert(name.to_owned(), answered.and_then(|edges| u64::try_from(edges).ok()));
        }
        told
    }
}

fn freshness_groups(names: &[String]) -> Option<freshness::Groups> {
    freshness::Groups::of(names.iter().map(String::as_str)).ok()
}

impl CacheAdmin for Operator {
    fn explain(&self, request: &ExplainRequest) -> Explained {
        let gateway = self.gateway.load();
        let path = crate::routing::normalise(request.url.path()).unwrap_or_default();
        let Matched::Route(route) = gateway.router.find(&Method::GET, &path) else {
            return Explained { outcome: "no route".to_owned(), ..Explained::default() };
        };
        let mut told = Explained { route: Some(route.name.to_string()), ..Explained::default() };
        let Some(cache) = gateway.cache.as_ref().filter(|_| route.cache) else {
            told.outcome = format!("fwd={}", Forward::Bypass.token());
            told.detail = Some("route".to_owned());
            return told;
        };
        let tracker = gateway.tracker(route);
        let Some(tracker) = tracker else { return told };
        told.lease = lease(&gateway, route.upstream, tracker);
        let key = key(&request.url, AudienceClass::Anonymous);
        let asked = if request.fields.contains_key(header::AUTHORIZATION) {
            AudienceClass::Token
        } else {
            AudienceClass::Anonymous
        };
        told.key = key.for_class(asked).to_string();
        audience_name(asked).clone_into(&mut told.audience);
        let now = clock::now();
        let fields = formats::settled(route.formats.as_ref(), &request.fields);
        let view = View { tracker, fields: &fields, now };
        for class in [AudienceClass::Anonymous, AudienceClass::Token] {
            let Some(kept) = cache.store.peek(&key.for_class(class)) else { continue };
            let chosen = kept.select(&fields);
            let variants = kept.variants().map(|stored| {
                let is_chosen = class == asked && chosen.is_some_and(|chosen| Arc::ptr_eq(chosen, stored));
                view.variant(stored, is_chosen)
            });
            let variants = variants.collect();
            told.kept.push(AudienceTold { audience: audience_name(class).to_owned(), variants });
        }
        let kept = cache.store.peek(&key.for_class(asked));
        let uncacheable = kept.as_ref().is_some_and(|kept| kept.is_uncacheable(now));
        let chosen = kept.as_ref().and_then(|kept| kept.select(&fields));
        let (outcome, detail) = match chosen {
            Some(stored) => view.outcome(stored),
            None if uncacheable => (fwd(Forward::Bypass), Some("uncacheable".to_owned())),
            None if kept.is_some() => (fwd(Forward::VaryMiss), None),
            None => (fwd(Forward::UriMiss), None),
        };
        (told.outcome, told.detail) = (outcome, detail);
        if !tracker.may_answer(now) {
            told.outcome = fwd(Forward::Bypass);
            told.detail = Some(NotStored::NoLease.detail().to_owned());
        }
        told
    }

    fn purge<'a>(&'a self, purge: &'a Purge) -> LocalBoxFuture<'a, Purged> {
        Box::pin(async move {
            let gateway = self.gateway.load_full();
            let Some(cache) = &gateway.cache else { return Purged::default() };
            match &purge.target {
                Target::Groups { domain, groups } => {
                    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
                    let known = cache.invalidate_groups(domain.as_deref(), &names);
                    let edges = self.tell(domain.as_deref(), Some(groups)).await;
                    Purged { entries: 0, groups: u64::try_from(known).unwrap_or(u64::MAX), edges }
                }
                Target::Url(url) => {
                    Purged { entries: cache.purge_address(url, purge.soft), ..Purged::default() }
                }
                Target::All => {
                    let entries = cache.purge_all(purge.soft);
                    let edges = self.tell(None, None).await;
                    Purged { entries, edges, ..Purged::default() }
                }
            }
        })
    }

    fn stats(&self) -> serde_json::Value {
        let gateway = self.gateway.load();
        let Some(cache) = &gateway.cache else { return json!({ "enabled": false }) };
        let stats = cache.store.stats();
        let domains: serde_json::Map<String, serde_json::Value> = cache
            .trackers()
            .map(|(name, tracker)| {
                let (held, remaining_ms) = held(tracker);
                let told = json!({
                    "lease": { "held": held, "remaining_ms": remaining_ms },
                    "groups": tracker.groups(),
                    "generation": tracker.generation(),
                });
                (name.to_owned(), told)
            })
            .collect();
        json!({
            "enabled": true,
            "entries": stats.entries,
            "max_entries": stats.max_entries,
            "bytes": stats.bytes,
            "max_bytes": stats.max_bytes,
            "inserts": stats.inserts,
            "evictions": stats.evictions,
            "domains": domains,
        })
    }

    fn domains(&self) -> Vec<String> {
        self.leases.domains().map(|(name, _)| name.to_owned()).collect()
    }
}

impl Cache {
    fn trackers(&self) -> impl Iterator<Item = (&str, &Arc<Tracker>)> {
        self.domains.iter().map(|(name, tracker)| (name.as_str(), tracker))
    }

    /// Invalidates groups of one domain, or of all and of what has none. How many of them something was kept under.
    fn invalidate_groups(&self, domain: Option<&str>, groups: &[&str]) -> usize {
        match domain {
            Some(domain) => self.tracker(Some(domain)).invalidate(groups),
            None => self
                .trackers()
                .map(|(_, tracker)| tracker)
                .chain([&self.plain])
                .map(|t| t.invalidate(groups))
                .sum(),
        }
    }

    fn purge_address(&self, url: &Uri, soft: bool) -> u64 {
        let key = key(url, AudienceClass::Anonymous);
        let mut entries = 0;
        for class in [AudienceClass::Anonymous, AudienceClass::Token] {
            let key = key.for_class(class);
            let kept = self.store.peek(&key).map_or(0, |kept| kept.variants().count());
            if soft {
                self.store.expire(&key);
            }
            entries += u64::try_from(kept).unwrap_or(u64::MAX);
        }
        if !soft {
            // The epoch is that of the address: also what is kept for single principals is gone.
            self.store.invalidate(&key);
            self.store.remove(&key.for_class(AudienceClass::Token));
        }
        entries
    }

    fn purge_all(&self, soft: bool) -> u64 {
        for tracker in self.domains.values().chain([&self.plain]) {
            tracker.invalidate_all();
        }
        if soft { self.store.stats().entries } else { self.store.clear() }
    }
}

/// A request's surroundings, to judge what is kept by.
struct View<'a> {
    tracker: &'a Tracker,
    fields: &'a HeaderMap,
    now: Instant,
}

impl View<'_> {
    fn outcome(&self, stored: &Stored) -> (String, Option<String>) {
        match judge(stored, self.tracker, &RequestDirectives::parse(self.fields), self.now) {
            Judged::Usable | Judged::WhileRevalidated => ("hit".to_owned(), None),
            Judged::Stale { reason, detail, .. } => (fwd(reason), detail.map(str::to_owned)),
        }
    }

    fn why_not_current(&self, stored: &Stored) -> Option<String> {
        match stored.seal() {
            Some(seal) => seal.why_not(self.tracker, self.now).map(|why| why.to_string()),
            None => Some(NotStored::NoLease.detail().to_owned()),
        }
    }

    fn variant(&self, stored: &Stored, is_chosen: bool) -> VariantTold {
        let resident = stored.resident(self.now);
        let terms = stored.terms();
        let (outcome, detail) = self.outcome(stored);
        let is_current = outcome == "hit";
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut bytes = BTreeMap::from([("identity".to_owned(), size(stored.body().len()))]);
        for coding in [Coding::Zstd, Coding::Brotli, Coding::Gzip] {
            if let Some(coded) = stored.coding(coding) {
                bytes.insert(coding.token().to_owned(), size(coded.body().len()));
            }
        }
        let chosen_by = stored.variant().to_string();
        let vary = chosen_by.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        });
        let groups = stored
            .seal()
            .into_iter()
            .flat_map(coherence::Seal::states)
            .map(|(name, is_invalidated)| GroupTold { name: name.to_owned(), is_invalidated });
        VariantTold {
            vary: vary.collect(),
            is_chosen,
            status: stored.status().as_u16(),
            etag: stored.etag().map(|tag| tag.to_string()),
            age_secs: terms.age(resident).as_secs(),
            ttl_secs: terms.ttl_seconds(resident),
            bytes,
            groups: groups.collect(),
            is_current,
            why_not: self
                .why_not_current(stored)
                .or_else(|| (!is_current).then(|| detail.unwrap_or(outcome))),
        }
    }
}

fn lease(gateway: &Gateway, upstream: usize, tracker: &Tracker) -> Option<LeaseTold> {
    let domain = gateway.upstreams.get(upstream)?.config.freshness.clone()?;
    let (held, remaining_ms) = held(tracker);
    Some(LeaseTold { domain, held, remaining_ms })
}

fn held(tracker: &Tracker) -> (bool, u64) {
    match tracker.lease() {
        LeaseState::Held { remaining } => (true, u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)),
        LeaseState::NotNeeded => (true, 0),
        LeaseState::None => (false, 0),
    }
}

fn fwd(reason: Forward) -> String {
    format!("fwd={}", reason.token())
}

fn key(url: &Uri, class: AudienceClass) -> KeyRef<'_> {
    let scheme = if url.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http };
    let host = url.authority().map_or("", http::uri::Authority::as_str);
    let target = url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    KeyRef::new(class, scheme, host, target)
}

fn audience_name(class: AudienceClass) -> &'static str {
    match class {
        AudienceClass::Anonymous => "anonymous",
        AudienceClass::Token => "token",
        AudienceClass::Rights(_) => "rights",
        AudienceClass::Principal(_) => "principal",
    }
}
