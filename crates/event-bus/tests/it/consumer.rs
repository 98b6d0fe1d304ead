//! Consumers: acknowledgement, retries, slow handlers, an orderly end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use event_bus::{Consumer, ConsumerSpec, Delivery, HandlerError, Start};
use test_harness::{nats_url, wait_until};
use tokio::sync::Notify;

use crate::world::{DEADLINE, World};

/// Messages the server still waits for an answer to, and messages it has not delivered yet.
async fn outstanding(world: &World, durable: &str) -> (usize, u64) {
    let client = async_nats::connect(nats_url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream(&world.stream).await.unwrap();
    let info = stream.consumer_info(durable).await.unwrap();
    (info.num_ack_pending, info.num_pending)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handled_message_is_acknowledged_and_described() {
    let world = World::new().await;
    let mut seen = world.consume(world.spec("plain"), |_| Ok(()));
    let id = world.publish("body").await;

    let delivery = seen.next().await;
    assert_eq!(delivery.message_id, id.to_string());
    assert_eq!(delivery.event_type, "aldia.test.v1.ThingChanged");
    assert_eq!(delivery.subject, format!("{}.thing.changed", world.root));
    assert_eq!((delivery.payload.as_ref(), delivery.attempt), (b"body".as_slice(), 1));
    assert_eq!(delivery.headers.get("ce-subject"), Some("thing/1"));
    wait_until("nothing is outstanding", DEADLINE, async || outstanding(&world, "plain").await == (0, 0))
        .await;
    assert_eq!(seen.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_may_begin_with_what_comes_next() {
    let world = World::new().await;
    world.publish("before").await;
    let mut seen = world.consume(ConsumerSpec { start: Start::Newest, ..world.spec("late") }, |_| Ok(()));
    wait_until("the consumer is there", DEADLINE, async || {
        let client = async_nats::connect(nats_url()).await.unwrap();
        let stream = async_nats::jetstream::new(client).get_stream(&world.stream).await.unwrap();
        stream.consumer_info("late").await.is_ok()
    })
    .await;
    let id = world.publish("after").await;
    assert_eq!(seen.next().await.message_id, id.to_string());
    assert_eq!(seen.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_waits_for_its_backoff() {
    let world = World::new().await;
    let backoff = vec![Duration::from_millis(100), Duration::from_millis(300)];
    let spec = ConsumerSpec { backoff: backoff.clone(), ..world.spec("patient") };
    // Noted inside the handler, before its answer can have reached the server: the pause lies wholly between two notes.
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let mut seen = world.consume(spec, move |delivery| {
        noted.lock().unwrap().push(Instant::now());
        if delivery.attempt < 3 { Err(HandlerError::retry("not yet")) } else { Ok(()) }
    });
    world.publish("body").await;
    for attempt in 1..=3 {
        assert_eq!(seen.next().await.attempt, attempt);
    }
    let calls = calls.lock().unwrap().clone();
    let pauses: Vec<_> = calls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().zip(&backoff).all(|(pause, least)| pause >= least), "{pauses:?}");
    wait_until("nothing is outstanding", DEADLINE, async || outstanding(&world, "patient").await == (0, 0))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_is_tried_again() {
    let world = World::new().await;
    let mut seen = world.consume(world.spec("fragile"), |delivery| {
        assert!(delivery.attempt > 1, "the first attempt panics, on purpose");
        Ok(())
    });
    world.publish("body").await;
    assert_eq!(seen.next().await.attempt, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_keeps_its_message() {
    let world = World::new().await;
    let spec = ConsumerSpec { ack_wait: Duration::from_millis(1500), ..world.spec("slow") };
    let slow = spec.ack_wait * 2;
    let calls = Arc::new(AtomicU32::new(0));
    let done = Arc::new(Notify::new());
    let (called, finished) = (Arc::clone(&calls), Arc::clone(&done));
    let consumer = Consumer::new(world.bus.clone(), spec);
    let handler = move |_: Delivery| {
        called.fetch_add(1, Ordering::SeqCst);
        let finished = Arc::clone(&finished);
        async move {
            // This is the slow work itself, not a wait for something.
            tokio::time::sleep(slow).await;
            finished.notify_one();
            Ok(())
        }
    };
    let running = tokio::spawn(consumer.run(handler, world.shutdown()));
    world.publish("body").await;
    tokio::time::timeout(DEADLINE, done.notified()).await.unwrap();
    wait_until("nothing is outstanding", DEADLINE, async || outstanding(&world, "slow").await == (0, 0))
        .await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    world.stop();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_handlers_run_than_allowed() {
    let world = World::new().await;
    let spec = ConsumerSpec { max_in_flight: 3, ..world.spec("bounded") };
    let counters: Arc<[AtomicU32; 3]> = Arc::default();
    let shared = Arc::clone(&counters);
    let [_, most, total] = &*counters;
    let consumer = Consumer::new(world.bus.clone(), spec);
    let handler = move |_: Delivery| {
        let shared = Arc::clone(&shared);
        async move {
            let [now, most, total] = &*shared;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            total.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let running = tokio::spawn(consumer.run(handler, world.shutdown()));
    let messages: Vec<_> = (0..100).map(|n| world.message(&format!("thing/{n}"), "x")).collect();
    world.enqueue(&messages).await;
    world.relay_once(100).await;
    wait_until("all are handled", DEADLINE, async || total.load(Ordering::SeqCst) == 100).await;
    assert!(most.load(Ordering::SeqCst) <= 3);
    world.stop();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_finishes_the_handler_that_runs_and_gives_the_rest_back() {
    let world = World::new().await;
    let spec = ConsumerSpec { max_in_flight: 1, ..world.spec("polite") };
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (Arc::clone(&entered), Arc::clone(&release));
    let consumer = Consumer::new(world.bus.clone(), spec.clone());
    let handler = move |_: Delivery| {
        enter.notify_one();
        let released = Arc::clone(&released);
        async move {
            released.notified().await;
            Ok(())
        }
    };
    let running = tokio::spawn(consumer.run(handler, world.shutdown()));
    world.enqueue(&[world.message("thing/1", "first"), world.message("thing/2", "second")]).await;
    world.relay_once(2).await;
    tokio::time::timeout(DEADLINE, entered.notified()).await.unwrap();
    world.stop();
    release.notify_one();
    tokio::time::timeout(DEADLINE, running).await.unwrap().unwrap();
    assert_eq!(outstanding(&world, "polite").await, (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_of_other_names_see_every_message() {
    let world = World::new().await;
    let mut one = world.consume(world.spec("one"), |_| Ok(()));
    let mut other = world.consume(world.spec("other"), |_| Ok(()));
    world.publish("body").await;
    assert_eq!(one.next().await.message_id, other.next().await.message_id);
    world.stop();
    one.ended().await;
    other.ended().await;
}
