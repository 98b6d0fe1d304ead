//! `POST /v1/gyms/{gym}/stories`.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, path, with};

#[tokio::test]
async fn a_story_is_shown_at_once_and_told_to_its_audience() {
    let scene = Scene::start().await;
    let Scene { app, ada, .. } = &scene;
    let since = scene.position().await;
    let body = json!({
        "type": "workout", "caption": " Legs ", "privacy": "followers", "mutation_id": "m-1", "duration_hours": 2,
        "workout": {"exercise": "Squat", "value": 102.5, "unit": "kg", "sets": 5, "reps": 5},
    });
    let answer = app.post(&scene.stories(), &app.token(*ada), &body).await.expect(201);
    let story = answer.json();
    assert_eq!(answer.header("location"), path(&story));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    for group in ["stories", &format!("viewers/{ada}")] {
        let group = format!("\"gyms/{}/{group}\"", scene.gym);
        assert!(answer.header("cache-group-invalidation").contains(&group), "{group}");
    }
    let expected = json!({
        "type": "workout", "caption": "Legs", "privacy": "followers", "state": "active", "duration_hours": 2,
        "display_secs": 7, "can_reply": true, "can_react": true, "is_pinned": false, "media": null, "views": 0,
        "replies": 0, "reactions": {}, "mutation_id": "m-1", "version": 1, "has_viewed": true,
        "workout": {"exercise": "Squat", "value": 102.5, "unit": "kg", "sets": 5, "reps": 5},
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&story[name], value, "{name}");
    }
    assert_eq!(story["user"], json!({"id": ada, "name": "Ada", "avatar_url": null}));
    let instant =
        |name: &str| story[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(instant("expires_at") - instant("published_at"), TimeDelta::hours(2));
    assert_eq!(scene.told(since).await, [format!("prepend_story followers {}", id(&story))]);
    assert_eq!(scene.published("published").await, 1);
    let told = super::texts(&app.db, "SELECT data::text AS text FROM feed_event").await;
    let preview: Json = serde_json::from_str(&told[0]).unwrap();
    assert_eq!(preview["author"], json!({"id": ada, "name": "Ada"}));
    assert_eq!((&preview["type"], &preview["mutation_id"]), (&json!("workout"), &json!("m-1")));
    assert_eq!(preview.get("caption"), None, "what it says is not told to who has not asked");
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_story_is_refused_with_its_place() {
    let scene = Scene::start().await;
    let Scene { app, ada, .. } = &scene;
    let token = app.token(*ada);
    for (body, pointer) in [
        (json!({"caption": "x"}), "/type"),
        (json!({"type": "poem"}), "/type"),
        (json!({"type": "text"}), "/caption"),
        (json!({"type": "text", "caption": "x".repeat(501)}), "/caption"),
        (json!({"type": "text", "caption": "x", "privacy": "everyone"}), "/privacy"),
        (json!({"type": "text", "caption": "x", "duration_hours": 49}), "/duration_hours"),
        (json!({"type": "text", "caption": "x", "display_secs": 2}), "/display_secs"),
        (json!({"type": "text", "caption": "x", "author_id": Uuid::nil()}), "/author_id"),
        (json!({"type": "text", "caption": "x", "asset_id": Uuid::nil()}), "/asset_id"),
        (json!({"type": "image"}), "/asset_id"),
        (json!({"type": "workout"}), "/workout"),
        (
            json!({"type": "workout", "workout": {"exercise": "x", "value": 1, "unit": "stone"}}),
            "/workout/unit",
        ),
        (
            json!({"type": "workout", "workout": {"exercise": "x", "value": 0, "unit": "kg"}}),
            "/workout/value",
        ),
    ] {
        let refused = app.post(&scene.stories(), &token, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let text = json!({"type": "text", "caption": "x"});
    app.post(&format!("{}?x=1", scene.stories()), &token, &text)
        .await
        .expect_problem(400, "invalid_parameter");
    let request = app.request(Method::POST, &scene.stories(), Some(&token));
    app.send(request.body("{}")).await.expect_problem(415, "unsupported_media_type");
    app.send(app.request(Method::POST, &scene.stories(), None).json(&text))
        .await
        .expect_problem(401, "unauthenticated");
    let nobody = app.token(Uuid::now_v7());
    app.post(&scene.stories(), &nobody, &text).await.expect_problem(404, "not_found");
    let elsewhere = format!("/v1/gyms/{}/stories", Uuid::now_v7());
    app.post(&elsewhere, &token, &text).await.expect_problem(404, "not_found");
    assert_eq!(app.number("SELECT count(*) AS number FROM story").await, 0);
    assert_eq!(scene.position().await, 0);
    scene.app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let send = |person: Uuid, caption: &'static str| {
        let request = app.request(Method::POST, &scene.stories(), Some(&app.token(person)));
        let body = json!({"type": "text", "caption": caption});
        app.send(request.header("Idempotency-Key", "one").json(&body))
    };
    let first = send(*ada, "A").await.expect(201);
    let again = send(*ada, "A").await.expect(201);
    assert_eq!((&first.body, first.header("etag")), (&again.body, again.header("etag")));
    assert_eq!(again.header("idempotency-replayed"), "true");
    send(*ada, "B").await.expect_problem(422, "idempotency_key_reused");
    // Somebody else's key is another key.
    send(*bob, "A").await.expect(201);
    assert_eq!(app.number("SELECT count(*) AS number FROM story").await, 2);
    assert_eq!((scene.position().await, scene.published("published").await), (2, 2));
    scene.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_submit_at_the_same_time_is_one_story() {
    let scene = Scene::start().await;
    let Scene { app, ada, .. } = &scene;
    let token = app.token(*ada);
    let send = async || {
        let request = app.request(Method::POST, &scene.stories(), Some(&token));
        let body = json!({"type": "text", "caption": "x"});
        app.send(request.header("Idempotency-Key", "one").json(&body)).await
    };
    let answers = futures_util::future::join_all((0..8).map(|_| send())).await;
    for answer in &answers {
        match answer.status.as_u16() {
            201 => {}
            _ => drop(answer.expect_problem(409, "idempotency_key_in_use")),
        }
    }
    let last = send().await.expect(201);
    for answer in answers.into_iter().filter(|answer| answer.status.as_u16() == 201) {
        assert_eq!(answer.json(), last.json());
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM story").await, 1);
    scene.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_posts_as_many_a_day_as_the_gym_allows() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    app.sql(&format!("UPDATE gym SET max_stories_per_day = 3 WHERE id = '{gym}'")).await;
    let opening: chrono::DateTime<chrono::Utc> = "2026-11-29T08:00:00Z".parse().unwrap();
    app.clock.set(opening);
    let first = scene.post(*ada, json!({})).await;
    app.clock.advance(TimeDelta::minutes(90));
    let (stories, token) = (scene.stories(), app.token(*ada));
    let body = json!({"type": "text", "caption": "x"});
    let answers = futures_util::future::join_all((0..6).map(|_| app.post(&stories, &token, &body))).await;
    let posted = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    assert_eq!(posted, 2, "whoever comes at the same time is counted too");
    // What was deleted was posted all the same; and others have a day of their own.
    app.delete(&path(&first), &token).await.expect(204);
    let refused = app.post(&scene.stories(), &token, &body).await;
    refused.expect_problem(429, "daily_limit_reached");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((81_000..=81_001).contains(&wait), "{wait}");
    scene.post(*bob, json!({})).await;
    app.clock.advance(TimeDelta::seconds(80_999));
    app.post(&scene.stories(), &token, &body).await.expect_problem(429, "daily_limit_reached");
    app.clock.advance(TimeDelta::seconds(wait - 80_999));
    app.post(&scene.stories(), &token, &body).await.expect(201);
    scene.app.stop().await;
}

#[tokio::test]
async fn a_draft_is_nobody_elses_until_it_is_published() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let (mine, theirs) = (app.token(*ada), app.token(*bob));
    let draft = scene.post(*ada, json!({"draft": true, "duration_hours": 5})).await;
    assert_eq!((&draft["state"], &draft["published_at"]), (&json!("draft"), &Json::Null));
    assert_eq!((scene.position().await, scene.published("published").await), (0, 0));
    app.get(&path(&draft), &theirs).await.expect_problem(404, "not_found");
    app.get(&path(&draft), &mine).await.expect(200);
    let publish = format!("{}/publish", path(&draft));
    app.post(&publish, &theirs, &json!(null)).await.expect_problem(404, "not_found");
    let patched =
        app.patch(&path(&draft), &mine, "*", &json!({"duration_hours": 6})).await.expect(200).json();
    assert_eq!((&patched["duration_hours"], scene.position().await), (&json!(6), 0));
    let shown = app.send(app.request(Method::POST, &publish, Some(&mine))).await.expect(200).json();
    assert_eq!(with(shown.clone(), json!({"state": "draft"}))["duration_hours"], 6);
    assert_eq!(shown["state"], "active");
    app.get(&path(&draft), &theirs).await.expect(200);
    assert_eq!(scene.told(0).await, [format!("prepend_story public {}", id(&draft))]);
    let again = app.send(app.request(Method::POST, &publish, Some(&mine))).await;
    again.expect_problem(409, "story_state_conflict");
    let retry = app.send(app.request(Method::POST, &format!("{}/retry", path(&draft)), Some(&mine))).await;
    retry.expect_problem(409, "story_state_conflict");
    let other = app.send(app.request(Method::POST, &publish, Some(&theirs))).await;
    other.expect_problem(403, "forbidden");
    scene.app.stop().await;
}

#[tokio::test]
async fn a_story_is_told_to_others_unless_its_author_may_not_sign_in() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    // Of whom the catalog has not told yet: there is no name to it.
    let stranger = Uuid::now_v7();
    app.member(*gym, stranger, "member").await;
    let story = scene.post(stranger, json!({})).await;
    assert_eq!(story["user"], json!({"id": stranger, "name": null, "avatar_url": null}));
    assert_eq!(scene.told(0).await, [format!("prepend_story public {}", id(&story))]);
    app.get(&path(&story), &app.token(*bob)).await.expect(200);
    // Of whom it has told that the person is gone, while a token is good yet.
    app.sql(&format!("UPDATE person SET is_active = false WHERE id = '{ada}'")).await;
    let since = scene.position().await;
    let story = scene.post(*ada, json!({})).await;
    assert_eq!(scene.told(since).await, [format!("prepend_story - {}", id(&story))]);
    app.get(&path(&story), &app.token(*bob)).await.expect_problem(404, "not_found");
    scene.app.stop().await;
}
