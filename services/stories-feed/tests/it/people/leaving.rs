//! Who leaves takes the stories along: out of the feed, the highlights, and the sight of open sockets; and sees nothing any more.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{event, log};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn the_stories_of_one_who_leaves_are_gone_from_the_feed_and_sockets_are_told() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    let first = app.story(StoryRow::text(gym, bob)).await;
    let last = app.story(StoryRow { privacy: "close_friends", ..StoryRow::text(gym, bob) }).await;
    app.story(StoryRow {
        published_at: Some(app.clock.now() - TimeDelta::hours(25)),
        ..StoryRow::text(gym, bob)
    })
    .await;
    let kept = app.story(StoryRow::text(gym, ada)).await;
    let feed = format!("/v1/gyms/{gym}/stories/feed");
    let before = app.get(&feed, &app.token(ada)).await.expect(200);
    assert!(before.text().contains(&first.to_string()), "{}", before.text());
    let gone = app.delete(&format!("/v1/gyms/{gym}/members/{bob}"), &app.token(bob)).await.expect(204);
    let groups = gone.header("cache-group-invalidation");
    for group in ["stories", "members", &format!("viewers/{bob}")] {
        assert!(groups.contains(&format!("gyms/{gym}/{group}")), "{groups}");
    }
    let after = app.get(&feed, &app.token(ada)).await.expect(200);
    assert!(
        after.text().contains(&kept.to_string()) && !after.text().contains(&bob.to_string()),
        "{}",
        after.text()
    );
    app.get(&feed, &app.token(bob)).await.expect_problem(404, "not_found");
    let expected = [
        event("remove_story", Some(first), None, "public"),
        event("remove_story", Some(last), None, "close_friends"),
        event("refetch", None, Some(bob), ""),
    ];
    assert_eq!(log(&app, gym).await, expected);
    app.stop().await;
}

#[tokio::test]
async fn an_owner_sends_somebody_away_from_one_gym_only() {
    let app = Harness::start().await;
    let (gym, other) = (app.gym().await, app.gym().await);
    let (owner, bob) = (Uuid::now_v7(), app.new_member(gym, "Bob").await);
    app.member(gym, owner, "owner").await;
    app.member(other, bob, "member").await;
    app.story(StoryRow::text(other, bob)).await;
    app.delete(&format!("/v1/gyms/{gym}/members/{bob}"), &app.token(owner)).await.expect(204);
    app.get(&format!("/v1/gyms/{gym}"), &app.token(bob)).await.expect_problem(404, "not_found");
    app.get(&format!("/v1/gyms/{other}"), &app.token(bob)).await.expect(200);
    assert_eq!(log(&app, other).await, [] as [[String; 4]; 0]);
    app.stop().await;
}
