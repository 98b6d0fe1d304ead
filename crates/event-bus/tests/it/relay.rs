//! The outbox and its relay: what is published, once, in which order.

use std::collections::HashMap;

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use event_bus::Pass;
use pg_pool::PgError;
use telemetry::metrics::Metrics;
use test_harness::{nats_url, wait_until};

use crate::world::{DEADLINE, World, until_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolled_back_transaction_publishes_nothing() {
    let world = World::new().await;
    let lost = world.message("thing/1", "lost");
    let rolled_back = world
        .pool
        .tx("lose", async |conn| {
            event_bus::enqueue(conn, &[lost]).await?;
            Err::<(), _>(PgError::Query(diesel::result::Error::RollbackTransaction))
        })
        .await;
    assert!(rolled_back.is_err());
    world.enqueue(&[world.message("thing/1", "kept")]).await;

    assert_eq!(world.relay().pass().await.unwrap().published, 1);
    assert_eq!(world.stored_texts().await, ["kept"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_carries_cloudevents_attributes() {
    let world = World::new().await;
    let message = world.message("thing/1", "body");
    world.enqueue(std::slice::from_ref(&message)).await;
    world.relay().pass().await.unwrap();

    let stored = world.stored().await.remove(0);
    let header =
        |name: &str| stored.headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default();
    let id = message.id.to_string();
    assert_eq!(header("Nats-Msg-Id"), id);
    assert_eq!(header("ce-id"), id);
    assert_eq!(header("ce-specversion"), "1.0");
    assert_eq!(header("ce-source"), "/test");
    assert_eq!(header("ce-type"), "aldia.test.v1.ThingChanged");
    assert_eq!(header("ce-subject"), "thing/1");
    assert_eq!(header("ce-dataschema"), "/proto/events/aldia/test/v1#ThingChanged");
    assert_eq!(header("content-type"), "application/protobuf");
    let time = chrono::DateTime::parse_from_rfc3339(&header("ce-time")).unwrap();
    assert_eq!(time.timestamp_micros(), message.occurred_at.timestamp_micros());
}

/// The state such a crash leaves behind: JetStream has the message, the row does not say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_publishing_and_marking_leaves_one_copy() {
    let world = World::new().await;
    world.publish("once").await;
    world.execute("UPDATE outbox SET published_at = NULL").await;

    world.relay_once(1).await;
    assert_eq!(world.stored_texts().await, ["once"]);
    assert_eq!(world.count("published_at IS NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_an_aggregate_keep_their_order() {
    let world = World::new().await;
    // More than two batches, the aggregates interleaved unevenly.
    let messages: Vec<_> =
        (0..600).map(|n| world.message(&format!("thing/{}", (n * n) % 7), &format!("{n}"))).collect();
    world.enqueue(&messages).await;
    assert_eq!(world.relay().pass().await.unwrap(), Pass { on_duty: true, published: 600, held: 0 });

    let mut last: HashMap<String, usize> = HashMap::new();
    for message in world.stored().await {
        let number: usize = std::str::from_utf8(&message.payload).unwrap().parse().unwrap();
        let aggregate = message.headers.get("ce-subject").unwrap().as_str().to_owned();
        if let Some(before) = last.insert(aggregate, number) {
            assert!(before < number, "{number} came after {before}");
        }
    }
    assert_eq!(last.len(), 4, "the squares modulo 7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_commit_with_a_lower_position_is_not_skipped() {
    let world = World::new().await;
    let mut slow = world.pool.write().await.unwrap();
    begin(&mut slow).await;
    event_bus::enqueue(&slow, &[world.message("thing/slow", "first position")]).await.unwrap();
    world.enqueue(&[world.message("thing/quick", "second position")]).await;

    let mut relay = world.relay();
    assert_eq!(relay.pass().await.unwrap().published, 1);
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(relay.pass().await.unwrap().published, 1);
    assert_eq!(world.stored_texts().await, ["second position", "first position"]);
}

async fn begin(conn: &mut AsyncPgConnection) {
    conn.batch_execute("BEGIN").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_relay_is_on_duty_and_another_takes_over() {
    let world = World::new().await;
    let (mut first, mut second) = (world.relay(), world.relay());
    assert!(first.pass().await.unwrap().on_duty);
    world.enqueue(&[world.message("thing/1", "a")]).await;
    assert_eq!(second.pass().await.unwrap(), Pass::default());

    drop(first);
    wait_until("the second relay takes over", DEADLINE, async || second.pass().await.unwrap().on_duty).await;
    assert_eq!(world.stored_texts().await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standing_by_opens_no_connections_however_often_it_is_woken() {
    let world = World::new().await;
    let (mut first, mut second) = (world.relay(), world.relay());
    assert!(first.pass().await.unwrap().on_duty);
    assert!(!second.pass().await.unwrap().on_duty);
    let backends = world.backends().await;
    for _ in 0..5 {
        assert!(!second.pass().await.unwrap().on_duty);
    }
    assert_eq!(world.backends().await, backends);

    let waker = second.waker();
    let running = tokio::spawn(second.run(world.shutdown()));
    for _ in 0..50 {
        waker.wake();
        tokio::task::yield_now().await;
    }
    let now = world.backends().await;
    assert!(backends.iter().all(|pid| now.contains(pid)), "{backends:?} {now:?}");
    // It still takes over.
    drop(first);
    world.enqueue(&[world.message("thing/1", "a")]).await;
    until_stored(&world, 1).await;
    world.stop();
    tokio::time::timeout(DEADLINE, running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_event_holds_back_its_aggregate_only() {
    let world = World::new().await;
    let mut refused = world.message("thing/bad", "no stream takes me");
    refused.subject = format!("unknown{}", world.root);
    world.enqueue(&[refused, world.message("thing/bad", "waits"), world.message("thing/good", "goes")]).await;

    let mut relay = world.relay();
    assert_eq!(relay.pass().await.unwrap(), Pass { on_duty: true, published: 1, held: 1 });
    assert_eq!(world.stored_texts().await, ["goes"]);

    world.execute(&format!("UPDATE outbox SET subject = '{}.thing.changed'", world.root)).await;
    assert_eq!(relay.pass().await.unwrap().published, 2);
    assert_eq!(world.stored_texts().await, ["goes", "no stream takes me", "waits"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_gone_is_declared_again() {
    let world = World::new().await;
    let mut relay = world.relay();
    world.enqueue(&[world.message("thing/1", "lost with the disk")]).await;
    assert_eq!(relay.pass().await.unwrap().published, 1);
    let client = async_nats::connect(nats_url()).await.unwrap();
    async_nats::jetstream::new(client).delete_stream(&world.stream).await.unwrap();

    world.enqueue(&[world.message("thing/1", "kept")]).await;
    assert_eq!(relay.pass().await.unwrap(), Pass { on_duty: true, published: 0, held: 1 });
    assert_eq!(relay.pass().await.unwrap().published, 1);
    assert_eq!(world.stored_texts().await, ["kept"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_relay_publishes_cleans_up_and_stops() {
    let world = World::new().await;
    world.enqueue(&[world.message("thing/1", "old"), world.message("thing/2", "recent")]).await;
    world.relay().pass().await.unwrap();
    let old = "UPDATE outbox SET published_at = now() - interval '25 hours' WHERE aggregate = 'thing/1'";
    world.execute(old).await;

    let metrics = Metrics::new("test");
    let relay = world.measured_relay(&metrics);
    let waker = relay.waker();
    let running = tokio::spawn(relay.run(world.shutdown()));
    world.enqueue(&[world.message("thing/3", "new")]).await;
    waker.wake();
    until_stored(&world, 3).await;
    wait_until("the old row is gone", DEADLINE, async || world.count("aggregate = 'thing/1'").await == 0)
        .await;
    assert_eq!(world.count("true").await, 2);
    assert!(metrics.encode().contains("outbox_published_total{service=\"test\"} 1"), "{}", metrics.encode());

    world.stop();
    tokio::time::timeout(DEADLINE, running).await.unwrap().unwrap();
    wait_until("its lock is free", DEADLINE, async || world.relay().pass().await.unwrap().on_duty).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_survives_the_loss_of_its_database_session() {
    let world = World::new().await;
    let mut relay = world.relay();
    assert!(relay.pass().await.unwrap().on_duty);
    world.enqueue(&[world.message("thing/1", "a")]).await;
    let url = world.admin_url();
    let mut admin = AsyncPgConnection::establish(url).await.unwrap();
    admin
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();

    wait_until("the event is published", DEADLINE, async || {
        // The pass that finds the session dead fails; the one after it begins a new one.
        relay.pass().await.is_ok_and(|pass| pass.published == 1)
    })
    .await;
    assert_eq!(world.stored_texts().await, ["a"]);
}
