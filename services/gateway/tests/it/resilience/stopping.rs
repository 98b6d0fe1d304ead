//! SIGTERM: what has been asked is answered, and nothing more is taken.

use nix::sys::signal::Signal;
use test_harness::wait_until;
use tokio::net::TcpStream;

use super::instance::{Act, Instance, balanced};
use super::process::{Running, Wire};
use crate::harness::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_readiness_fails_at_once_and_what_is_under_way_is_answered() {
    let instance = Instance::start("a").await;
    instance.act(Act::Hold);
    let mut gateway = Running::start(&balanced(&[instance.addr], "", "")).await;
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody").await;
    instance.wait_for_count(1).await;
    gateway.signal(Signal::SIGTERM);
    wait_until("new connections to be refused", PATIENCE, async || {
        TcpStream::connect(gateway.addr).await.is_err()
    })
    .await;
    // It was told before the public port closed, and it goes on saying so.
    let ready = reqwest::get(format!("{}/readyz", gateway.admin)).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(gateway.process.is_running());
    instance.act(Act::Answer(200));
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.closes()), (200, b"a".as_slice(), true));
    assert!(gateway.process.wait(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_under_load_loses_no_request() {
    let instance = Instance::start("a").await;
    let mut gateway = Running::start(&balanced(&[instance.addr], "", "")).await;
    let addr = gateway.addr;
    let clients: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn(async move {
                let mut wire = Wire::to(addr).await;
                let mut answered = 0;
                loop {
                    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody").await;
                    let answer = wire.answer().await.unwrap();
                    assert_eq!(answer.status, 200);
                    answered += 1;
                    if answer.closes() {
                        return answered;
                    }
                }
            })
        })
        .collect();
    instance.wait_for_count(500).await;
    gateway.signal(Signal::SIGTERM);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert_eq!(instance.count(), answered);
    assert!(gateway.process.wait(PATIENCE).await.success());
}
