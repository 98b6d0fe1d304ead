//! Many who want the same at once: one asks the upstream (RFC 9111 §4, G-D2).

use tokio::task::JoinSet;

use super::world::{Gate, Step, World, answer, is_hit, message, request, status};
use crate::http::wire::{Message, Peer};

const KEPT: &str = "200\ncache-control: max-age=600\ncache-groups: \"g\"\n\n{n}";

/// Sends so many requests for one address, each from a client of its own; their answers come when they come.
async fn crowd(world: &World, size: usize, target: &'static str) -> JoinSet<Message> {
    let mut crowd = JoinSet::new();
    for _ in 0..size {
        let mut peer = Peer::to(&world.gateway).await;
        peer.send(request("GET", target, "")).await;
        crowd.spawn(async move { peer.final_answer().await });
    }
    crowd
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_of_a_purged_address_cost_one_request() {
    let world = World::new().await;
    let gate = Gate::new();
    world.script(
        "/a",
        vec![answer(KEPT), vec![gate.wait(), Step::Say(KEPT.to_owned())], answer("500\n\nasked again")],
    );
    assert!(world.is_kept("/a", "").await);
    world.purge(&["g"]).await;
    let crowd = crowd(&world, 1000, "/a").await;
    world.wait_until_asked("/a", 2).await;
    gate.open();
    let answers = crowd.join_all().await;
    assert_eq!(answers.len(), 1000);
    for answer in &answers {
        assert_eq!((answer.status(), answer.text()), (200, "2"), "{}", answer.head);
    }
    assert_eq!(world.asked("/a"), 2);
    let (waited, rest): (Vec<_>, Vec<_>) =
        answers.iter().map(status).partition(|told| told.contains("; fwd=stale; collapsed; ttl="));
    let forwarded = rest.iter().filter(|told| told.contains("fwd=")).count();
    assert_eq!(forwarded, 1, "one says that it went on, the others that they waited or came later");
    assert!(!waited.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_leaves_the_others_an_answer() {
    let world = World::new().await;
    let gate = Gate::new();
    let held = vec![gate.wait(), Step::Say(KEPT.to_owned())];
    world.script("/a", vec![held, answer(KEPT)]);
    let mut first = Peer::to(&world.gateway).await;
    first.send(request("GET", "/a", "")).await;
    world.wait_until_asked("/a", 1).await;
    let others = crowd(&world, 20, "/a").await;
    // It leaves while the upstream is silent; the upstream never answers this one.
    drop(first);
    for answer in others.join_all().await {
        assert_eq!((answer.status(), answer.text()), (200, "2"), "{}", answer.head);
    }
    assert_eq!(world.asked("/a"), 2);
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shared_is_fetched_by_each() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: private\n\n{n}"]);
    let answers = crowd(&world, 50, "/a").await.join_all().await;
    let mut bodies: Vec<String> = answers.iter().map(|answer| answer.text().to_owned()).collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 50, "each has an answer of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiters_for_what_turns_out_to_be_unshareable_do_not_queue_behind_one_another() {
    let world = World::new().await;
    let gate = Gate::new();
    // The first answer shows that nothing is kept; the next ones are held until all of them have been asked for.
    let first = vec![Step::Send(message("200\ncache-control: no-store\n\nx"))];
    let held = vec![gate.wait(), Step::Send(message("200\ncache-control: no-store\n\nx"))];
    world.script("/a", vec![first, held]);
    world.get("/a").await;
    let crowd = crowd(&world, 20, "/a").await;
    world.wait_until_asked("/a", 21).await;
    gate.open();
    assert_eq!(crowd.join_all().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_after_an_invalidation_does_not_share_a_fetch_from_before() {
    let world = World::new().await;
    let (first, second) = (Gate::new(), Gate::new());
    let old = vec![
        first.wait(),
        Step::Send(message("200\ncache-control: max-age=600\ncache-groups: \"g\"\n\nold")),
    ];
    let new = vec![
        second.wait(),
        Step::Send(message("200\ncache-control: max-age=600\ncache-groups: \"g\"\n\nnew")),
    ];
    world.script("/a", vec![old, new]);
    let before = crowd(&world, 1, "/a").await;
    world.wait_until_asked("/a", 1).await;
    world.purge(&["g"]).await;
    let after = crowd(&world, 5, "/a").await;
    first.open();
    second.open();
    assert_eq!(before.join_all().await[0].text(), "old");
    for answer in after.join_all().await {
        assert_eq!(answer.text(), "new", "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_fails_for_nobody_else() {
    let world = World::new().await;
    let gate = Gate::new();
    world.script("/a", vec![vec![gate.wait(), Step::Send(message("500\n\nbroken"))], answer(KEPT)]);
    let first = crowd(&world, 1, "/a").await;
    world.wait_until_asked("/a", 1).await;
    let others = crowd(&world, 10, "/a").await;
    gate.open();
    assert_eq!(first.join_all().await[0].status(), 500);
    for answer in others.join_all().await {
        assert_eq!(answer.status(), 200, "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn different_addresses_do_not_wait_for_one_another() {
    let world = World::new().await;
    let gate = Gate::new();
    world.script("/slow", vec![vec![gate.wait(), Step::Say(KEPT.to_owned())]]);
    world.say("/fast", &[KEPT]);
    let slow = crowd(&world, 10, "/slow").await;
    world.wait_until_asked("/slow", 1).await;
    assert_eq!(world.get("/fast").await.text(), "1");
    assert!(is_hit(&world.get("/fast").await));
    gate.open();
    assert_eq!(slow.join_all().await.len(), 10);
}
