//! `POST /v1/stories/views:batch` and `GET /v1/stories/{id}/viewers`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, texts};
use crate::fixtures::StoryRow;
use crate::harness::{Answer, Harness};

const BATCH: &str = "/v1/stories/views:batch";

async fn merge(app: &Harness, viewer: Uuid, views: &[Json]) -> Answer {
    app.post(BATCH, &app.token(viewer), &json!({"views": views})).await
}

fn view(story: Uuid, seen_at: DateTime<Utc>) -> Json {
    json!({"story_id": story, "seen_at": seen_at})
}

/// All that is kept, and all that is counted, in one order.
async fn kept(app: &Harness) -> (Vec<String>, Vec<String>) {
    let views = "SELECT story_id || ' ' || viewer_id || ' ' || extract(epoch FROM first_seen_at) || ' ' || max_watch_ms || ' ' \
                 || coalesce(device, '-') AS text FROM story_view ORDER BY story_id, viewer_id";
    let counts = "SELECT story_id || ' ' || views AS text FROM story_count ORDER BY story_id";
    (texts(&app.db, views).await, texts(&app.db, counts).await)
}

#[tokio::test]
async fn a_view_counts_once_and_is_seen_by_viewer_and_author() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let path = super::path(&story);
    assert_eq!(app.get(&path, &app.token(*bob)).await.json()["has_viewed"], false);
    let views =
        [json!({"story_id": id(&story), "seen_at": app.clock.now(), "watch_ms": 900, "device": "phone"})];
    let answer = merge(app, *bob, &views).await.expect(200);
    assert_eq!(answer.json(), json!({"merged": 1, "unknown": 0}));
    assert_eq!(answer.header("cache-group-invalidation"), format!("\"gyms/{gym}/viewers/{bob}\""));
    assert_eq!(merge(app, *bob, &views).await.expect(200).json(), json!({"merged": 1, "unknown": 0}));
    assert_eq!(app.get(&path, &app.token(*bob)).await.json()["has_viewed"], true);
    assert_eq!(app.get(&path, &app.token(*ada)).await.json()["views"], 1);
    assert_eq!(scene.position().await, 1, "a view is nobody's news");
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_not_to_be_seen_is_unknown_and_ones_own_is_no_view() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let now = app.clock.now();
    let mut views = Vec::new();
    for (state, privacy) in [
        ("draft", "public"),
        ("processing", "public"),
        ("failed", "public"),
        ("deleted", "public"),
        ("removed", "public"),
        ("active", "private"),
        ("active", "followers"),
    ] {
        let kind = if matches!(state, "processing" | "failed") { "image" } else { "text" };
        let asset = (kind == "image").then_some(app.media(*ada, "image", &[]).await);
        let row = StoryRow { state, privacy, kind, asset, ..StoryRow::text(*gym, *ada) };
        views.push(view(app.story(row).await, now));
    }
    let elsewhere = app.gym().await;
    let other = app.new_member(elsewhere, "Other").await;
    views.push(view(app.story(StoryRow::text(elsewhere, other)).await, now));
    views.push(view(Uuid::now_v7(), now));
    let unknown = views.len();
    let archived = app.story(StoryRow { state: "archived", ..StoryRow::text(*gym, *ada) }).await;
    let expired = StoryRow { published_at: Some(now - TimeDelta::days(3)), ..StoryRow::text(*gym, *ada) };
    let expired = app.story(expired).await;
    let own = app.story(StoryRow::text(*gym, *bob)).await;
    views.extend([archived, expired, own].map(|story| view(story, now)));
    let answer = merge(app, *bob, &views).await.expect(200).json();
    assert_eq!(answer, json!({"merged": 3, "unknown": unknown}));
    let counted = app.number("SELECT sum(views)::bigint AS number FROM story_count").await;
    assert_eq!((counted, kept(app).await.0.len()), (2, 2), "clients come late, and nobody views their own");
    let stranger = merge(app, Uuid::now_v7(), &views).await.expect(200).json();
    assert_eq!(stranger, json!({"merged": 0, "unknown": views.len()}));
    scene.app.stop().await;
}

