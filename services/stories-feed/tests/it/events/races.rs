//! A story and the events of its asset, in every order: it ends shown, or failed, and never waits for ever.

use contracts::upload_ingest::v1::Visibility;
use tokio::join;

use super::world::{Asset, World};

#[tokio::test]
async fn a_story_posted_before_its_media_are_ready_is_shown_once_they_are() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 2, "processing");
    let story = world.post(gym, asset).await.expect(201).json();
    assert_eq!(story["state"], "processing");
    let id = story["id"].as_str().unwrap().parse().unwrap();
    assert!(world.seen_by(gym, bob).await.is_empty());
    world.tell_processed(asset, 4, Visibility::Public).await;
    world.wait_until_seen(gym, bob, &[id]).await;
    // Again, and what was before: nothing happens a second time.
    world.tell_processed(asset, 4, Visibility::Public).await;
    world.tell_failed(asset, 3).await;
    world.wait_until_heard().await;
    assert_eq!(world.seen_by(gym, bob).await, [id]);
    assert_eq!(world.log(gym).await, ["update_story", "prepend_story"]);
    world.stop().await;
}

#[tokio::test]
async fn a_story_posted_after_its_media_were_ready_is_shown_at_once() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.tell_processed(asset, 4, Visibility::Public).await;
    world.wait_until_known(asset, 4).await;
    world.uploads.know(asset, 4, "published");
    let story = world.post(gym, asset).await.expect(201).json();
    assert_eq!(story["state"], "active");
    let id: uuid::Uuid = story["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.seen_by(gym, bob).await, [id]);
    world.stop().await;
}

/// The answer of upload-ingest is on its way while the event overtakes it.
#[tokio::test]
async fn an_event_that_overtakes_the_answer_is_not_lost() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 2, "processing");
    world.uploads.hold();
    let (answer, ()) = join!(world.post(gym, asset), async {
        world.uploads.wait_for_answer().await;
        world.tell_processed(asset, 4, Visibility::Public).await;
        world.wait_until_known(asset, 4).await;
        world.uploads.let_go();
    });
    let story = answer.expect(201).json();
    assert_eq!(story["state"], "active", "{story}");
    world.wait_until_seen(gym, bob, &[story["id"].as_str().unwrap().parse().unwrap()]).await;
    world.stop().await;
}

/// The same where there is nothing to show in the end: the answer said public, and the asset is private by now.
#[tokio::test]
async fn an_answer_that_is_out_of_date_shows_nothing_that_was_withdrawn() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let asset = Asset::of(ada);
    world.uploads.know(asset, 4, "published");
    world.uploads.hold();
    let (answer, ()) = join!(world.post(gym, asset), async {
        world.uploads.wait_for_answer().await;
        world.tell_changed(asset, 5, contracts::upload_ingest::v1::Change::Visibility).await;
        world.wait_until_known(asset, 5).await;
        world.uploads.let_go();
    });
    answer.expect_problem(422, "asset_unusable");
    assert!(world.seen_by(gym, bob).await.is_empty());
    world.stop().await;
}

/// Posts and events at the same time, again and again.
#[tokio::test]
async fn however_they_meet_every_story_is_shown() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let (ada, bob) = (world.app.new_member(gym, "Ada").await, world.app.new_member(gym, "Bob").await);
    let mut stories = Vec::new();
    for _ in 0..12 {
        let asset = Asset::of(ada);
        world.uploads.know(asset, 2, "processing");
        let (answer, ()) = join!(world.post(gym, asset), world.tell_processed(asset, 4, Visibility::Public));
        stories.push(answer.expect(201).json()["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap());
    }
    stories.sort();
    test_harness::wait_until("all are shown", super::world::DEADLINE, async || {
        let mut seen = world.seen_by(gym, bob).await;
        seen.sort();
        seen == stories
    })
    .await;
    world.stop().await;
}
