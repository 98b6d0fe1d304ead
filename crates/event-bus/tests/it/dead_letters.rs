//! Messages nobody can handle: kept with the reason, listed, replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_bus::dead_letter::{self, DeadLetter, Replay};
use event_bus::{BusError, HandlerError};
use test_harness::wait_until;

use crate::world::{DEADLINE, World};

async fn letters(world: &World) -> Vec<DeadLetter> {
    dead_letter::list(&world.bus, &world.stream, 100).await.unwrap()
}

async fn until_dead(world: &World, count: usize) -> Vec<DeadLetter> {
    wait_until("the letters are dead", DEADLINE, async || letters(world).await.len() == count).await;
    letters(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_message_dies_after_its_attempts_and_can_be_replayed() {
    let world = World::new().await;
    let cured = Arc::new(AtomicBool::new(false));
    let is_cured = Arc::clone(&cured);
    let mut seen = world.consume(world.spec("sick"), move |_| {
        if is_cured.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(HandlerError::retry("poison\r\nNats-Msg-Id: forged"))
        }
    });
    let id = world.publish("body").await.to_string();
    for attempt in 1..=3 {
        assert_eq!(seen.next().await.attempt, attempt);
    }
    let letter = until_dead(&world, 1).await.remove(0);
    assert_eq!(letter.message_id, id);
    assert_eq!(letter.subject, format!("{}.thing.changed", world.root));
    assert_eq!((letter.consumer.as_str(), letter.attempts), ("sick", 3));
    assert_eq!((letter.stream.as_str(), letter.stream_sequence), (world.stream.as_str(), 1));
    assert_eq!(letter.cause, "poison  Nats-Msg-Id: forged");
    assert_eq!((letter.event_type.as_str(), letter.payload_bytes), ("aldia.test.v1.ThingChanged", 4));

    cured.store(true, Ordering::SeqCst);
    assert_eq!(
        dead_letter::replay(&world.bus, &world.stream, Replay::Sequence(letter.sequence)).await.unwrap(),
        1
    );
    let again = seen.next().await;
    assert_eq!((again.message_id, again.attempt, again.payload.as_ref()), (id, 1, b"body".as_slice()));
    assert_eq!(again.headers.get("Aldia-Dead-Cause"), None);
    assert!(letters(&world).await.is_empty());
    assert_eq!(seen.count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_message_dies_at_once() {
    let world = World::new().await;
    let mut seen = world.consume(world.spec("strict"), |_| Err(HandlerError::reject("cannot be decoded")));
    world.publish("body").await;
    assert_eq!(seen.next().await.attempt, 1);
    let letter = until_dead(&world, 1).await.remove(0);
    assert_eq!((letter.attempts, letter.cause.as_str()), (1, "cannot be decoded"));
    assert_eq!(seen.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_may_die_again_after_a_replay() {
    let world = World::new().await;
    let _seen = world.consume(world.spec("strict"), |_| Err(HandlerError::reject("still wrong")));
    world.enqueue(&[world.message("thing/1", "a"), world.message("thing/2", "b")]).await;
    world.relay().pass().await.unwrap();
    let before = until_dead(&world, 2).await;
    assert_eq!(dead_letter::replay(&world.bus, &world.stream, Replay::All).await.unwrap(), 2);
    let after = until_dead(&world, 2).await;
    assert!(after.iter().all(|letter| before.iter().all(|old| old.sequence < letter.sequence)));
    assert_eq!(dead_letter::list(&world.bus, &world.stream, 1).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_is_not_there_cannot_be_replayed() {
    let world = World::new().await;
    let error = dead_letter::replay(&world.bus, &world.stream, Replay::Sequence(7)).await.unwrap_err();
    assert!(matches!(error, BusError::NoDeadLetter { sequence: 7, .. }), "{error}");
    assert_eq!(dead_letter::replay(&world.bus, &world.stream, Replay::All).await.unwrap(), 0);
}
