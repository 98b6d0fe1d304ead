//! The line that says why a request was slow.

use std::sync::Arc;
use std::time::Duration;

use telemetry::redact;
use telemetry::request::{Account, Cause, Part, Peer, RequestStats, Statements};

/// Texts of statements in a line.
const MAX_LISTED: usize = 10;
/// Characters of each.
const MAX_LISTED_CHARS: usize = 2000;
/// The least share of the request that makes its slowest statement worth a plan.
const WORTH_EXPLAINING: f64 = 0.1;

/// A request that took longer than it should, with all that explains it.
#[derive(Debug)]
pub struct SlowRequest<'a> {
    /// Its method, as in metrics.
    pub method: &'static str,
    /// Its route's pattern or name.
    pub route: &'a str,
    /// Its path.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// What caches did, as the answer's `Cache-Status` says.
    pub cache_status: Option<&'a str>,
    /// Where the time went.
    pub account: &'a Account,
    /// What it did.
    pub stats: &'a Arc<RequestStats>,
}

impl SlowRequest<'_> {
    /// Writes the line, and has the slowest statement explained in another one if it took much of the time.
    pub fn log(&self) {
        let Self { account, stats, .. } = self;
        let cause = Cause::of(account);
        let part = |part: Part| account.spent.has(part).then(|| millis(account.spent.on(part)));
        let peers = stats.peers();
        let slowest_peer = peers.iter().max_by_key(|peer| peer.took).filter(|_| cause == Cause::Upstream);
        let statements = stats.slowest_statements();
        let lookups = stats.lookups();
        let some = |count: u64| (count > 0).then_some(count);
        // The slowest statements come first, so that a line cut by a log shipper still shows them.
        tracing::warn!(
            target: "slow",
            method = self.method,
            route = self.route,
            path = self.path,
            status = self.status,
            duration_ms = millis(account.total),
            cause = cause.as_str(),
            peer = slowest_peer.map(|peer| &*peer.name),
            db_ms = part(Part::Database),
            pool_wait_ms = part(Part::Pool),
            redis_ms = part(Part::Redis),
            cache_wait_ms = part(Part::CacheWait),
            announce_ms = part(Part::Announce),
            upstream_ms = part(Part::Upstream),
            recv_ms = part(Part::Client),
            queue_ms = part(Part::Queue),
            late_ms = part(Part::Late),
            blocked_ms = part(Part::Blocked),
            own_ms = (!account.own.is_empty()).then(|| listed_parts(account)),
            app_ms = millis(account.app),
            statements = stats.statements(),
            statement_list = (!statements.is_empty()).then(|| tracing::field::debug(listed(&statements))),
            cache_status = self.cache_status,
            cache_hits = some(lookups.hits),
            cache_misses = some(lookups.misses),
            cache_waits = some(lookups.waits),
            cache_bypasses = some(lookups.bypasses),
            cache_unreachable = some(lookups.unreachable),
            peers = (!peers.is_empty()).then(|| listed_peers(&peers)),
            "slow request"
        );
        let worth = account.total.mul_f64(WORTH_EXPLAINING);
        if statements.first().is_some_and(|slowest| slowest.max >= worth) {
            stats.explain_slowest();
        }
    }
}

/// One entry a text: how often it ran, how long together, how long the slowest time.
fn listed(statements: &[Statements]) -> Vec<String> {
    let entry = |one: &Statements| {
        let text: String = redact::statement(&one.sql).chars().take(MAX_LISTED_CHARS).collect();
        format!("{} x {:.3} ms (max {:.3}): {text}", one.count, millis(one.total), millis(one.max))
    };
    statements.iter().take(MAX_LISTED).map(entry).collect()
}

fn listed_parts(account: &Account) -> String {
    let entry = |(name, took): &(&str, Duration)| format!("{name}={:.3}", millis(*took));
    account.own.iter().map(entry).collect::<Vec<_>>().join(" ")
}

/// Tries and milliseconds of each.
fn listed_peers(peers: &[Peer]) -> String {
    let entry = |peer: &Peer| format!("{}: {} x {:.3} ms", peer.name, peer.tries, millis(peer.took));
    peers.iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
