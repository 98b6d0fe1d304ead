//! No story is told of from its expiry on (S-D1).

use chrono::TimeDelta;
use uuid::Uuid;

use super::socket::{Entry, Listener, QUICK, fence};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn a_story_is_replayed_to_the_last_millisecond_and_not_at_its_expiry() {
    let app = Harness::with(QUICK).await;
    let now = app.clock.now();
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let story = app.story(StoryRow { hours: 1, published_at: Some(now), ..StoryRow::text(gym, ada) }).await;
    let purged = Uuid::now_v7();
    let before = Listener::open(&app, gym, ada, None).await.position;
    let said = |action| Entry::story(action, story, ada, "public");
    app.append(
        gym,
        &[
            said("prepend_story"),
            said("update_story"),
            said("reaction_counts"),
            Entry::story("prepend_story", purged, ada, "public"),
            said("remove_story"),
            fence(),
        ],
    )
    .await;
    let expiry = now + TimeDelta::hours(1);
    let all = ["prepend_story", "update_story", "reaction_counts", "remove_story"];
    for (at, expected) in [(expiry - TimeDelta::milliseconds(1), &all[..]), (expiry, &all[3..])] {
        app.clock.set(at);
        let mut back = Listener::open(&app, gym, ada, Some(&before)).await;
        assert!(back.recovered);
        let heard: Vec<_> = back.until_fence().await.into_iter().map(|(action, _)| action).collect();
        assert_eq!(heard, expected, "{at}");
    }
    // Neither is it told to who is there when word comes late.
    let mut listener = Listener::open(&app, gym, ada, None).await;
    app.append(gym, &[said("prepend_story"), fence()]).await;
    assert_eq!(listener.until_fence().await, []);
    app.stop().await;
}
