//! NATS goes away and comes back.

use std::time::Duration;

use event_bus::{BusError, Pass, RelayError};
use telemetry::metrics::Metrics;
use test_harness::{ChaosProxy, nats_url, wait_until};

use crate::world::{DEADLINE, World, until_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_nats_loses_nothing_and_shows_in_the_metrics() {
    let proxy = ChaosProxy::to_url(&nats_url());
    let world = World::behind(&proxy.rewrite(&nats_url())).await;
    let metrics = Metrics::new("test");
    let running = tokio::spawn(world.measured_relay(&metrics).run(world.shutdown()));
    proxy.cut();
    wait_until("the bus notices", DEADLINE, async || !world.bus.is_connected()).await;
    world.enqueue(&[world.message("thing/1", "a"), world.message("thing/1", "b")]).await;
    wait_until("the backlog is measured", DEADLINE, async || {
        metrics.encode().contains("outbox_unpublished{service=\"test\"} 2")
    })
    .await;
    assert_eq!(world.stored().await.len(), 0);

    proxy.restore();
    until_stored(&world, 2).await;
    assert_eq!(world.stored_texts().await, ["a", "b"]);
    wait_until("the backlog is gone", DEADLINE, async || {
        metrics.encode().contains("outbox_unpublished{service=\"test\"} 0")
    })
    .await;
    world.stop();
    tokio::time::timeout(DEADLINE, running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_nats_makes_the_pass_fail_and_a_later_one_keeps_one_copy() {
    let proxy = ChaosProxy::to_url(&nats_url());
    let world = World::behind(&proxy.rewrite(&nats_url())).await;
    let mut relay = world.relay();
    assert_eq!(relay.pass().await.unwrap(), Pass { on_duty: true, published: 0, held: 0 });
    proxy.stall();
    world.enqueue(&[world.message("thing/1", "a"), world.message("thing/2", "b")]).await;
    assert!(matches!(relay.pass().await, Err(RelayError::Bus(BusError::NotConnected))));
    assert_eq!(world.count("published_at IS NULL").await, 2);

    proxy.restore();
    wait_until("both are published", DEADLINE, async || {
        relay.pass().await.is_ok_and(|pass| pass.published == 2)
    })
    .await;
    let mut texts = world.stored_texts().await;
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_goes_on_after_an_outage() {
    let proxy = ChaosProxy::to_url(&nats_url());
    let world = World::behind(&proxy.rewrite(&nats_url())).await;
    let mut seen = world.consume(world.spec("steady"), |_| Ok(()));
    world.publish("before").await;
    assert_eq!(seen.next().await.payload, "before");
    proxy.cut();
    wait_until("the bus notices", DEADLINE, async || !world.bus.is_connected()).await;
    proxy.restore();
    wait_until("the bus is back", DEADLINE, async || world.bus.is_connected()).await;
    world.publish("after").await;
    let after = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let delivery = seen.next().await;
            // The acknowledgement of the first may have been cut: then it comes again.
            if delivery.payload != "before" {
                return delivery;
            }
        }
    });
    assert_eq!(after.await.unwrap().payload, "after");
}
