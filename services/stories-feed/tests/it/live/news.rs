//! By what sockets hear that there is something to tell.

use std::time::Duration;

use broadcast::{Broadcast, NatsConfig};
use tokio::time::{Instant, timeout};

use super::socket::{Listener, fence};
use crate::harness::Harness;

/// Nothing is looked for within a test.
const HEARD_ONLY: &str = "[live]\npoll_ms = 3600000\n";

#[tokio::test]
async fn a_note_is_heard_by_every_replica() {
    let app = Harness::with(HEARD_ONLY).await;
    let replica = app.replica(HEARD_ONLY).await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let mut listeners =
        [Listener::open(&app, gym, ada, None).await, Listener::open(&replica, gym, ada, None).await];
    app.append(gym, &[fence()]).await;
    let nats = NatsConfig { url: test_harness::nats_url(), ..NatsConfig::default() };
    let broadcast = Broadcast::connect(&nats).await.unwrap();
    let subject = format!("aldia.stories_feed.news.{gym}");
    test_harness::wait_until("the note is sent", Duration::from_secs(10), async || {
        broadcast.publish(&subject, None, "".into()).await.is_ok()
    })
    .await;
    for listener in &mut listeners {
        assert_eq!(listener.until_fence().await, []);
    }
    drop(listeners);
    replica.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn what_nobody_told_of_is_found_and_one_statement_looks_for_all() {
    let app = Harness::with("[live]\npoll_ms = 200\n").await;
    let mut listeners = Vec::new();
    for _ in 0..5 {
        let gym = app.gym().await;
        let ada = app.new_member(gym, "Ada").await;
        listeners.push((gym, Listener::open(&app, gym, ada, None).await));
    }
    for (gym, listener) in &mut listeners {
        let begun = Instant::now();
        app.append(*gym, &[fence()]).await;
        timeout(Duration::from_secs(5), listener.until_fence()).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    app.stop().await;
}
