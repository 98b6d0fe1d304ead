//! Instances whose requests fail are left out for a while.

use std::time::{Duration, Instant};

use test_harness::wait_until;

use super::instance::{Act, Instance, ask, gateway_to_all, wait_for_state};
use crate::harness::PATIENCE;

const PROMPT: &str = "balance.slow_start_ms = 0\noutlier.consecutive_failures = 3";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_fails_is_left_out_and_comes_back_in_time() {
    let (failing, well) = (Instance::start("failing").await, Instance::start("well").await);
    failing.act(Act::Reset);
    let upstream = format!("{PROMPT}\noutlier.ejection_ms = 1300");
    let gateway = gateway_to_all(&[failing.addr, well.addr], &upstream, "");
    let mut last_failure = Instant::now();
    for _ in 0..20 {
        let before = (failing.count(), Instant::now());
        assert_eq!(ask(&gateway).await, "well");
        if failing.count() > before.0 {
            last_failure = before.1;
        }
    }
    assert_eq!(failing.count(), 3);
    wait_for_state(&gateway, failing.addr, "ejected").await;
    failing.act(Act::Answer(200));
    wait_until("the instance to be asked again", PATIENCE, async || {
        ask(&gateway).await;
        failing.count() > 3
    })
    .await;
    assert!(last_failure.elapsed() >= Duration::from_millis(1300), "{:?}", last_failure.elapsed());
    wait_for_state(&gateway, failing.addr, "healthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_say_unavailable_count_as_failures_and_pass_unchanged() {
    for status in [502, 503, 504] {
        let (failing, well) = (Instance::start("failing").await, Instance::start("well").await);
        failing.act(Act::Answer(status));
        let gateway = gateway_to_all(&[failing.addr, well.addr], PROMPT, "");
        let mut failures = 0;
        for _ in 0..20 {
            let answer = gateway.get("/").send().await.unwrap();
            let expected = if answer.status() == 200 { "well" } else { "failing" };
            failures += usize::from(answer.status() == status);
            assert_eq!(answer.text().await.unwrap(), expected);
        }
        assert_eq!((failures, failing.count()), (3, 3), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_between_failures_keeps_an_instance_in() {
    let (shaky, well) = (Instance::start("shaky").await, Instance::start("well").await);
    let gateway = gateway_to_all(&[shaky.addr, well.addr], PROMPT, "");
    for turn in 0..30 {
        shaky.act(Act::Answer(if turn % 6 < 4 { 503 } else { 200 }));
        // One request each: they take turns.
        for _ in 0..2 {
            gateway.get("/").send().await.unwrap();
        }
        if turn % 6 == 1 {
            // Two in a row, and an answer: the count starts anew.
            shaky.act(Act::Answer(500));
            for _ in 0..2 {
                gateway.get("/").send().await.unwrap();
            }
        }
        if turn % 6 == 3 {
            shaky.act(Act::Answer(404));
            for _ in 0..2 {
                gateway.get("/").send().await.unwrap();
            }
        }
    }
    assert_eq!(shaky.count(), well.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_instance_and_a_single_one_are_never_left_out() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    for instances in [vec![a.addr], vec![a.addr, b.addr]] {
        a.act(Act::Answer(503));
        b.act(Act::Answer(503));
        let gateway = gateway_to_all(&instances, PROMPT, "");
        for _ in 0..20 {
            assert_eq!(gateway.get("/").send().await.unwrap().status(), 503);
        }
        let (at_a, at_b) = (a.count(), b.count());
        a.act(Act::Answer(200));
        b.act(Act::Answer(200));
        ask(&gateway).await;
        assert_eq!(a.count() + b.count(), at_a + at_b + 1);
    }
}
