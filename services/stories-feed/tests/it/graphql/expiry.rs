//! A story is there to its last millisecond and gone at its expiry, over GraphQL too, and no 304 confirms it afterwards (S-D1).

use chrono::TimeDelta;
use serde_json::json;

use super::code;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_there_a_millisecond_before_its_expiry_and_gone_at_it() {
    let app = Harness::start().await;
    let other = app.replica("").await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let published = app.clock.now();
    app.clock.set(published);
    let dying = app.story(StoryRow { hours: 1, ..StoryRow::text(gym, ana) }).await;
    let staying = app.story(StoryRow { hours: 48, is_pinned: true, ..StoryRow::text(gym, ana) }).await;
    let feed = "query ($gym: ID!) { stories(gymId: $gym) { nodes { id } } }";
    let one = "query ($id: ID!) { story(id: $id) { id } }";
    let (of_gym, of_story) = (json!({"gym": gym}), json!({"id": dying}));
    let both = json!({"stories": {"nodes": [{"id": staying}, {"id": dying}]}});

    app.clock.set(published + TimeDelta::hours(1) - TimeDelta::milliseconds(1));
    let mut tags = Vec::new();
    for replica in [&app, &other] {
        assert_eq!(replica.data(me, feed, &of_gym).await, both);
        assert_eq!(replica.data(me, one, &of_story).await, json!({"story": {"id": dying}}));
        let got = replica.graphql(replica.getting(me, feed, &of_gym)).await.expect(200);
        assert_eq!(got.header("cdn-cache-control"), "private, principal, max-age=0");
        tags.push(got.header("etag").to_owned());
    }
    app.graphql(app.getting(me, feed, &of_gym).header("If-None-Match", &tags[0])).await.expect(304);

    app.clock.set(published + TimeDelta::hours(1));
    for (replica, tag) in [&app, &other].into_iter().zip(&tags) {
        let got = replica
            .graphql(replica.getting(me, feed, &of_gym).header("If-None-Match", tag))
            .await
            .expect(200);
        assert_eq!(got.statements(), 0, "from what was kept");
        assert_eq!(got.json(), json!({"data": {"stories": {"nodes": [{"id": staying}]}}}));
        assert_eq!(code(&replica.graphql(replica.asking(me, one, &of_story)).await.expect(200)), "not_found");
    }
    other.stop().await;
    app.stop().await;
}