#[tokio::test]
async fn a_view_is_never_before_its_story_nor_later_than_now() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let now: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
    app.clock.set(now);
    let published = now - TimeDelta::hours(1);
    let row = || StoryRow { published_at: Some(published), ..StoryRow::text(*gym, *ada) };
    let (early, late) = (app.story(row()).await, app.story(row()).await);
    let views = [view(early, published - TimeDelta::days(9)), view(late, now + TimeDelta::days(9))];
    merge(app, *bob, &views).await.expect(200);
    let seen = async |story: Uuid| {
        let sql = format!(
            "SELECT extract(epoch FROM first_seen_at)::bigint AS number FROM story_view WHERE story_id = '{story}'"
        );
        app.number(&sql).await
    };
    assert_eq!((seen(early).await, seen(late).await), (published.timestamp(), now.timestamp()));
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let scene = Scene::start().await;
    let Scene { app, bob, .. } = &scene;
    let token = app.token(*bob);
    let good = || json!({"story_id": Uuid::nil(), "seen_at": "2026-11-29T10:00:00Z"});
    for (body, pointer) in [
        (json!({}), "/views"),
        (json!({"views": vec![good(); 501]}), "/views"),
        (json!({"views": [good(), {"story_id": Uuid::nil()}]}), "/views/1/seen_at"),
        (json!({"views": [{"story_id": "x", "seen_at": "2026-11-29T10:00:00Z"}]}), "/views/0/story_id"),
        (json!({"views": [super::with(good(), json!({"watch_ms": -1}))]}), "/views/0/watch_ms"),
        (json!({"views": [super::with(good(), json!({"device": "x".repeat(41)}))]}), "/views/0/device"),
        (json!({"views": [super::with(good(), json!({"liked": true}))]}), "/views/0/liked"),
    ] {
        let refused = app.post(BATCH, &token, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{pointer}");
    }
    let full = app.post(BATCH, &token, &json!({"views": vec![good(); 500]})).await.expect(200);
    assert_eq!(full.json(), json!({"merged": 0, "unknown": 500}));
    assert_eq!(merge(app, *bob, &[]).await.expect(200).json(), json!({"merged": 0, "unknown": 0}));
    scene.app.stop().await;
}

/// What is reported, and by whom.
type Report = (Uuid, Uuid, DateTime<Utc>, i64, Option<&'static str>);

/// The earliest report with its device, and the longest time.
type Kept<'a> = ((DateTime<Utc>, bool, &'a str), i64);

