//! What one posted oneself and is not shown any more.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{each, items};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn a_story_is_in_the_archive_from_its_expiry_on_and_nobody_elses() {
    let app = Harness::start().await;
    let (gym, other) = (app.gym().await, app.gym().await);
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    app.member(other, ada, "member").await;
    let now = app.clock.now();
    app.clock.set(now);
    let story = app.story(StoryRow { privacy: "private", hours: 1, ..StoryRow::text(gym, ada) }).await;
    let yesterday = Some(now - TimeDelta::hours(30));
    let archived =
        app.story(StoryRow { state: "archived", published_at: yesterday, ..StoryRow::text(gym, ada) }).await;
    for state in ["draft", "processing", "failed", "deleted", "removed"] {
        let row = StoryRow { state, published_at: yesterday, ..StoryRow::text(gym, ada) };
        app.story(row).await;
    }
    app.story(StoryRow { published_at: yesterday, ..StoryRow::text(other, ada) }).await;
    app.view(gym, archived, bob, now).await;
    let path = format!("/v1/gyms/{gym}/stories/archive");
    let ids = async || each(&app.get(&path, &app.token(ada)).await.expect(200).json(), "/id");
    app.clock.advance(TimeDelta::hours(1) - TimeDelta::milliseconds(1));
    assert_eq!(ids().await, [archived.to_string()]);
    app.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(ids().await, [story.to_string(), archived.to_string()]);
    let page = app.get(&path, &app.token(ada)).await.json();
    assert_eq!(each(&page, "/views"), [0, 1]);
    assert_eq!(each(&page, "/state"), ["expired", "archived"]);
    assert!(items(&app.get(&path, &app.token(bob)).await.expect(200).json()).is_empty());
    app.get(&path, &app.token(Uuid::now_v7())).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_what_was_made_at_once() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let then = Some(app.clock.now() - TimeDelta::hours(40));
    let mut stories = Vec::new();
    for _ in 0..5 {
        stories
            .push(app.story(StoryRow { published_at: then, ..StoryRow::text(gym, ada) }).await.to_string());
    }
    stories.reverse();
    let token = app.token(ada);
    let (mut found, mut path) = (Vec::new(), format!("/v1/gyms/{gym}/stories/archive?limit=2"));
    loop {
        let page = app.get(&path, &token).await.expect(200).json();
        found.extend(each(&page, "/id"));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/gyms/{gym}/stories/archive?limit=2&cursor={next}");
    }
    assert_eq!(found, stories);
    app.stop().await;
}

#[tokio::test]
async fn a_picture_is_shown_while_it_is_public() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let asset = app.media(ada, "image", &[("thumb", "webp", 100, 200)]).await;
    let then = Some(app.clock.now() - TimeDelta::hours(40));
    app.story(StoryRow { published_at: then, ..StoryRow::media(gym, ada, "image", asset) }).await;
    let (path, token) = (format!("/v1/gyms/{gym}/stories/archive"), app.token(ada));
    let shown = app.get(&path, &token).await.expect(200).json();
    assert_eq!(each(&shown, "/media/renditions/0/name"), ["thumb"]);
    app.sql("UPDATE media SET state = 'withdrawn'").await;
    let hidden = app.get(&path, &token).await.expect(200).json();
    assert!(each(&hidden, "/media")[0].is_null());
    app.stop().await;
}
