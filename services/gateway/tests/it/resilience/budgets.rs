//! Bounds on what is under way: of one upstream, and of the gateway.

use test_harness::wait_until;

use super::instance::{Act, Instance, ask, ask_later, balanced, gateway_to_all};
use crate::harness::{PATIENCE, gateway, problem_code};

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_has_all_it_may_have_gets_no_more() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    a.act(Act::Hold);
    b.act(Act::Hold);
    let gateway = gateway_to_all(&[a.addr, b.addr], "balance.max_requests = 2", "");
    let held = [ask_later(&gateway), ask_later(&gateway)];
    a.wait_for_count(1).await;
    b.wait_for_count(1).await;
    for _ in 0..5 {
        let refused = gateway.get("/").send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(problem_code(refused).await, (503, "upstream_overloaded".to_owned()));
    }
    assert_eq!(a.count() + b.count(), 2);
    a.act(Act::Answer(200));
    b.act(Act::Answer(200));
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
    }
    ask(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_of_one_upstream_does_not_hold_for_another() {
    let (full, free) = (Instance::start("full").await, Instance::start("free").await);
    full.act(Act::Hold);
    let config = format!(
        "{}[upstream.free]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"free\"\npath = \"/free\"\nupstream = \"free\"\nauth = \"none\"\n",
        balanced(&[full.addr], "balance.max_requests = 1", ""),
        free.addr
    );
    let gateway = gateway(&config);
    let held = ask_later(&gateway);
    full.wait_for_count(1).await;
    assert_eq!(gateway.get("/").send().await.unwrap().status(), 503);
    let answer = gateway.get("/free").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "free");
    full.act(Act::Answer(200));
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_all_it_can_do_refuses_at_once() {
    let instance = Instance::start("a").await;
    instance.act(Act::Hold);
    let limits = "[limits]\nmax_concurrent_requests = 3\nretry_after_secs = 7\n";
    let gateway = gateway(&format!("{limits}{}", balanced(&[instance.addr], "", "")));
    let held: Vec<_> = (0..3).map(|_| ask_later(&gateway)).collect();
    instance.wait_for_count(3).await;
    for _ in 0..5 {
        let refused = gateway.post("/").body("x").send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "7");
        assert_eq!(problem_code(refused).await, (503, "overloaded".to_owned()));
    }
    assert_eq!(instance.count(), 3);
    instance.act(Act::Answer(200));
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
    }
    ask(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_gives_its_place_back() {
    let instance = Instance::start("a").await;
    instance.act(Act::Hold);
    let limits = "[limits]\nmax_concurrent_requests = 1\n";
    let config = balanced(&[instance.addr], "balance.max_requests = 1", "");
    let gateway = gateway(&format!("{limits}{config}"));
    let held = ask_later(&gateway);
    instance.wait_for_count(1).await;
    assert_eq!(gateway.get("/").send().await.unwrap().status(), 503);
    held.abort();
    instance.act(Act::Answer(200));
    wait_until("a place", PATIENCE, async || gateway.get("/").send().await.unwrap().status() == 200).await;
}