/// What is to be kept: by story and viewer, the earliest with its device, and the longest.
fn expected(reports: &[Report], published: DateTime<Utc>, now: DateTime<Utc>) -> Vec<String> {
    let mut kept: BTreeMap<(Uuid, Uuid), Kept<'_>> = BTreeMap::new();
    for (story, viewer, seen_at, watch_ms, device) in reports {
        let seen = ((*seen_at).clamp(published, now), device.is_none(), device.unwrap_or("-"));
        let known = kept.entry((*story, *viewer)).or_insert((seen, *watch_ms));
        *known = (known.0.min(seen), known.1.max(*watch_ms));
    }
    kept.into_iter()
        .map(|((story, viewer), ((seen, _, device), watch))| {
            format!("{story} {viewer} {}.000000 {watch} {device}", seen.timestamp())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_any_number_of_batches_at_the_same_time_comes_to_the_same() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let now: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
    app.clock.set(now);
    let published = now - TimeDelta::seconds(20);
    let mut stories = Vec::new();
    for _ in 0..6 {
        let row = StoryRow { published_at: Some(published), ..StoryRow::text(*gym, *ada) };
        stories.push(app.story(row).await);
    }
    let viewers = [*bob, app.new_member(*gym, "Cem").await, app.new_member(*gym, "Dee").await];
    for seed in 0..4 {
        let mut random = StdRng::seed_from_u64(seed);
        let devices = [None, Some("phone"), Some("tablet"), Some("Web")];
        let reports: Vec<Report> = (0..60)
            .map(|_| {
                let story = stories[random.random_range(0..stories.len())];
                let viewer = viewers[random.random_range(0..viewers.len())];
                let seen_at = published + TimeDelta::seconds(random.random_range(-5..25));
                (story, viewer, seen_at, random.random_range(0..5_000), devices[random.random_range(0..4)])
            })
            .collect();
        app.sql("DELETE FROM story_view; UPDATE story_count SET views = 0").await;
        // Every report at least twice, in batches of any size and any order, from two devices of each viewer at once.
        let mut batches: Vec<(Uuid, Vec<Json>)> = Vec::new();
        for _ in 0..2 {
            let mut shuffled = reports.clone();
            shuffled.shuffle(&mut random);
            for viewer in viewers {
                let own = shuffled.iter().filter(|report| report.1 == viewer);
                let own: Vec<Json> = own
                    .map(|(story, _, seen_at, watch_ms, device)| {
                        json!({"story_id": story, "seen_at": seen_at, "watch_ms": watch_ms, "device": device})
                    })
                    .collect();
                let size = random.random_range(1..12);
                batches.extend(own.chunks(size).map(|chunk| (viewer, chunk.to_vec())));
            }
        }
        batches.shuffle(&mut random);
        let sent = batches.iter().map(|(viewer, views)| merge(app, *viewer, views));
        for answer in futures_util::future::join_all(sent).await {
            assert_eq!(answer.expect(200).json()["unknown"], 0);
        }
        let (views, counts) = kept(app).await;
        assert_eq!(views, expected(&reports, published, now), "seed {seed}");
        let mut by_story: BTreeMap<Uuid, usize> = stories.iter().map(|story| (*story, 0)).collect();
        for row in &views {
            let story: Uuid = row.split(' ').next().unwrap().parse().unwrap();
            *by_story.entry(story).or_default() += 1;
        }
        let counted: Vec<String> =
            by_story.into_iter().map(|(story, count)| format!("{story} {count}")).collect();
        assert_eq!(counts, counted, "seed {seed}: what is counted is what is kept");
    }
    scene.app.stop().await;
}

#[tokio::test]
async fn its_author_sees_who_has_seen_it_the_latest_first() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let now = app.clock.now();
    let story = app.story(StoryRow::text(*gym, *ada)).await;
    let mut expected = Vec::new();
    for minutes in 0..7_i32 {
        let viewer = app.new_member(*gym, &format!("Viewer {minutes}")).await;
        // Pairs at the same instant: the order is that of ids then.
        app.view(*gym, story, viewer, now - TimeDelta::minutes((minutes / 2).into())).await;
        expected.push((minutes / 2, std::cmp::Reverse(viewer)));
    }
    expected.sort();
    let (_, last) = expected[0];
    app.reaction(*gym, story, last.0, "🔥").await;
    let path = format!("/v1/stories/{story}/viewers");
    let mut found: Vec<Json> = Vec::new();
    let mut next = format!("{path}?limit=2");
    loop {
        let page = app.get(&next, &app.token(*ada)).await.expect(200).json();
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(cursor) => next = format!("{path}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let ids: Vec<Uuid> = found.iter().map(|viewer| id(&viewer["user"])).collect();
    assert_eq!(ids, expected.iter().map(|(_, viewer)| viewer.0).collect::<Vec<_>>());
    assert_eq!((&found[0]["reaction"], &found[1]["reaction"]), (&json!("🔥"), &Json::Null));
    assert_eq!((&found[0]["watch_ms"], &found[0]["device"]), (&json!(1000), &json!("phone")));
    app.get(&path, &app.token(*bob)).await.expect_problem(403, "forbidden");
    app.get(&path, &app.token(Uuid::now_v7())).await.expect_problem(404, "not_found");
    app.get(&format!("{path}?cursor=x"), &app.token(*ada)).await.expect_problem(400, "invalid_cursor");
    scene.app.stop().await;
}
