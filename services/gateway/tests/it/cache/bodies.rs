//! Bodies: large and endless ones pass, what breaks off is never kept, and slow clients hold nobody up (RFC 9111 §3.3, §3.4).

use super::world::{Gate, Step, World, answer, is_hit, message, request, status};
use crate::http::wire::Peer;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_may_be_kept_passes_whole() {
    let world = World::with("max_object_bytes = 1000", "").await;
    for (length, kept) in [(1000, true), (1001, false), (3_000_000, false)] {
        let body = "x".repeat(length);
        let target = format!("/{length}");
        world.say(&target, &[&format!("200\ncache-control: max-age=60\n\n{body}")]);
        let first = world.get(&target).await;
        let second = world.get(&target).await;
        assert!(first.text() == body && second.text() == body, "{length}");
        assert_eq!(is_hit(&second), kept, "{length}: {}", second.head);
        // The same in chunks, where the length is not known before.
        let target = format!("/chunked/{length}");
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        );
        world.script(&target, vec![vec![Step::Send(chunked.into_bytes())]]);
        let first = world.get(&target).await;
        let second = world.get(&target).await;
        assert!(first.text() == body && second.text() == body, "{length}");
        assert_eq!(is_hit(&second), kept, "{length} in chunks: {}", second.head);
        if !kept {
            assert!(status(&first).ends_with("detail=too-large"), "{}", first.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_streams() {
    let world = World::new().await;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000)).into_bytes();
    let head = b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    world.script("/endless", vec![vec![Step::Send(head), Step::Endless(chunk), Step::Close]]);
    let mut peer = Peer::to(&world.gateway).await;
    peer.send(request("GET", "/endless", "")).await;
    let head = peer.head().await.unwrap();
    assert_eq!(head.status(), 200, "{}", head.head);
    assert!(!status(&head).contains("stored"), "{}", head.head);
    // Nothing of it is kept: whoever comes next gets a stream of his own.
    let mut other = Peer::to(&world.gateway).await;
    other.send(request("GET", "/endless", "")).await;
    assert!(!is_hit(&other.head().await.unwrap()));
    assert_eq!(world.asked("/endless"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_may_be_kept_reaches_the_client_before_it_ends() {
    let world = World::new().await;
    let gate = Gate::new();
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-type: text/event-stream\r\n\
                transfer-encoding: chunked\r\n\r\n7\r\ndata: 1\r\n";
    let rest = b"7\r\ndata: 2\r\n0\r\n\r\n".to_vec();
    world.script("/events", vec![vec![Step::Send(head.as_bytes().to_vec()), gate.wait(), Step::Send(rest)]]);
    let mut peer = Peer::to(&world.gateway).await;
    peer.send(request("GET", "/events", "")).await;
    let mut answer = peer.head().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    gate.open();
    peer.body(&mut answer, false).await;
    assert_eq!(answer.text(), "data: 1data: 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_is_never_kept() {
    let world = World::new().await;
    let good = "200\ncache-control: max-age=60\n\nwhole";
    for (number, broken) in [
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\nwh",
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n2\r\nwh\r\n",
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwh",
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("/{number}");
        world.script(&target, vec![vec![Step::Send(broken.as_bytes().to_vec()), Step::Close], answer(good)]);
        let mut peer = Peer::to(&world.gateway).await;
        peer.send(request("GET", &target, "")).await;
        if let Some(first) = peer.message().await {
            let whole = first.status() == 200 && first.complete;
            assert!(!whole, "{broken:?} was made complete: {}", first.head);
        }
        let next = world.get(&target).await;
        assert_eq!((next.status(), next.text()), (200, "whole"), "{broken:?}: {}", next.head);
        assert!(!is_hit(&next), "{broken:?}: {}", next.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_with_the_connection_is_passed_on() {
    let world = World::new().await;
    let head = "HTTP/1.0 200 OK\r\ncache-control: max-age=60\r\n\r\nwhole";
    world.script("/a", vec![vec![Step::Send(head.as_bytes().to_vec()), Step::Close]]);
    assert_eq!(world.get("/a").await.text(), "whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_nobody_up() {
    let world = World::with("max_object_bytes = 8000000", "").await;
    let body = "x".repeat(6_000_000);
    world.say("/a", &[&format!("200\ncache-control: max-age=60\n\n{body}")]);
    let mut sleepers = Vec::new();
    for _ in 0..10 {
        let mut peer = Peer::to(&world.gateway).await;
        peer.send(request("GET", "/a", "")).await;
        sleepers.push(peer);
    }
    let answer = world.get("/a").await;
    assert_eq!(answer.body.len(), body.len());
    assert_eq!(world.asked("/a"), 1, "nor is anything asked for twice");
    for mut peer in sleepers {
        assert_eq!(peer.final_answer().await.body.len(), body.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_trailers_passes_with_them() {
    let world = World::new().await;
    let wire = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                5\r\nwhole\r\n0\r\nx-sum: 1\r\n\r\n";
    world.script("/a", vec![vec![Step::Send(wire.as_bytes().to_vec())]]);
    for _ in 0..2 {
        let answer = world.ask("GET", "/a", "te: trailers\n").await;
        assert_eq!(
            (answer.text(), answer.trailers.as_slice()),
            ("whole", &["x-sum: 1".to_owned()][..]),
            "{}",
            answer.head
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_is_kept_as_one() {
    let world = World::new().await;
    world.script("/a", vec![vec![Step::Send(message("200\ncache-control: max-age=60\ncontent-length: 0"))]]);
    world.get("/a").await;
    let second = world.get("/a").await;
    assert!(is_hit(&second) && second.field("content-length") == Some("0"), "{}", second.head);
}
