//! Active health checks.

use test_harness::wait_until;

use super::instance::{Act, Instance, ask, ask_later, gateway_to_all, wait_for_state};
use crate::harness::{PATIENCE, problem_code};

const CHECKS: &str = "health.path = \"/healthz\"\nhealth.interval_ms = 40\nhealth.timeout_ms = 40\n\
                      balance.slow_start_ms = 0";

/// Checks, and no patience with those that have never passed one.
fn impatient() -> String {
    format!("{CHECKS}\nhealth.start_period_secs = 0")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_checks_fail_gets_nothing_until_they_pass() {
    let (sick, well) = (Instance::start("sick").await, Instance::start("well").await);
    let gateway = gateway_to_all(&[sick.addr, well.addr], CHECKS, "");
    sick.wait_for_checks(1).await;
    well.wait_for_checks(1).await;
    for _ in 0..10 {
        ask(&gateway).await;
    }
    assert_eq!((sick.count(), well.count()), (5, 5));

    sick.set_well(false);
    sick.wait_for_checks(3).await;
    for _ in 0..20 {
        assert_eq!(ask(&gateway).await, "well");
    }
    assert_eq!(sick.count(), 5);
    wait_for_state(&gateway, sick.addr, "unhealthy").await;
    wait_for_state(&gateway, well.addr, "healthy").await;

    sick.set_well(true);
    sick.wait_for_checks(2).await;
    for _ in 0..10 {
        ask(&gateway).await;
    }
    assert_eq!(sick.count(), 10);
    wait_for_state(&gateway, sick.addr, "healthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_instance_is_found_by_its_checks_alone() {
    let (dying, well) = (Instance::start("dying").await, Instance::start("well").await);
    let gateway = gateway_to_all(&[dying.addr, well.addr], CHECKS, "");
    let addr = dying.addr;
    dying.wait_for_checks(1).await;
    dying.stop().await;
    wait_for_state(&gateway, addr, "unhealthy").await;
    let back = Instance::start_at("back", addr).await;
    wait_for_state(&gateway, addr, "healthy").await;
    assert_eq!((back.count(), well.count()), (0, 0), "nobody asked for anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_may_fail_its_checks_while_it_starts() {
    let (starting, well) = (Instance::start("starting").await, Instance::start("well").await);
    starting.set_well(false);
    let gateway = gateway_to_all(&[starting.addr, well.addr], CHECKS, "");
    starting.wait_for_checks(6).await;
    well.wait_for_checks(1).await;
    wait_for_state(&gateway, starting.addr, "starting").await;
    // While somebody is healthy it is spared.
    for _ in 0..10 {
        assert_eq!(ask(&gateway).await, "well");
    }
    starting.set_well(true);
    // One passed check is enough for who has never failed.
    starting.wait_for_checks(1).await;
    for _ in 0..10 {
        ask(&gateway).await;
    }
    assert_eq!((starting.count(), well.count()), (5, 15));
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_instances_get_requests_while_no_other_is_there() {
    let starting = Instance::start("starting").await;
    starting.set_well(false);
    let gateway = gateway_to_all(&[starting.addr], &format!("{CHECKS}\nbalance.panic_routing = false"), "");
    starting.wait_for_checks(4).await;
    assert_eq!(ask(&gateway).await, "starting");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_start_period_failed_checks_count() {
    let (sick, well) = (Instance::start("sick").await, Instance::start("well").await);
    sick.set_well(false);
    let gateway = gateway_to_all(&[sick.addr, well.addr], &impatient(), "");
    sick.wait_for_checks(3).await;
    wait_for_state(&gateway, sick.addr, "unhealthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_checks_fail_requests_go_out_all_the_same() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.set_well(false);
    b.set_well(false);
    let gateway = gateway_to_all(&[a.addr, b.addr], &impatient(), "");
    a.wait_for_checks(3).await;
    b.wait_for_checks(3).await;
    for _ in 0..10 {
        ask(&gateway).await;
    }
    assert_eq!((a.count(), b.count()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_panic_routing_they_are_refused() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.set_well(false);
    b.set_well(false);
    let upstream = format!("{}\nbalance.panic_routing = false", impatient());
    let gateway = gateway_to_all(&[a.addr, b.addr], &upstream, "");
    a.wait_for_checks(3).await;
    b.wait_for_checks(3).await;
    let refused = gateway.post("/").body("x").send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem_code(refused).await, (503, "upstream_unavailable".to_owned()));
    assert_eq!(a.count() + b.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unhealthy_instance_keeps_the_requests_it_has() {
    let (sick, well) = (Instance::start("sick").await, Instance::start("well").await);
    let gateway = gateway_to_all(&[sick.addr, well.addr], CHECKS, "");
    sick.wait_for_checks(1).await;
    sick.act(Act::Hold);
    let mut held = Vec::new();
    while sick.count() == 0 {
        held.push(ask_later(&gateway));
        let before = held.len();
        wait_until("arrival", PATIENCE, async || sick.count() + well.count() >= before).await;
    }
    sick.set_well(false);
    sick.wait_for_checks(3).await;
    assert_eq!(ask(&gateway).await, "well");
    sick.act(Act::Answer(200));
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
    }
}
