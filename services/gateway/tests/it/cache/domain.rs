//! Under the lease of a domain, with a real Redis and a real NATS: hits, writes that are seen at once, and cut connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use broadcast::{Broadcast, NatsConfig};
use freshness::{Freshness, FreshnessConfig, FreshnessError, Groups, WriteError};
use telemetry::metrics::Metrics;
use test_harness::{ChaosProxy, nats_url, redis_url, wait_until};

use super::world::{is_hit, request, status};
use crate::harness::{Gateway, PATIENCE, catch_all, gateway, raw_upstream};
use crate::http::wire::{Message, Peer};

/// A gateway whose only upstream belongs to a domain.
pub(super) fn governed(upstream: SocketAddr, domain: &str, redis: &str, nats: &str) -> String {
    let route = catch_all(upstream, "").replace("[[route]]", &format!("freshness = \"{domain}\"\n[[route]]"));
    format!("[cache]\n[nats]\nurl = \"{nats}\"\n[freshness.{domain}]\nredis_url = \"{redis}\"\n{route}")
}

#[derive(Debug)]
struct WriteFailed;

impl From<FreshnessError> for WriteFailed {
    fn from(_: FreshnessError) -> Self {
        Self
    }
}

/// A service with one number, and its domain.
struct Service {
    addr: SocketAddr,
    domain: String,
    number: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
    freshness: Freshness,
}

impl Service {
    async fn start() -> Self {
        let domain = format!("test-{:016x}", rand::random::<u64>());
        let (number, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let (shown, counted) = (Arc::clone(&number), Arc::clone(&asked));
        let addr = raw_upstream(move |stream, _| {
            let (number, asked) = (Arc::clone(&shown), Arc::clone(&counted));
            async move {
                let mut peer = Peer::new(stream);
                while peer.message().await.is_some() {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let body = number.load(Ordering::SeqCst).to_string();
                    let fields = "cdn-cache-control: public, max-age=600\r\ncache-control: no-cache\r\ncache-groups: \"numbers\"";
                    let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {}", body.len());
                    peer.send(format!("{head}\r\n\r\n{body}")).await;
                }
            }
        })
        .await;
        let nats = NatsConfig { url: nats_url(), ..NatsConfig::default() };
        let broadcast = Broadcast::connect(&nats).await.unwrap();
        let (config, metrics) = (FreshnessConfig::default(), Metrics::new("test"));
        let freshness =
            Freshness::start(config, &redis_url().into(), broadcast, &domain, &metrics).await.unwrap();
        Self { addr, domain, number, asked, freshness }
    }

    fn gateway(&self, redis: &str, nats: &str) -> Gateway {
        gateway(&governed(self.addr, &self.domain, redis, nats))
    }

    /// Returns when the write is confirmed.
    async fn write(&self, value: u64) -> Result<(), WriteFailed> {
        let groups = Groups::of(["numbers"]).unwrap();
        let commit = async || {
            self.number.store(value, Ordering::SeqCst);
            Ok::<_, WriteError<WriteFailed>>(())
        };
        self.freshness.write(groups, "numbers", commit).await.map(|_written| ())
    }

    async fn write_at_last(&self, value: u64) {
        wait_until("the write", PATIENCE, async || self.write(value).await.is_ok()).await;
    }
}

async fn get(gateway: &Gateway) -> Message {
    let mut peer = Peer::to(gateway).await;
    peer.send(request("GET", "/number", "")).await;
    peer.final_answer().await
}

async fn wait_for_hit(gateway: &Gateway) {
    wait_until("an answer from memory", PATIENCE, async || is_hit(&get(gateway).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_seen_at_once_through_every_gateway() {
    let service = Service::start().await;
    let gateways = [0, 1].map(|_| service.gateway(&redis_url(), &nats_url()));
    for gateway in &gateways {
        wait_for_hit(gateway).await;
        let answer = get(gateway).await;
        assert!(
            answer.field("cdn-cache-control").is_none(),
            "other caches hear of no writes: {}",
            answer.head
        );
    }
    let mut hits = 0;
    for value in 1..=50 {
        service.write_at_last(value).await;
        for gateway in &gateways {
            for _ in 0..3 {
                let answer = get(gateway).await;
                assert_eq!(answer.text(), value.to_string(), "{}", answer.head);
                hits += usize::from(is_hit(&answer));
            }
        }
    }
    assert!(hits > 100, "{hits} of 300 from memory");
    assert!(service.asked.load(Ordering::SeqCst) < 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_a_number_go_back() {
    let service = Arc::new(Service::start().await);
    let gateways = [0, 1].map(|_| Arc::new(service.gateway(&redis_url(), &nats_url())));
    for gateway in &gateways {
        wait_for_hit(gateway).await;
    }
    let confirmed = Arc::new(AtomicU64::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for at in 0..4 {
        let (gateway, confirmed) = (Arc::clone(&gateways[at % 2]), Arc::clone(&confirmed));
        readers.spawn(async move {
            let mut peer = Peer::to(&gateway).await;
            loop {
                let at_least = confirmed.load(Ordering::SeqCst);
                if at_least >= 60 {
                    return;
                }
                peer.send(request("GET", "/number", "")).await;
                let answer = peer.final_answer().await;
                let seen: u64 = answer.text().parse().unwrap();
                assert!(seen >= at_least, "{seen} after {at_least} was confirmed: {}", answer.head);
            }
        });
    }
    for value in 1..=60 {
        service.write_at_last(value).await;
        confirmed.store(value, Ordering::SeqCst);
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_hear_of_writes_answers_nothing_from_memory() {
    let service = Service::start().await;
    let cut_off_from = [ChaosProxy::to_url(&nats_url()), ChaosProxy::to_url(&redis_url())];
    let nats = service.gateway(&redis_url(), &cut_off_from[0].rewrite(&nats_url()));
    let redis = service.gateway(&cut_off_from[1].rewrite(&redis_url()), &nats_url());
    let healthy = service.gateway(&redis_url(), &nats_url());
    for gateway in [&nats, &redis, &healthy] {
        wait_for_hit(gateway).await;
    }
    for proxy in &cut_off_from {
        proxy.cut();
    }
    // Confirmed although two gateways may not have heard: from here on nobody may see less.
    service.write_at_last(1).await;
    for gateway in [&nats, &redis, &healthy] {
        assert_eq!(get(gateway).await.text(), "1");
    }
    for gateway in [&nats, &redis] {
        wait_until("the lease to be lost", PATIENCE, async || {
            status(&get(gateway).await).ends_with("detail=no-lease")
        })
        .await;
    }
    assert!(is_hit(&get(&healthy).await), "the third one goes on");
    for proxy in &cut_off_from {
        proxy.restore();
    }
    for gateway in [&nats, &redis] {
        wait_for_hit(gateway).await;
    }
    service.write_at_last(2).await;
    for gateway in [&nats, &redis, &healthy] {
        assert_eq!(get(gateway).await.text(), "2");
    }
}
