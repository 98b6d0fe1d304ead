//! Connections that go away under a request: an idle one costs nothing, and retries stay within their budget.

use test_harness::wait_until;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::instance::{Act, Instance, ask_later, balanced, finished, gateway_to_all};
use super::process::{Running, Wire};
use crate::harness::{PATIENCE, gateway_to, raw_upstream, read_head};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_closed_while_idle_costs_no_post() {
    let (closed, mut closes) = tokio::sync::mpsc::unbounded_channel();
    let addr = raw_upstream(move |mut stream: TcpStream, number| {
        let closed = closed.clone();
        async move {
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", number.to_string().len());
            stream.write_all(format!("{answer}{number}").as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            closed.send(number).unwrap();
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    for expected in 0..50 {
        let answer = gateway.post("/").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), expected.to_string());
        assert_eq!(closes.recv().await, Some(expected));
    }
}

/// The gateway sleeps while its idle connection is closed and the next request comes: it wakes up to both.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_meets_a_closing_connection_is_sent_once_over_another() {
    let mut instance = Instance::start("first").await;
    let addr = instance.addr;
    let gateway = Running::start(&balanced(&[addr], "idle_timeout_ms = 60000", "")).await;
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\none").await;
    assert_eq!(wire.answer().await.unwrap().body, b"first");
    for name in ["second", "third", "fourth", "fifth"] {
        gateway.freeze().await;
        wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\ntwo").await;
        instance.stop().await;
        instance = Instance::start_at(name, addr).await;
        gateway.process.thaw();
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, name.as_bytes()));
        assert_eq!(instance.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_under_way_stay_within_the_budget() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Hold);
    b.act(Act::Hold);
    let upstream = "balance.retry_budget_percent = 20\nbalance.retry_budget_min = 0\n\
                    outlier.consecutive_failures = 0";
    let gateway = gateway_to_all(&[a.addr, b.addr], upstream, "");
    let asked: Vec<_> = (0..40).map(|_| ask_later(&gateway)).collect();
    let seen = || a.count() + b.count();
    wait_until("all requests", PATIENCE, async || seen() == 40).await;
    assert_eq!((a.count(), b.count()), (20, 20));
    // Each instance fails what it has; what comes again is held.
    a.act(Act::ResetFirst(20));
    b.act(Act::ResetFirst(20));
    wait_until("every request fails or is held", PATIENCE, async || finished(&asked) + seen() - 40 == 40)
        .await;
    let retried = seen() - 40;
    assert!((1..=8).contains(&retried), "{retried} retries of 40 requests");
    a.act(Act::Answer(200));
    b.act(Act::Answer(200));
    let mut answered = 0;
    for asked in asked {
        let status = asked.await.unwrap().unwrap().status().as_u16();
        assert!(status == 200 || status == 502, "{status}");
        answered += usize::from(status == 200);
    }
    assert_eq!(answered, retried);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_nothing_is_asked_twice() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Reset);
    b.act(Act::Reset);
    let upstream = "balance.retry_budget_percent = 0\nbalance.retry_budget_min = 0";
    let gateway = gateway_to_all(&[a.addr, b.addr], upstream, "");
    for asked in 1..=10 {
        assert_eq!(gateway.get("/").send().await.unwrap().status(), 502);
        assert_eq!(a.count() + b.count(), asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_tried_no_more_often_than_configured() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Reset);
    b.act(Act::Reset);
    for retries in [0, 1, 3] {
        let upstream = format!("retries = {retries}\nbalance.retry_budget_min = 10");
        let gateway = gateway_to_all(&[a.addr, b.addr], &upstream, "");
        let before = a.count() + b.count();
        assert_eq!(gateway.get("/").send().await.unwrap().status(), 502);
        assert_eq!(a.count() + b.count() - before, retries + 1);
    }
}
