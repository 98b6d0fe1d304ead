//! What becomes of stories when their assets fail, are withdrawn, and come back.

use contracts::upload_ingest::v1::{Change, Visibility};
use uuid::Uuid;

use super::world::{Asset, World};

/// A gym with an author, a viewer, and a picture of the author's that is shown.
async fn shown(world: &World) -> (Uuid, Uuid, Asset, Uuid) {
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 4, "published");
    let story = world.post(gym, asset).await.expect(201).json();
    (gym, bob, asset, story["id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_story_whose_media_fail_tells_its_author_why() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 2, "processing");
    let story = world.post(gym, asset).await.expect(201).json();
    let id = story["id"].as_str().unwrap().parse().unwrap();
    world.tell_failed(asset, 3).await;
    world.wait_until_state(ada, id, "failed").await;
    let own = world.own(ada, id).await;
    assert_eq!(
        (own["error_code"].as_str(), own["error_text"].as_str()),
        (Some("unreadable"), Some("The file could not be read."))
    );
    // It may be ready in the end: the author decides whether it is still to be shown.
    world.tell_processed(asset, 5, Visibility::Public).await;
    world.wait_until_known(asset, 5).await;
    assert!(world.seen_by(gym, bob).await.is_empty());
    assert_eq!(world.log(gym).await, ["update_story", "update_story"]);
    world.stop().await;
}

#[tokio::test]
async fn what_is_hidden_vanishes_and_comes_back_with_the_time_it_has_left() {
    let world = World::start().await;
    let (gym, bob, asset, story) = shown(&world).await;
    assert_eq!(world.seen_by(gym, bob).await, [story]);
    let before = world.own(asset.owner, story).await;
    world.tell_changed(asset, 5, Change::Hidden).await;
    world.wait_until_seen(gym, bob, &[]).await;
    let hidden = world.own(asset.owner, story).await;
    assert_eq!(
        (hidden["state"].as_str(), hidden["error_code"].as_str()),
        (Some("failed"), Some("media_withdrawn"))
    );
    world
        .app
        .get(&format!("/v1/stories/{story}"), &world.app.token(bob))
        .await
        .expect_problem(404, "not_found");
    world.tell_changed(asset, 6, Change::Shown).await;
    world.wait_until_seen(gym, bob, &[story]).await;
    let after = world.own(asset.owner, story).await;
    assert_eq!(after["expires_at"], before["expires_at"]);
    assert_eq!(
        world.log(gym).await,
        ["prepend_story", "remove_story", "update_story", "prepend_story"],
        "shown, taken away, its author told why, shown again"
    );
    world.stop().await;
}

#[tokio::test]
async fn what_is_private_or_deleted_is_shown_to_nobody() {
    let world = World::start().await;
    for change in [Change::Visibility, Change::Deleted] {
        let (gym, bob, asset, story) = shown(&world).await;
        world.tell_changed(asset, 5, change).await;
        world.wait_until_seen(gym, bob, &[]).await;
        // An older event that comes late brings nothing back.
        world.tell_processed(asset, 4, Visibility::Public).await;
        world.wait_until_heard().await;
        assert!(world.seen_by(gym, bob).await.is_empty(), "{change:?}");
        assert_eq!(world.own(asset.owner, story).await["state"], "failed");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_was_hidden_while_it_was_processed_is_not_shown_when_it_is_ready() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 2, "processing");
    let story = world.post(gym, asset).await.expect(201).json();
    let id = story["id"].as_str().unwrap().parse().unwrap();
    world.tell_changed(asset, 3, Change::Hidden).await;
    world.wait_until_state(ada, id, "failed").await;
    // Its end does not say that it is hidden.
    world.tell_processed(asset, 4, Visibility::Public).await;
    world.wait_until_known(asset, 4).await;
    assert!(world.seen_by(gym, bob).await.is_empty());
    world.tell_changed(asset, 5, Change::Shown).await;
    world.wait_until_seen(gym, bob, &[id]).await;
    world.stop().await;
}

#[tokio::test]
async fn renditions_that_come_later_reach_the_feed() {
    let world = World::start().await;
    let (gym, bob, asset, story) = shown(&world).await;
    world.tell_processed(asset, 9, Visibility::Public).await;
    world.wait_until_known(asset, 9).await;
    let path = format!("/v1/gyms/{gym}/stories/feed");
    let feed = world.app.get(&path, &world.app.token(bob)).await.expect(200).json();
    let shown = &feed["user_stories"][0]["stories"][0];
    assert_eq!(
        (shown["id"].as_str(), shown["media"]["renditions"][0]["bytes"].as_i64()),
        (Some(story.to_string().as_str()), Some(1009))
    );
    assert_eq!(world.log(gym).await, ["prepend_story", "update_story"]);
    world.stop().await;
}

#[tokio::test]
async fn without_upload_ingest_nothing_with_media_is_posted() {
    let world = World::with("").await;
    let gym = world.app.gym().await;
    let ada = world.app.new_member(gym, "Ada").await;
    let (unknown, foreign) = (Asset::of(ada), Asset { owner: Uuid::now_v7(), ..Asset::of(ada) });
    assert_eq!(world.post(gym, unknown).await.expect_problem(422, "asset_unusable"), ["/asset_id"]);
    world.uploads.know(foreign, 4, "published");
    let body = serde_json::json!({"type": "image", "asset_id": foreign.id});
    let path = format!("/v1/gyms/{gym}/stories");
    let refused = world.app.post(&path, &world.app.token(ada), &body).await;
    assert_eq!(refused.expect_problem(422, "asset_unusable"), ["/asset_id"]);
    let away = world.app.replica("[uploads]\nurl = \"http://127.0.0.1:9\"\n").await;
    away.post(&path, &away.token(ada), &body).await.expect_problem(503, "unavailable");
    away.stop().await;
    world.stop().await;
}
