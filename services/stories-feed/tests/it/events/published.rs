//! What others are told, and what runs beside requests.

use std::collections::HashMap;

use async_nats::jetstream;
use broadcast::{Broadcast, NatsConfig};
use chrono::TimeDelta;
use contracts::stories_feed::v1::{EndReason, StoryEnded, StoryPublished};
use contracts::{Message as _, Name as _};
use futures_util::StreamExt as _;
use serde_json::json;
use test_harness::{nats_url, wait_until};
use uuid::Uuid;

use super::world::DEADLINE;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// Passes come quickly.
const QUICK: &str = "[jobs]\ninterval_secs = 1\n";

/// What the stream tells of stories of one gym, by story.
async fn told(gym: Uuid) -> HashMap<Uuid, Vec<String>> {
    let config = NatsConfig { url: nats_url(), ..NatsConfig::default() };
    let client = Broadcast::connect(&config).await.unwrap().client();
    let stream = jetstream::new(client).get_stream("STORIES_FEED").await.unwrap();
    let config = jetstream::consumer::pull::Config {
        ack_policy: jetstream::consumer::AckPolicy::None,
        ..Default::default()
    };
    let consumer = stream.create_consumer(config).await.unwrap();
    let mut batch = consumer.fetch().max_messages(10_000).messages().await.unwrap();
    let mut told: HashMap<Uuid, Vec<String>> = HashMap::new();
    while let Some(message) = batch.next().await {
        let message = message.unwrap();
        let kind = message.headers.as_ref().unwrap().get("ce-type").unwrap().to_string();
        let (of, story, text) = if kind == StoryPublished::full_name() {
            let event = StoryPublished::decode(message.payload.as_ref()).unwrap();
            (event.gym_id, event.story_id, "published".to_owned())
        } else {
            let event = StoryEnded::decode(message.payload.as_ref()).unwrap();
            let text = format!("{:?}", EndReason::try_from(event.reason).unwrap()).to_lowercase();
            (event.gym_id, event.story_id, text)
        };
        if of == gym.to_string() {
            told.entry(story.parse().unwrap()).or_default().push(text);
        }
    }
    told
}

#[tokio::test]
async fn others_are_told_when_a_story_begins_and_why_it_ended() {
    let app = Harness::with(QUICK).await;
    let gym = app.gym().await;
    let (ada, eve) = (app.new_member(gym, "Ada").await, Uuid::now_v7());
    app.member(gym, eve, "moderator").await;
    let mut ids = Vec::new();
    for caption in ["kept", "deleted", "removed"] {
        let body = json!({"type": "text", "caption": caption, "duration_hours": 1});
        let story =
            app.post(&format!("/v1/gyms/{gym}/stories"), &app.token(ada), &body).await.expect(201).json();
        ids.push(story["id"].as_str().unwrap().parse::<Uuid>().unwrap());
    }
    let [kept, deleted, removed] = ids[..] else { panic!("three were posted") };
    app.delete(&format!("/v1/stories/{deleted}"), &app.token(ada)).await;
    app.delete(&format!("/v1/stories/{removed}"), &app.token(eve)).await;
    app.clock.advance(TimeDelta::hours(1));
    wait_until("others are told of all ends", DEADLINE, async || {
        let told = told(gym).await;
        told.len() == 3 && told.values().all(|events| events.len() == 2)
    })
    .await;
    let told = told(gym).await;
    for (story, reason) in [(kept, "expired"), (deleted, "deleted"), (removed, "removed")] {
        assert_eq!(told[&story], ["published", reason]);
    }
    app.stop().await;
}

#[tokio::test]
async fn what_has_expired_is_archived_once_and_nothing_shown_depends_on_it() {
    let app = Harness::with(QUICK).await;
    let replica = app.replica(QUICK).await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    for _ in 0..150 {
        app.story(StoryRow { hours: 1, ..StoryRow::text(gym, ada) }).await;
    }
    app.clock.advance(TimeDelta::hours(2));
    let archived = format!(
        "SELECT count(*) AS number FROM story WHERE gym_id = '{gym}' AND state = 'archived' AND version = 2"
    );
    wait_until("all are archived", DEADLINE, async || app.number(&archived).await == 150).await;
    let events = "SELECT count(*) AS number FROM outbox WHERE subject = 'stories_feed.story.ended'";
    assert_eq!(app.number(events).await, 150, "each once");
    replica.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_past_its_time_is_forgotten_and_what_a_highlight_shows_is_not() {
    let app = Harness::with("[jobs]\ninterval_secs = 1\nevent_retention_secs = 3600\n").await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let of = |state| StoryRow { state, ..StoryRow::text(gym, ada) };
    let (kept, plain) = (app.story(of("archived")).await, app.story(of("archived")).await);
    let (deleted, failed) = (app.story(of("deleted")).await, app.story(of("failed")).await);
    let fresh = app.story(of("deleted")).await;
    let highlight = Uuid::now_v7();
    let used = app.media(ada, "image", &[("thumb", "webp", 1, 1)]).await;
    let unused = app.media(ada, "image", &[("thumb", "webp", 1, 1)]).await;
    let shown = app.story(StoryRow::media(gym, ada, "image", used)).await;
    app.sql(&format!(
        "INSERT INTO highlight (id, gym_id, owner_id, title, created_at, updated_at) VALUES ('{highlight}', '{gym}', '{ada}', 'Best', now(), now()); \
         INSERT INTO highlight_item VALUES ('{highlight}', '{kept}', 0); \
         UPDATE story SET published_at = published_at - interval '40 days', expires_at = expires_at - interval '40 days', \
           ended_at = ended_at - interval '40 days', updated_at = updated_at - interval '40 days' \
           WHERE id IN ('{kept}', '{plain}', '{deleted}', '{failed}'); \
         UPDATE media SET updated_at = now() - interval '2 days'; \
         INSERT INTO feed_event (gym_id, seq, action, data, occurred_at) VALUES \
           ('{gym}', 1, 'refetch', '{{}}', now()), \
           ('{gym}', 2, 'refetch', '{{}}', now() - interval '2 hours'), \
           ('{gym}', 3, 'refetch', '{{}}', now())"
    ))
    .await;
    let left =
        format!("SELECT count(*) AS number FROM story WHERE id IN ('{plain}', '{deleted}', '{failed}')");
    wait_until("they are forgotten", DEADLINE, async || app.number(&left).await == 0).await;
    let kept = format!("SELECT count(*) AS number FROM story WHERE id IN ('{kept}', '{fresh}', '{shown}')");
    assert_eq!(app.number(&kept).await, 3);
    let log = format!("SELECT min(seq) AS number FROM feed_event WHERE gym_id = '{gym}'");
    wait_until("the log begins behind the old", DEADLINE, async || app.number(&log).await == 3).await;
    let media = |asset| format!("SELECT count(*) AS number FROM media WHERE asset_id = '{asset}'");
    wait_until("nothing uses it", DEADLINE, async || app.number(&media(unused)).await == 0).await;
    assert_eq!(app.number(&media(used)).await, 1);
    app.stop().await;
}
