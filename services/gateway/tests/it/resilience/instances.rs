//! Several instances: who gets a request, and what the death of one costs.

use std::net::SocketAddr;

use reqwest::Method;
use test_harness::wait_until;

use super::instance::{Act, Instance, ask, ask_later, finished, gateway_to_all, metric_of, nobody};
use crate::harness::{PATIENCE, problem_code};

#[tokio::test(flavor = "multi_thread")]
async fn the_least_loaded_instance_gets_the_request() {
    let (a, b, c) = (Instance::start("a").await, Instance::start("b").await, Instance::start("c").await);
    let gateway = gateway_to_all(&[a.addr, b.addr, c.addr], "", "");
    for instance in [&a, &b, &c] {
        instance.act(Act::Hold);
    }
    let mut held = Vec::new();
    for count in 1..=3 {
        held.push(ask_later(&gateway));
        wait_until("arrival", PATIENCE, async || a.count() + b.count() + c.count() == count).await;
    }
    assert_eq!([a.count(), b.count(), c.count()], [1, 1, 1]);
    b.act(Act::Answer(200));
    wait_until("what `b` had to end", PATIENCE, async || finished(&held) == 1).await;
    for _ in 0..6 {
        assert_eq!(ask(&gateway).await, "b");
    }
    b.act(Act::Hold);
    held.push(ask_later(&gateway));
    b.wait_for_count(8).await;
    a.act(Act::Answer(200));
    wait_until("what `a` had to end", PATIENCE, async || finished(&held) == 2).await;
    assert_eq!(ask(&gateway).await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_instance_costs_no_request() {
    let alive = Instance::start("alive").await;
    // Never ejected, so that it is chosen again and again.
    let gateway = gateway_to_all(&[nobody(), alive.addr], "outlier.consecutive_failures = 0", "");
    for number in 0..20 {
        assert_eq!(ask(&gateway).await, "alive");
        let posted = gateway.post("/").body(number.to_string()).send().await.unwrap();
        assert_eq!((posted.status().as_u16(), posted.text().await.unwrap().as_str()), (200, "alive"));
    }
    let mut posted: Vec<String> = bodies(&alive, "POST");
    posted.dedup();
    assert_eq!(posted, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(alive.count(), 40);
    let retries = metric_of(&gateway, "gateway_upstream_retries_total", "reason=\"unconnected\"").await;
    assert!(retries >= 10, "the dead instance was chosen {retries} times");
}

fn bodies(instance: &Instance, method: &str) -> Vec<String> {
    let seen = instance.seen();
    let of_method = seen.iter().filter(|seen| seen.head.starts_with(method));
    of_method.map(|seen| String::from_utf8(seen.body.clone()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_instance_costs_no_request_while_the_others_are_slow() {
    let slow = Instance::start("slow").await;
    slow.act(Act::Hold);
    // It has nothing under way, so it is the least loaded one until it is ejected.
    let gateway = gateway_to_all(&[nobody(), slow.addr], "", "");
    let asked: Vec<_> = (0..30).map(|_| ask_later(&gateway)).collect();
    // What fails fails at once, what does not is held: all 30 come to one of these two ends.
    wait_until("every request to arrive or fail", PATIENCE, async || slow.count() + finished(&asked) == 30)
        .await;
    slow.act(Act::Answer(200));
    let mut lost = 0;
    for asked in asked {
        lost += usize::from(asked.await.unwrap().unwrap().status() != 200);
    }
    assert_eq!(lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_dead_instances_cost_no_request() {
    let alive = Instance::start("alive").await;
    let dead: [SocketAddr; 4] = [nobody(), nobody(), nobody(), nobody()];
    let all = [dead[0], dead[1], alive.addr, dead[2], dead[3]];
    let gateway = gateway_to_all(&all, "outlier.consecutive_failures = 0", "");
    let mut lost = 0;
    for _ in 0..20 {
        lost += usize::from(gateway.get("/").send().await.unwrap().status() != 200);
    }
    assert_eq!(lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_other_can_be_reached_an_ejected_instance_is_asked() {
    let (dying, shaky) = (Instance::start("dying").await, Instance::start("shaky").await);
    let gateway = gateway_to_all(&[dying.addr, shaky.addr], "outlier.consecutive_failures = 3", "");
    shaky.act(Act::Answer(503));
    while shaky.count() < 3 {
        gateway.get("/").send().await.unwrap();
    }
    shaky.act(Act::Answer(200));
    assert_eq!(ask(&gateway).await, "dying");
    dying.stop().await;
    for _ in 0..5 {
        assert_eq!(ask(&gateway).await, "shaky");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_comes_back_gets_requests_again() {
    let a = Instance::start("a").await;
    let b = Instance::start("b").await;
    let addr = b.addr;
    let upstream = "balance.slow_start_ms = 0\noutlier.ejection_ms = 100";
    let gateway = gateway_to_all(&[a.addr, addr], upstream, "");
    b.stop().await;
    for _ in 0..20 {
        assert_eq!(ask(&gateway).await, "a");
    }
    let b = Instance::start_at("b", addr).await;
    wait_until("the instance to be asked", PATIENCE, async || {
        ask(&gateway).await;
        b.count() > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_body_that_was_read_and_not_answered_is_asked_elsewhere_if_idempotent() {
    let (broken, well) = (Instance::start("broken").await, Instance::start("well").await);
    broken.act(Act::Reset);
    let gateway = gateway_to_all(&[broken.addr, well.addr], "outlier.consecutive_failures = 0", "");
    let methods = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
    for method in methods.iter().cycle().take(20) {
        let answer = gateway.http.request(method.clone(), &gateway.base).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{method}");
    }
    assert_eq!(well.count(), 20);
    assert!((1..=20).contains(&broken.count()), "{}", broken.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_never_sent_twice() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Reset);
    b.act(Act::Reset);
    let gateway = gateway_to_all(&[a.addr, b.addr], "", "");
    let requests = [
        (Method::POST, Some("body")),
        (Method::POST, None),
        (Method::PATCH, Some("body")),
        (Method::PUT, Some("body")),
        (Method::GET, Some("body")),
    ];
    for (before, (method, body)) in requests.into_iter().enumerate() {
        let mut request = gateway.http.request(method.clone(), &gateway.base);
        if let Some(body) = body {
            request = request.body(body);
        }
        let refused = request.send().await.unwrap();
        let code = problem_code(refused).await;
        assert_eq!(code, (502, "bad_gateway".to_owned()), "{method} {body:?}");
        assert_eq!(a.count() + b.count(), before + 1, "{method} {body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::BreakOff);
    b.act(Act::BreakOff);
    let gateway = gateway_to_all(&[a.addr, b.addr], "", "");
    for asked in 1..=4 {
        let answer = gateway.get("/").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err());
        assert_eq!(a.count() + b.count(), asked);
    }
}
