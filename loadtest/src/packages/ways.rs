//! The ways to pages that are compared: early and deep, known and not, and those of the reference.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde_json::Value;

use super::bench::Args;
use super::cell::Way;
use super::paths::{DEEP, FIRST, LIMIT, Paths};
use super::system::{Pids, System};
use crate::freshness::pool::Pool;
use crate::stories::cpu::listeners;

/// Entries of a page while cursors are collected.
const STRIDE: usize = 100;
const FIRST_PAGE: &str = "The first page of 20";
const EARLY_PAGE: &str = "An early page, another each time";
pub(super) const DEEP_PAGE: &str = "A deep page, another each time";

/// Ways to pages that are compared.
pub(super) struct Comparison {
    pub(super) title: &'static str,
    pub(super) ways: Vec<Arc<Way>>,
}

/// Everything that ways are made of.
pub(super) struct Sides<'a> {
    pub(super) system: &'a System,
    pub(super) pids: Pids,
    pub(super) bearer: HeaderValue,
    pub(super) peer: Option<Peer>,
}

/// A reference that runs.
pub(super) struct Peer {
    addr: SocketAddr,
    form: String,
    own: Vec<u32>,
    postgres: Vec<u32>,
    redis: Vec<u32>,
}

/// Where deep pages begin: at three quarters where there are fewer packages.
pub(super) fn deep_rows(packages: usize) -> usize {
    DEEP.min(packages * 3 / 4)
}

impl Peer {
    /// The one that is named, if one is.
    pub(super) fn of(args: &Args) -> anyhow::Result<Option<Self>> {
        let Some(peer) = &args.peer else { return Ok(None) };
        let (addr, form) = peer.split_once('/').context("--peer is ADDR/FORM")?;
        let addr: SocketAddr = addr.parse().context("--peer is ADDR/FORM")?;
        let own = listeners(addr.port());
        anyhow::ensure!(!own.is_empty(), "nobody listens on {addr}");
        let behind = |port: Option<u16>| port.map(listeners).unwrap_or_default();
        let (postgres, redis) = (behind(args.peer_postgres), behind(args.peer_redis));
        Ok(Some(Self { addr, form: form.to_owned(), own, postgres, redis }))
    }
}

/// Pages that begin with a cursor.
pub(super) struct Cursors {
    /// At many places beyond the deep row.
    pub(super) deep: Vec<String>,
    /// At the last page.
    pub(super) last: String,
}

/// Goes through the whole list once: cursors are had by nothing else.
pub(super) async fn cursors(sides: &Sides<'_>, deep: usize, packages: usize) -> anyhow::Result<Cursors> {
    let way = sides.forgetful("cursors", Paths::One(String::new()));
    let pool = Pool::new(way.addr);
    let (mut row, mut cursor, mut found) = (0, String::new(), Vec::new());
    while row + LIMIT < packages {
        let stride = if row + STRIDE + LIMIT <= packages { STRIDE } else { LIMIT };
        let reply = way.once(&pool, &format!("/v1/packages?limit={stride}{cursor}")).await?;
        let page: Value = serde_json::from_slice(&reply.body)?;
        let next = page.get("next").and_then(Value::as_str).context("the list ends before it should")?;
        row += stride;
        cursor = format!("&cursor={next}");
        if row >= deep {
            found.push(format!("{FIRST}{cursor}"));
        }
    }
    let last = found.last().cloned().context("there are too few packages")?;
    Ok(Cursors { deep: found, last })
}

impl Sides<'_> {
    fn way(&self, name: &str, addr: SocketAddr, own: Vec<u32>, paths: Paths) -> Way {
        let (postgres, redis) = (vec![self.pids.postgres], vec![self.pids.redis]);
        let bearer = Some(self.bearer.clone());
        let (tag, most_statements) = (None, None);
        Way { name: name.to_owned(), addr, own, postgres, redis, paths, bearer, tag, most_statements }
    }

    /// Reads who asks and the page.
    fn forgetful(&self, name: &str, paths: Paths) -> Way {
        let way = self.way(name, self.system.forgetful_addr, vec![self.pids.forgetful], paths);
        Way { most_statements: Some(2.0), ..way }
    }

    /// Reads the page, where it does not know it.
    fn service(&self, name: &str, paths: Paths) -> Way {
        let way = self.way(name, self.system.service_addr, vec![self.pids.service], paths);
        Way { most_statements: Some(1.0), ..way }
    }

    fn gateway(&self, name: &str, paths: Paths) -> Way {
        self.way(name, self.system.door, vec![self.pids.gateway, self.pids.service], paths)
    }

    /// The reference, where there is one.
    fn peer(&self, what: &str, rows: (usize, usize), entries: (u64, u64)) -> Option<Way> {
        let peer = self.peer.as_ref()?;
        Some(Way {
            name: format!("reference, {}, {what}", peer.form),
            addr: peer.addr,
            own: peer.own.clone(),
            postgres: peer.postgres.clone(),
            redis: peer.redis.clone(),
            paths: Paths::Skip { form: peer.form.clone(), rows, entries },
            bearer: None,
            tag: None,
            most_statements: None,
        })
    }
}

/// All that is compared.
///
/// # Errors
/// Where the first page is not answered.
pub(super) async fn comparisons(
    sides: &Sides<'_>,
    cursors: &Cursors,
    now: DateTime<Utc>,
    packages: usize,
) -> anyhow::Result<Vec<Comparison>> {
    let first = || Paths::One(FIRST.to_owned());
    let mut confirmed = sides.gateway("gateway, 304", first());
    let reply = confirmed.once(&Pool::new(confirmed.addr), FIRST).await?;
    confirmed.tag = Some(reply.headers.get("etag").cloned().context("a page without a tag")?);
    let entries = u64::try_from(LIMIT)?;
    let deep = deep_rows(packages);
    let known = vec![
        sides.forgetful("service that keeps nothing", first()),
        sides.service("service, page known", first()),
        sides.gateway("gateway, page known", first()),
        confirmed,
    ];
    let early = vec![
        sides.forgetful("service that keeps nothing", Paths::early(now)),
        sides.service("service, page not known", Paths::early(now)),
        sides.gateway("gateway and service, page not known", Paths::early(now)),
        sides.forgetful("service that keeps nothing, by page number", Paths::Numbered),
    ];
    let beyond = vec![
        sides.forgetful("service that keeps nothing, first page", first()),
        sides.forgetful("service that keeps nothing, cursors", Paths::Some(cursors.deep.clone())),
        sides.forgetful("service that keeps nothing, last page", Paths::One(cursors.last.clone())),
        sides.forgetful("service that keeps nothing, before an instant", Paths::deep(now, deep, packages)),
        sides.service("service, page not known, before an instant", Paths::deep(now, deep, packages)),
    ];
    let compared = |title, ways: Vec<Way>, peer: Option<Way>| {
        let ways = ways.into_iter().chain(peer).map(Arc::new).collect();
        Comparison { title, ways }
    };
    Ok(vec![
        compared(FIRST_PAGE, known, sides.peer("page known", (0, 1), (entries, entries))),
        compared(EARLY_PAGE, early, sides.peer("page not known", (0, 5_000.min(packages)), (20, 40))),
        compared(
            DEEP_PAGE,
            beyond,
            sides.peer("page not known", (deep, packages - LIMIT), (entries, entries)),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_pages_exist_also_among_fewer_packages() {
        assert_eq!(deep_rows(200_000), 150_000);
        assert_eq!(deep_rows(20_000), 15_000);
    }
}
