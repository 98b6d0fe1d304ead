//! Open-model load: each request leaves when it is due, whatever became of those before, and its latency counts from that instant, so
//! that a server that stalls cannot hide it by stalling the client (coordinated omission; H-B1).

use std::sync::Arc;
use std::sync::mpsc as sync_mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::arrivals::{Arrival, Ask};
use super::side::Target;
use crate::freshness::pool::Pool;
use crate::load::keep_pace;

/// Longest wait for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Requests under way at most. Who would be one more is not sent, and counts as an error: the server has drowned.
const MOST_UNDER_WAY: usize = 4_096;

/// Longest until a system that says that it is ready answers well.
const LONGEST_START: Duration = Duration::from_secs(15);
const BETWEEN_PROBES: Duration = Duration::from_millis(100);

/// One request and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// From the beginning of the measurement.
    pub(super) due: Duration,
    /// From the instant it was due to the last byte of the answer, or to the failure.
    pub(super) latency: Duration,
    /// Bytes of a good answer's body; what was wrong with another.
    pub(super) end: Result<usize, String>,
}

/// Sends all of it, and returns when the last answer is there.
///
/// # Errors
/// When there is no thread left, or a request cannot be made.
pub(super) async fn drive(
    pool: &Arc<Pool>,
    target: &Target,
    arrivals: &[Arrival],
) -> anyhow::Result<Vec<Sample>> {
    // Dropped with this future, which ends the thread.
    let (_running, stopped) = sync_mpsc::channel();
    let (tick, mut ticks) = mpsc::unbounded_channel();
    let dues: Vec<Duration> = arrivals.iter().map(|arrival| arrival.due).collect();
    // Timers of the runtime are good to a millisecond, as long as many an answer here; a thread's are finer.
    std::thread::Builder::new()
        .name("pacer".to_owned())
        .spawn(move || keep_pace(dues.into_iter(), &stopped, &tick))
        .context("cannot start the pacer")?;
    let under_way = Arc::new(Semaphore::new(MOST_UNDER_WAY));
    let (mut tasks, mut samples) = (JoinSet::new(), Vec::with_capacity(arrivals.len()));
    for arrival in arrivals {
        let Some(at) = ticks.recv().await else { break };
        let due = arrival.due;
        match Arc::clone(&under_way).try_acquire_owned() {
            Ok(permit) => {
                let (pool, target, ask) = (Arc::clone(pool), target.clone(), arrival.ask);
                tasks.spawn(async move {
                    let end = once(&pool, &target, ask).await;
                    drop(permit);
                    anyhow::Ok(Sample { due, latency: at.elapsed(), end: end? })
                });
            }
            Err(_) => {
                samples.push(Sample { due, latency: at.elapsed(), end: Err("too many under way".to_owned()) })
            }
        }
        while let Some(ended) = tasks.try_join_next() {
            samples.push(ended??);
        }
    }
    while let Some(ended) = tasks.join_next().await {
        samples.push(ended??);
    }
    Ok(samples)
}

/// One request: bytes of a good answer, or what was wrong with it.
pub(super) async fn once(pool: &Pool, target: &Target, ask: Ask) -> anyhow::Result<Result<usize, String>> {
    let request = (target.make)(ask)?;
    Ok(match pool.exchange(request, PATIENCE).await {
        Ok(reply) if (target.good)(reply.status) => Ok(reply.body.len()),
        Ok(reply) => Err(reply.status.as_u16().to_string()),
        Err(failure) => Err(failure.label().to_owned()),
    })
}

/// Asks once and expects a good answer, of which this is the body; what came instead is in the error.
pub(super) async fn probe(pool: &Pool, target: &Target, ask: Ask) -> anyhow::Result<Bytes> {
    let request = (target.make)(ask)?;
    let what = format!("{} http://{}{}", request.method(), target.addr, request.uri());
    let reply = pool.exchange(request, PATIENCE).await;
    let reply = reply.map_err(|failure| anyhow::anyhow!("{what}: {}", failure.label()))?;
    let text = || String::from_utf8_lossy(&reply.body).chars().take(400).collect::<String>();
    anyhow::ensure!((target.good)(reply.status), "{what}: {} {}", reply.status, text());
    Ok(reply.body)
}

/// The same until the answer is good: a gateway may have found nobody behind it yet, and no keys.
pub(super) async fn until_answered(pool: &Pool, target: &Target, ask: Ask) -> anyhow::Result<Bytes> {
    let deadline = Instant::now() + LONGEST_START;
    loop {
        match probe(pool, target, ask).await {
            Err(_) if Instant::now() < deadline => sleep(BETWEEN_PROBES).await,
            end => return end,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicU64, Ordering};

    use http::{HeaderMap, Request, Response, StatusCode};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::super::side::get;
    use super::*;

    /// A server that answers nothing until it is told to, except what asks for more than it has.
    async fn gated() -> (SocketAddr, watch::Sender<bool>, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (open, opened) = watch::channel(false);
        let asked = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (opened, counted) = (opened.clone(), Arc::clone(&counted));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (mut opened, counted) = (opened.clone(), Arc::clone(&counted));
                    async move {
                        counted.fetch_add(1, Ordering::Relaxed);
                        opened.wait_for(|open| *open).await.unwrap();
                        let mut response = Response::new(Full::new(Bytes::from_static(b"12345")));
                        if request.uri().path() == "/3" {
                            *response.status_mut() = StatusCode::NOT_FOUND;
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (addr, open, asked)
    }

    fn target(addr: SocketAddr) -> Target {
        let make = Arc::new(move |ask| {
            let (Ask::Known(number) | Ask::Fresh(number) | Ask::Detail(number)) = ask;
            get(addr, &format!("/{number}"), &HeaderMap::new())
        });
        Target { addr, make, good: |status| status == 200 }
    }

    fn every(step: Duration, count: u32) -> Vec<Arrival> {
        (0..count).map(|number| Arrival { due: step * number, ask: Ask::Fresh(number.into()) }).collect()
    }

    #[tokio::test]
    async fn a_server_that_stalls_is_still_asked_and_everyone_who_waited_counts() {
        let (addr, open, asked) = gated().await;
        let arrivals = every(Duration::from_millis(5), 40);
        let (pool, target) = (Arc::new(Pool::new(addr)), target(addr));
        let driven = tokio::spawn(async move { drive(&pool, &target, &arrivals).await.unwrap() });
        // All forty are asked although none is answered, which a client that waits for its answer would never do.
        while asked.load(Ordering::Relaxed) < 40 {
            tokio::task::yield_now().await;
        }
        open.send(true).unwrap();
        let samples = driven.await.unwrap();
        assert_eq!(samples.len(), 40);
        // The first had waited for all the others to be due; each later one for less.
        for sample in &samples {
            assert!(sample.latency + sample.due >= Duration::from_millis(5 * 39), "{sample:?}");
        }
        assert_eq!(samples.iter().filter(|sample| sample.end == Ok(5)).count(), 39);
        assert_eq!(samples.iter().filter(|sample| sample.end == Err("404".to_owned())).count(), 1);
    }

    #[tokio::test]
    async fn a_probe_says_what_it_got_instead() {
        let (addr, open, _) = gated().await;
        open.send(true).unwrap();
        let (pool, target) = (Pool::new(addr), target(addr));
        assert_eq!(probe(&pool, &target, Ask::Known(1)).await.unwrap(), "12345");
        let error = probe(&pool, &target, Ask::Known(3)).await.unwrap_err().to_string();
        assert!(error.contains("/3: 404 Not Found 12345"), "{error}");
    }
}
