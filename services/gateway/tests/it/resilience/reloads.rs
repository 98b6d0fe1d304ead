//! SIGHUP: another configuration, and no request the worse for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use test_harness::wait_until;

use super::instance::{Act, Instance, balanced, metric};
use super::process::{Running, Wire};
use crate::harness::PATIENCE;

fn route(name: &str, path: &str) -> String {
    format!("[[route]]\nname = \"{name}\"\npath = \"{path}\"\nupstream = \"u\"\nauth = \"none\"\n")
}

fn upstream(instance: &Instance) -> String {
    format!("[upstream.u]\nurl = \"http://{}\"\n", instance.addr)
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_come_and_go() {
    let instance = Instance::start("a").await;
    let (first, second) = (route("first", "/first"), route("second", "/second"));
    let one = format!("{}{first}", upstream(&instance));
    let gateway = Running::start(&one).await;
    assert_eq!((gateway.ask("/first").await.0, gateway.ask("/second").await.0), (200, 404));
    gateway.reload(&format!("{one}{second}"), "done").await;
    assert_eq!((gateway.ask("/first").await.0, gateway.ask("/second").await.0), (200, 200));
    gateway.reload(&format!("{}{second}", upstream(&instance)), "done").await;
    assert_eq!((gateway.ask("/first").await.0, gateway.ask("/second").await.0), (404, 200));
    assert_eq!((gateway.reloads("done").await, gateway.reloads("refused").await), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_added_gets_requests() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let gateway = Running::start(&balanced(&[a.addr], "", "")).await;
    assert_eq!(gateway.ask("/").await, (200, "a".to_owned()));
    gateway.reload(&balanced(&[a.addr, b.addr], "balance.slow_start_ms = 0", ""), "done").await;
    wait_until("a request", PATIENCE, async || gateway.ask("/").await.0 == 200 && b.count() > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_ends_under_the_configuration_it_began_with() {
    let (old, new) = (Instance::start("old").await, Instance::start("new").await);
    old.act(Act::Hold);
    let gateway = Running::start(&balanced(&[old.addr], "", "")).await;
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    old.wait_for_count(1).await;
    // Its instance goes, and so does its route.
    let rest = format!("{}{}", upstream(&new), route("other", "/other"));
    gateway.reload(&rest, "done").await;
    assert_eq!(gateway.ask("/other").await, (200, "new".to_owned()));
    old.act(Act::Answer(200));
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.closes()), (200, b"old".as_slice(), false));
    // The same connection serves the next request by the new configuration.
    wire.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 404);
    wait_until("nothing is kept of the old instance", PATIENCE, async || old.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_faults_changes_nothing_and_is_named_in_the_log() {
    let instance = Instance::start("a").await;
    let sound = balanced(&[instance.addr], "", "");
    let mut gateway = Running::start(&sound).await;
    let unknown = format!("{sound}{}", route("bad", "/bad").replace("\"u\"", "\"nowhere\""));
    for (count, faulty) in ["[[[", "[upstream.u]\nurll = 1\n", unknown.as_str()].into_iter().enumerate() {
        gateway.reload(faulty, "refused").await;
        assert_eq!(gateway.reloads("refused").await, u64::try_from(count + 1).unwrap());
        assert_eq!(gateway.ask("/bad").await, (200, "a".to_owned()));
    }
    let line = gateway.process.wait_for_log("nowhere", PATIENCE).await;
    assert!(line.contains("route[1].upstream") && line.contains("not taken over"), "{line}");
    gateway.reload(&sound, "done").await;
    assert_eq!(gateway.ask("/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_has_gone_has_no_state() {
    let (stays, goes) = (Instance::start("stays").await, Instance::start("goes").await);
    let gateway = Running::start(&balanced(&[stays.addr, goes.addr], "", "")).await;
    let state = async |instance: &Instance| {
        let labels = format!("upstream=\"u\",instance=\"{}\",state=\"healthy\"", instance.addr);
        metric(&gateway.admin, "gateway_upstream_instance_state", &labels).await
    };
    wait_until("a state", PATIENCE, async || state(&goes).await == 1).await;
    gateway.reload(&balanced(&[stays.addr], "", ""), "done").await;
    let deadline = std::time::Duration::from_secs(3);
    wait_until("its state to go", deadline, async || state(&goes).await == 0).await;
    assert_eq!(state(&stays).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_reloads_under_load_fail_no_request() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let both = balanced(&[a.addr, b.addr], "", "");
    let one = balanced(&[b.addr], "health.path = \"/healthz\"", "compress = false");
    let gateway = Running::start(&both).await;
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (over, addr) = (Arc::clone(&over), gateway.addr);
            tokio::spawn(async move {
                let mut wire = Wire::to(addr).await;
                let request = if number % 2 == 0 {
                    "GET / HTTP/1.1\r\nhost: h\r\n\r\n"
                } else {
                    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody"
                };
                let mut answered = 0;
                while !over.load(Ordering::Relaxed) {
                    wire.send(request).await;
                    let answer = wire.answer().await.unwrap();
                    assert_eq!((answer.status, answer.closes()), (200, false), "{}", answer.head);
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for number in 0..10 {
        let before = a.count() + b.count();
        gateway.reload(if number % 2 == 0 { &one } else { &both }, "done").await;
        wait_until("more requests", PATIENCE, async || a.count() + b.count() > before + 50).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    // None was lost, and none came twice.
    assert_eq!(a.count() + b.count(), answered);
}
