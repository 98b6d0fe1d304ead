//! Servers that want to know who comes.

use std::time::Duration;

use event_bus::{Bus, BusConfig};
use test_harness::{Process, free_port, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_the_address_are_used() {
    let port = free_port();
    let _server = Process::spawn_at(
        "nats-server",
        &["-a", "127.0.0.1", "-p", &port.to_string(), "--user", "aldia", "--pass", "se-cret_1"],
        &[],
    );
    let connect = async |userinfo: &str| {
        let url = format!("nats://{userinfo}127.0.0.1:{port}");
        Bus::connect(&BusConfig { url, ..BusConfig::default() }).await.unwrap()
    };
    let bus = connect("aldia:se-cret_1@").await;
    wait_until("a connection", Duration::from_secs(10), async || bus.is_connected()).await;
    let stranger = connect("").await;
    let refused = tokio::time::timeout(
        Duration::from_secs(1),
        wait_until("a connection", Duration::from_secs(30), async || stranger.is_connected()),
    );
    assert!(refused.await.is_err(), "a server that wants credentials let a stranger in");
}
