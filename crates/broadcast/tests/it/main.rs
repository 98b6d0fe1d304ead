//! The crate against a real NATS, and one that goes away.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use broadcast::{Broadcast, BroadcastError, Message, NatsConfig, Subscription};
use bytes::Bytes;
use futures_util::StreamExt as _;
use test_harness::{ChaosProxy, Process, free_port, nats_url, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);

async fn connected(url: &str) -> Broadcast {
    let broadcast =
        Broadcast::connect(&NatsConfig { url: url.to_owned(), ..NatsConfig::default() }).await.unwrap();
    wait_until("a connection", DEADLINE, async || broadcast.is_connected()).await;
    broadcast
}

async fn next(subscription: &mut Subscription) -> Message {
    tokio::time::timeout(DEADLINE, subscription.next()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_every_listener_and_can_be_answered() {
    let (teller, hearer) = (connected(&nats_url()).await, connected(&nats_url()).await);
    let subject = format!("test.{}", teller.new_inbox());
    let mut heard = [hearer.subscribe(&subject).await.unwrap(), hearer.subscribe(&subject).await.unwrap()];
    let inbox = teller.new_inbox();
    let mut answers = teller.subscribe(&inbox).await.unwrap();
    // A message to itself that came back: the server has taken the subscriptions made before it.
    let probe = hearer.new_inbox();
    let mut probes = hearer.subscribe(&probe).await.unwrap();
    hearer.publish(&probe, None, Bytes::new()).await.unwrap();
    next(&mut probes).await;

    teller.publish(&subject, Some(&inbox), "storm".into()).await.unwrap();
    for subscription in &mut heard {
        let message = next(subscription).await;
        assert_eq!(
            message,
            Message { subject: subject.clone(), reply: Some(inbox.clone()), payload: "storm".into() }
        );
        hearer.publish(&message.reply.unwrap(), None, "heard".into()).await.unwrap();
    }
    assert_eq!(next(&mut answers).await.payload, "heard");
    assert_eq!(next(&mut answers).await.payload, "heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_nothing_is_sent_and_nothing_is_kept_for_later() {
    let proxy = ChaosProxy::to_url(&nats_url());
    let broadcast = connected(&proxy.rewrite(&nats_url())).await;
    let subject = broadcast.new_inbox();
    let mut heard = broadcast.subscribe(&subject).await.unwrap();
    let mut interruptions = broadcast.interruptions();
    let before = *interruptions.borrow_and_update();
    proxy.cut();
    wait_until("the outage is noticed", DEADLINE, async || !broadcast.is_connected()).await;
    let refused = broadcast.publish(&subject, None, "lost".into()).await;
    assert!(matches!(refused, Err(BroadcastError::NotConnected)), "{refused:?}");

    proxy.restore();
    wait_until("the connection is back", DEADLINE, async || broadcast.is_connected()).await;
    broadcast.publish(&subject, None, "after".into()).await.unwrap();
    assert_eq!(next(&mut heard).await.payload, "after");
    assert!(*interruptions.borrow_and_update() > before, "an outage is an interruption");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_starts_without_nats_and_connects_when_it_comes() {
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let broadcast = Broadcast::connect(&NatsConfig { url, ..NatsConfig::default() }).await.unwrap();
    assert!(!broadcast.is_connected());
    let _server = Process::spawn_at("nats-server", &["-a", "127.0.0.1", "-p", &port.to_string()], &[]);
    wait_until("a connection", DEADLINE, async || broadcast.is_connected()).await;
    wait_until("the count", DEADLINE, async || *broadcast.connections().borrow() == 1).await;
}

#[tokio::test]
async fn a_subject_that_is_none_is_refused() {
    let broadcast = connected(&nats_url()).await;
    let refused = broadcast.publish("two words", None, Bytes::new()).await;
    assert!(matches!(refused, Err(BroadcastError::Refused { .. })), "{refused:?}");
}
