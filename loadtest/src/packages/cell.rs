//! One measurement: so many requests by so many clients, and what each process used for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio::task::JoinSet;

use super::paths::Paths;
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Pool, Reply};
use crate::stats::percentile;
use crate::stories::cpu::Snapshot;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One way to a page.
pub(super) struct Way {
    pub(super) name: String,
    pub(super) addr: SocketAddr,
    /// Whose time is its own, and who stands behind it.
    pub(super) own: Vec<u32>,
    pub(super) postgres: Vec<u32>,
    pub(super) redis: Vec<u32>,
    pub(super) paths: Paths,
    /// None at the reference.
    pub(super) bearer: Option<HeaderValue>,
    /// Presented with each request, which is answered by 304 then.
    pub(super) tag: Option<HeaderValue>,
    /// Most statements that an answer takes.
    pub(super) most_statements: Option<f64>,
}

/// What one measurement gave.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub(super) own_10k: f64,
    pub(super) postgres_10k: f64,
    pub(super) redis_10k: f64,
    pub(super) p50: Duration,
    pub(super) p95: Duration,
    pub(super) bytes: usize,
    /// Statements of a request that tells, on average.
    pub(super) statements: Option<f64>,
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    bytes: usize,
    statements: u64,
    told: u64,
}

impl Way {
    pub(super) fn request(&self, path: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::get(path).header(header::HOST, self.addr.to_string());
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        Ok(request.body(Full::default())?)
    }

    /// So many requests by so many clients.
    pub(super) async fn measure(
        self: &Arc<Self>,
        seed: u64,
        clients: usize,
        requests: usize,
    ) -> anyhow::Result<Cell> {
        let (pool, given) = (Arc::new(Pool::new(self.addr)), Arc::new(AtomicUsize::new(0)));
        let groups = [&self.own, &self.postgres, &self.redis];
        let before = groups.map(|pids| Snapshot::of(pids));
        let mut tasks: JoinSet<anyhow::Result<Seen>> = JoinSet::new();
        for client in 0..clients {
            let (way, pool, given) = (Arc::clone(self), Arc::clone(&pool), Arc::clone(&given));
            let mut dice = Dice::new(seed, &self.name, client);
            tasks.spawn(async move {
                let mut seen = Seen::default();
                while given.fetch_add(1, Ordering::Relaxed) < requests {
                    let path = way.paths.next(&mut dice);
                    let began = Instant::now();
                    let reply = way.once(&pool, &path).await?;
                    seen.times.push(began.elapsed());
                    seen.note(&reply);
                }
                Ok(seen)
            });
        }
        let mut all = Seen::default();
        while let Some(ended) = tasks.join_next().await {
            let seen = ended??;
            all.times.extend(seen.times);
            all.bytes = all.bytes.max(seen.bytes);
            all.statements += seen.statements;
            all.told += seen.told;
        }
        let each = 1e4 / all.times.len().max(1) as f64;
        let mut used = groups
            .iter()
            .zip(&before)
            .map(|(pids, before)| Snapshot::of(pids).since(before).as_secs_f64() * each);
        let mut next = || used.next().unwrap_or_default();
        let (own_10k, postgres_10k, redis_10k) = (next(), next(), next());
        all.times.sort();
        Ok(Cell {
            own_10k,
            postgres_10k,
            redis_10k,
            p50: percentile(&all.times, 50),
            p95: percentile(&all.times, 95),
            bytes: all.bytes,
            statements: (all.told > 0).then(|| all.statements as f64 / all.told as f64),
        })
    }

    /// One request that has to be answered as it should.
    pub(super) async fn once(&self, pool: &Pool, path: &str) -> anyhow::Result<Reply> {
        let reply = pool.exchange(self.request(path)?, PATIENCE).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("{} {path}: {}", self.name, failure.label()))?;
        let expected = if self.tag.is_some() { 304 } else { 200 };
        anyhow::ensure!(
            reply.status == expected,
            "{} {path}: {} {}",
            self.name,
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        Ok(reply)
    }
}

impl Seen {
    fn note(&mut self, reply: &Reply) {
        self.bytes = self.bytes.max(reply.body.len());
        let told = reply.headers.get_all("server-timing").iter().filter_map(|value| value.to_str().ok());
        if let Some(count) = told.filter_map(statements).next() {
            self.statements += count;
            self.told += 1;
        }
    }
}

/// The count in `db;dur=1.2;desc="3 statements"` (Server-Timing).
fn statements(timing: &str) -> Option<u64> {
    let (_, rest) = timing.split_once("desc=\"")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_from_server_timing() {
        assert_eq!(statements("total;dur=3, db;dur=1.2;desc=\"3 statements\""), Some(3));
        assert_eq!(statements("total;dur=3"), None);
    }
}
