//! Who answered: memory or not. Always of the interval, never of a life.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Tells, nth};

/// Answered from the gateway's memory.
const WARM: [&str; 4] = ["hit", "hit_stale", "revalidated", "collapsed"];
/// Found in the service's own caches, or shared with a load that was under way.
const FOUND: [&str; 3] = ["local", "shared", "joined"];

/// One route of the gateway, warm and cold apart.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeRoute {
    /// Its name.
    pub route: String,
    /// Answered from memory.
    pub warm_per_second: f64,
    /// Forwarded.
    pub cold_per_second: f64,
    /// Share from memory; `None` without requests.
    pub warm_share: Option<f64>,
    /// By what the gateway calls it.
    pub by_result: BTreeMap<String, f64>,
}

/// One family of a service's own cache.
#[derive(Clone, Debug, Serialize)]
pub struct Family {
    /// Its name.
    pub family: String,
    /// Reads.
    pub reads_per_second: f64,
    /// Share found in memory; `None` without reads.
    pub hit_rate: Option<f64>,
    /// By where the answer came from.
    pub by_source: BTreeMap<String, f64>,
}

pub(super) fn edge(tells: &Tells<'_>) -> Vec<EdgeRoute> {
    let routes = split(tells, "gateway_cache_requests_total", &["route", "result"]);
    let told = routes.into_iter().map(|(route, by_result)| {
        let (warm, all) = totals(&by_result, &WARM);
        EdgeRoute {
            route,
            warm_per_second: warm,
            cold_per_second: all - warm,
            warm_share: (all > 0.0).then(|| warm / all),
            by_result,
        }
    });
    told.collect()
}

pub(super) fn own(tells: &Tells<'_>) -> Vec<Family> {
    let families = split(tells, "freshness_reads_total", &["family", "source"]);
    let told = families.into_iter().map(|(family, by_source)| {
        let (found, all) = totals(&by_source, &FOUND);
        Family { family, reads_per_second: all, hit_rate: (all > 0.0).then(|| found / all), by_source }
    });
    told.collect()
}

fn split(
    tells: &Tells<'_>,
    metric: &'static str,
    by: &'static [&'static str],
) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut found: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for (group, rate) in tells.rates(metric, by) {
        found.entry(nth(&group, 1)).or_default().insert(nth(&group, 2), rate);
    }
    found
}

fn totals(parts: &BTreeMap<String, f64>, chosen: &[&str]) -> (f64, f64) {
    let of =
        |take: &dyn Fn(&str) -> bool| parts.iter().filter(|(name, _)| take(name)).map(|(_, rate)| rate).sum();
    (of(&|name| chosen.contains(&name)), of(&|_| true))
}
