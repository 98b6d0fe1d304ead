//! `GET /v1/stories/{id}`.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, path};
use crate::fixtures::StoryRow;

#[tokio::test]
async fn a_viewer_gets_it_from_memory_with_fields_that_let_an_edge_keep_it() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let story = scene.post(*ada, json!({"mutation_id": "m"})).await;
    let token = app.token(*bob);
    let first = app.get(&path(&story), &token).await.expect(200);
    assert!(first.statements() <= 2, "where it belongs, and the story: {}", first.statements());
    let again = app.get(&path(&story), &token).await.expect(200);
    assert_eq!((again.statements(), &again.body), (0, &first.body));
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("cdn-cache-control"), "private, principal, max-age=300");
    assert_eq!(first.header("vary"), "Authorization");
    let groups = [
        format!("gyms/{gym}/stories"),
        format!("gyms/{gym}/viewers/{bob}"),
        format!("stories/{}", id(&story)),
        format!("viewers/{bob}/relations"),
    ];
    let expected = groups.map(|group| format!("\"{group}\"")).join(", ");
    assert_eq!(first.header("cache-groups"), expected);
    let view = first.json();
    assert_eq!((&view["has_viewed"], &view["reaction"]), (&json!(false), &Json::Null));
    for of_the_author in ["views", "replies", "mutation_id", "error_code"] {
        assert_eq!(view[of_the_author], Json::Null, "{of_the_author}");
    }
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("\"1."), "{tag}");
    let known = app.get_with(&path(&story), &token, &[("If-None-Match", &tag)]).await.expect(304);
    assert!(known.body.is_empty() && known.header("etag") == tag);
    let head = app.send(app.request(Method::HEAD, &path(&story), Some(&token))).await.expect(200);
    assert!(head.body.is_empty() && head.header("etag") == tag);
    let other = app.get_with(&path(&story), &token, &[("If-Match", "\"9\"")]).await;
    other.expect_problem(412, "precondition_failed");
    scene.app.stop().await;
}

#[tokio::test]
async fn its_author_sees_what_is_counted_and_nobody_keeps_that() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let story = scene.post(*ada, json!({"mutation_id": "m"})).await;
    let token = app.token(*ada);
    let before = app.get(&path(&story), &token).await.expect(200);
    assert_eq!((before.header("cdn-cache-control"), before.header("cache-groups")), ("", ""));
    assert_eq!(before.json()["mutation_id"], "m");
    app.view(*gym, id(&story), *bob, app.clock.now()).await;
    let after = app.get(&path(&story), &token).await.expect(200);
    assert_eq!(after.json()["views"], 1, "without anybody being told of the view");
    assert_ne!(after.header("etag"), before.header("etag"));
    scene.app.stop().await;
}

#[tokio::test]
async fn who_may_not_see_it_does_not_find_it() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, .. } = &scene;
    let (follower, friend) = (app.new_member(*gym, "Fay").await, app.new_member(*gym, "Kim").await);
    let (blocked, stranger) = (app.new_member(*gym, "Bea").await, app.new_member(*gym, "Sam").await);
    let moderator = app.new_member(*gym, "Mo").await;
    app.sql(&format!("UPDATE member SET role = 'moderator' WHERE user_id = '{moderator}'")).await;
    let outsider = Uuid::now_v7();
    app.person(outsider, "Out").await;
    app.follow(follower, *ada).await;
    app.follow(blocked, *ada).await;
    app.close_friend(*ada, friend).await;
    app.block(blocked, *ada).await;
    for (privacy, expected) in [
        ("public", [200, 200, 404, 200, 200, 404, 200]),
        ("followers", [200, 404, 404, 404, 404, 404, 200]),
        ("close_friends", [404, 200, 404, 404, 404, 404, 200]),
        ("private", [404, 404, 404, 404, 404, 404, 200]),
    ] {
        let story = scene.post(*ada, json!({"privacy": privacy})).await;
        let mut found = Vec::new();
        for viewer in [follower, friend, blocked, stranger, moderator, outsider, *ada] {
            // Twice: from the database, and from memory.
            let answers = [(); 2].map(|()| async { app.get(&path(&story), &app.token(viewer)).await });
            let [first, second] = answers;
            let (first, second) = (first.await.status.as_u16(), second.await.status.as_u16());
            assert_eq!(first, second);
            found.push(first);
        }
        assert_eq!(found, expected, "{privacy}");
    }
    let administrator = app.token_as(Uuid::now_v7(), &["administrator"]);
    let story = scene.post(*ada, json!({})).await;
    app.get(&path(&story), &administrator).await.expect_problem(404, "not_found");
    for wrong in [format!("/v1/stories/{}", Uuid::now_v7()), "/v1/stories/none".to_owned()] {
        app.get(&wrong, &app.token(*ada)).await.expect_problem(404, "not_found");
    }
    scene.app.stop().await;
}

#[tokio::test]
async fn it_is_there_to_the_last_millisecond_and_gone_at_its_expiry() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({"duration_hours": 1})).await;
    let expires_at: DateTime<Utc> = story["expires_at"].as_str().unwrap().parse().unwrap();
    let token = app.token(*bob);
    app.clock.set(expires_at - TimeDelta::milliseconds(1));
    let last = app.get(&path(&story), &token).await.expect(200);
    assert_eq!(last.header("cdn-cache-control"), "private, principal, max-age=0");
    let tag = last.header("etag").to_owned();
    app.clock.set(expires_at);
    app.get(&path(&story), &token).await.expect_problem(404, "not_found");
    let confirmed = app.get_with(&path(&story), &token, &[("If-None-Match", &tag)]).await;
    confirmed.expect_problem(404, "not_found");
    let own = app.get(&path(&story), &app.token(*ada)).await.expect(200).json();
    assert_eq!(own["state"], "expired");
    scene.app.stop().await;
}

#[tokio::test]
async fn only_its_author_sees_what_is_not_shown() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    for (state, own) in
        [("draft", 200), ("active", 200), ("archived", 200), ("removed", 200), ("deleted", 404)]
    {
        let story = app.story(StoryRow { state, ..StoryRow::text(*gym, *ada) }).await;
        let path = format!("/v1/stories/{story}");
        assert_eq!(app.get(&path, &app.token(*ada)).await.status.as_u16(), own, "{state}");
        let others = if state == "active" { 200 } else { 404 };
        assert_eq!(app.get(&path, &app.token(*bob)).await.status.as_u16(), others, "{state}");
    }
    scene.app.stop().await;
}

#[tokio::test]
async fn a_story_is_gone_with_its_author() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    app.sql(&format!("UPDATE person SET is_active = false WHERE id = '{ada}'")).await;
    app.get(&path(&story), &app.token(*bob)).await.expect_problem(404, "not_found");
    app.sql(&format!("UPDATE person SET is_active = true WHERE id = '{ada}'")).await;
    app.get(&path(&story), &app.token(*bob)).await.expect(200);
    app.sql(&format!("DELETE FROM member WHERE user_id = '{bob}'")).await;
    app.stamp(&[format!("gyms/{}/viewers/{bob}", scene.gym)]).await;
    app.get(&path(&story), &app.token(*bob)).await.expect_problem(404, "not_found");
    scene.app.stop().await;
}
