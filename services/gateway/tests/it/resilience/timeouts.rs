//! Instances that take too long.

use std::time::{Duration, Instant};

use test_harness::wait_until;

use super::instance::{Act, Instance, ask, gateway_to_all, metric_of};
use crate::harness::{PATIENCE, problem_code};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_instance_loses_no_idempotent_request_when_tries_have_a_limit() {
    let (paused, well) = (Instance::start("paused").await, Instance::start("well").await);
    paused.act(Act::Hold);
    let gateway = gateway_to_all(&[paused.addr, well.addr], "", "try_timeout_ms = 60\ntimeout_ms = 20000");
    for _ in 0..12 {
        assert_eq!(ask(&gateway).await, "well");
    }
    // After that it was ejected.
    assert_eq!(paused.count(), 5);
    let timeouts =
        metric_of(&gateway, "gateway_upstream_failures_total", "upstream=\"u\",reason=\"timeout\"").await;
    assert_eq!(timeouts, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_limit_does_not_cut_a_post_short() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Hold);
    b.act(Act::Hold);
    let gateway = gateway_to_all(&[a.addr, b.addr], "", "try_timeout_ms = 20\ntimeout_ms = 20000");
    let posted = tokio::spawn(gateway.post("/").body("x").send());
    wait_until("the POST to arrive", PATIENCE, async || a.count() + b.count() == 1).await;
    // A GET beside it is tried at both; by then the limit has passed.
    let asked = tokio::spawn(gateway.get("/").send());
    wait_until("the GET to be tried at both", PATIENCE, async || a.count() + b.count() == 3).await;
    a.act(Act::Answer(200));
    b.act(Act::Answer(200));
    assert_eq!(posted.await.unwrap().unwrap().status(), 200);
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    let seen = [a.seen(), b.seen()].concat();
    assert_eq!(seen.iter().filter(|seen| seen.head.starts_with("POST")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_limit_means_nothing_where_nobody_else_can_be_asked() {
    let instance = Instance::start("alone").await;
    instance.act(Act::Hold);
    let gateway = gateway_to_all(&[instance.addr], "", "try_timeout_ms = 20\ntimeout_ms = 150");
    let answer = gateway.get("/").send().await.unwrap();
    assert_eq!(problem_code(answer).await, (504, "gateway_timeout".to_owned()));
    assert_eq!(instance.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_a_hurry_gets_its_timeout_and_has_nobody_ejected() {
    let (slow, well) = (Instance::start("slow").await, Instance::start("well").await);
    slow.act(Act::Hold);
    let gateway =
        gateway_to_all(&[slow.addr, well.addr], "outlier.consecutive_failures = 2", "timeout_ms = 20000");
    let mut timeouts = 0;
    while timeouts < 6 {
        let answer = gateway.get("/").header("x-request-timeout-ms", "30").send().await.unwrap();
        timeouts += usize::from(answer.status() == 504);
    }
    let metrics = gateway.http.get(format!("http://{}/metrics", gateway.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(!metrics.contains("gateway_upstream_failures_total{"), "{metrics}");
    assert_eq!(slow.count(), 6);
    let hurried = slow.seen().iter().all(|seen| seen.head.contains("x-request-timeout-ms: 30\r\n"));
    assert!(hurried, "{:?}", slow.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_try_limit_a_slow_answer_is_asked_for_once() {
    for method in [reqwest::Method::GET, reqwest::Method::POST] {
        let (a, b) = (Instance::start("a").await, Instance::start("b").await);
        a.act(Act::Hold);
        b.act(Act::Hold);
        let gateway = gateway_to_all(&[a.addr, b.addr], "", "timeout_ms = 120");
        let began = Instant::now();
        let answer = gateway.http.request(method, &gateway.base).send().await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(120));
        assert_eq!(problem_code(answer).await, (504, "gateway_timeout".to_owned()));
        assert_eq!(a.count() + b.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tries_together_take_no_longer_than_the_request_may() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Hold);
    b.act(Act::Hold);
    let route = "try_timeout_ms = 100\ntimeout_ms = 250";
    let gateway = gateway_to_all(&[a.addr, b.addr], "retries = 50\nbalance.retry_budget_min = 50", route);
    let began = Instant::now();
    let answer = gateway.get("/").send().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(250));
    assert_eq!(problem_code(answer).await, (504, "gateway_timeout".to_owned()));
    assert!((2..=3).contains(&(a.count() + b.count())), "{} {}", a.count(), b.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_is_told_how_long_the_answer_may_take() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "timeout_ms = 7000");
    // What a client says of it does not count.
    let answer = gateway.get("/").header("x-request-timeout-ms", "999999").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let head = &instance.seen()[0].head;
    assert_eq!(head.matches("x-request-timeout-ms: ").count(), 1, "{head}");
    assert!(head.contains("\r\nx-request-timeout-ms: 7000\r\n"), "{head}");
}
