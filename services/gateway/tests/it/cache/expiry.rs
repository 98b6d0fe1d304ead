//! Under load, what expires is asked for once each time it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;

use super::world::{World, request};
use crate::http::wire::Peer;

/// How often the answer, fresh for a second, is to expire.
const TIMES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fresh_for_a_second_costs_a_request_a_second() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=1\n\n{n}"]);
    let begun = Instant::now();
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut peer = Peer::to(&world.gateway).await;
        let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
        clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                peer.send(request("GET", "/a", "")).await;
                let answer = peer.answer().await;
                assert_eq!(answer.status(), 200, "{}", answer.head);
                // Who fetched it is told no age.
                let age = answer.field("age").map_or(0, |age| age.parse::<u64>().unwrap());
                assert_eq!(age, 0, "{}", answer.head);
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    world.wait_until_asked("/a", 1 + TIMES).await;
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await;
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let asked = world.asked("/a");
    assert!(asked <= seconds + 1, "{asked} requests in {seconds} s and a part of one");
    assert!(served.load(Ordering::Relaxed) > 100 * asked, "{asked} for {served:?}");
}
