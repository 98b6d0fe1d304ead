//! How long connections to upstreams are kept, and how often they are used.

use std::time::{Duration, Instant};

use test_harness::wait_until;

use super::instance::{Act, Instance, ask, ask_later, gateway_to_all, metric_of};
use crate::harness::PATIENCE;

fn connections(instance: &Instance) -> Vec<usize> {
    instance.seen().iter().map(|seen| seen.connection).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_carries_no_more_requests_than_it_may() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "max_requests_per_connection = 3", "");
    for _ in 0..7 {
        ask(&gateway).await;
    }
    assert_eq!(connections(&instance), [0, 0, 0, 1, 1, 1, 2]);
    wait_until("the used up ones to be closed", PATIENCE, async || instance.open() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_not_used_when_it_has_grown_old() {
    let instance = Instance::start("a").await;
    let began = Instant::now();
    let gateway = gateway_to_all(&[instance.addr], "max_connection_age_secs = 1", "");
    wait_until("another connection", PATIENCE, async || {
        ask(&gateway).await;
        connections(&instance).last() == Some(&1)
    })
    .await;
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_though_nothing_happens() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "idle_timeout_ms = 100", "");
    ask(&gateway).await;
    assert_eq!(instance.open(), 1);
    wait_until("the connection to be closed", PATIENCE, async || instance.open() == 0).await;
    let idle = metric_of(&gateway, "gateway_upstream_connections", "upstream=\"u\",state=\"idle\"").await;
    assert_eq!(idle, 0);
    ask(&gateway).await;
    assert_eq!(connections(&instance), [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_idle_connections_are_kept_than_asked_for() {
    let instance = Instance::start("a").await;
    instance.act(Act::Hold);
    let gateway = gateway_to_all(&[instance.addr], "max_idle_per_worker = 2", "");
    let held: Vec<_> = (0..6).map(|_| ask_later(&gateway)).collect();
    instance.wait_for_count(6).await;
    assert_eq!(instance.open(), 6);
    instance.act(Act::Answer(200));
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().text().await.unwrap(), "a");
    }
    wait_until("the others to be closed", PATIENCE, async || instance.open() == 2).await;
    for (state, expected) in [("idle", 2), ("active", 0)] {
        let labels = format!("upstream=\"u\",state=\"{state}\"");
        assert_eq!(metric_of(&gateway, "gateway_upstream_connections", &labels).await, expected, "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_a_client_broke_is_replaced_before_it_is_missed() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "body_limit_bytes = 1000");
    ask(&gateway).await;
    let chunk = "x".repeat(0x800);
    let request = format!(
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n800\r\n{chunk}\r\n0\r\n\r\n"
    );
    let refused = gateway.raw(&request).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    wait_until("another connection in the place of the broken one", PATIENCE, async || {
        let idle = metric_of(&gateway, "gateway_upstream_connections", "upstream=\"u\",state=\"idle\"").await;
        idle == 1 && instance.open() == 1
    })
    .await;
    ask(&gateway).await;
    assert_eq!(connections(&instance), [0, 1], "it was there already");
    assert_eq!(instance.open(), 1);
}
