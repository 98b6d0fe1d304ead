//! `PATCH /v1/stories/{id}`.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, path};
use crate::fixtures::StoryRow;

#[tokio::test]
async fn a_change_needs_the_version_it_means_and_gives_the_next() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let (mine, theirs) = (app.token(*ada), app.token(*bob));
    let story = scene.post(*ada, json!({})).await;
    let body = json!({"caption": " Better ", "is_pinned": true, "display_secs": 9});
    let bare = app.request(Method::PATCH, &path(&story), Some(&mine)).json(&body);
    app.send(bare).await.expect_problem(428, "precondition_required");
    app.patch(&path(&story), &mine, "\"7\"", &body).await.expect_problem(412, "precondition_failed");
    let read = app.get(&path(&story), &mine).await.expect(200);
    let seen = app.get(&path(&story), &theirs).await.expect(200);
    let since = scene.position().await;
    let changed = app.patch(&path(&story), &mine, read.header("etag"), &body).await.expect(200);
    let view = changed.json();
    assert_eq!((&view["caption"], &view["is_pinned"]), (&json!("Better"), &json!(true)));
    assert_eq!((&view["display_secs"], &view["version"]), (&json!(9), &json!(2)));
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(scene.told(since).await, [format!("update_story public {}", id(&story))]);
    let after = app.get(&path(&story), &theirs).await.expect(200);
    assert_eq!(after.json()["caption"], "Better", "no copy is given any more");
    assert_ne!(after.header("etag"), seen.header("etag"));
    app.patch(&path(&story), &mine, "\"1\"", &body).await.expect_problem(412, "precondition_failed");
    let same = app.patch(&path(&story), &mine, "\"2\"", &body).await.expect(200).json();
    assert_eq!((&same["version"], scene.position().await), (&json!(2), since + 1));
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_change_is_refused() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let token = app.token(*ada);
    let story = scene.post(*ada, json!({})).await;
    for (body, pointer) in [
        (json!({"caption": null}), "/caption"),
        (json!({"caption": "x".repeat(501)}), "/caption"),
        (json!({"privacy": "everyone"}), "/privacy"),
        (json!({"display_secs": 1}), "/display_secs"),
        (json!({"state": "active"}), "/state"),
        (json!({"asset_id": Uuid::nil()}), "/asset_id"),
    ] {
        let refused = app.patch(&path(&story), &token, "*", &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let longer = app.patch(&path(&story), &token, "*", &json!({"duration_hours": 48})).await;
    longer.expect_problem(409, "story_state_conflict");
    let caption = json!({"caption": "mine"});
    app.patch(&path(&story), &app.token(*bob), "*", &caption).await.expect_problem(403, "forbidden");
    app.patch(&path(&story), &app.token(Uuid::now_v7()), "*", &caption)
        .await
        .expect_problem(404, "not_found");
    for (state, status, code) in [("removed", 409, "story_state_conflict"), ("deleted", 404, "not_found")] {
        let ended = app.story(StoryRow { state, ..StoryRow::text(*gym, *ada) }).await;
        let path = format!("/v1/stories/{ended}");
        app.patch(&path, &token, "*", &caption).await.expect_problem(status, code);
    }
    assert_eq!(scene.position().await, 1);
    scene.app.stop().await;
}

#[tokio::test]
async fn who_may_not_see_it_any_more_is_told_before_those_who_may() {
    let scene = Scene::start().await;
    let Scene { app, ada, .. } = &scene;
    let token = app.token(*ada);
    let story = scene.post(*ada, json!({})).await;
    let (path, id) = (path(&story), id(&story));
    for (privacy, expected) in [
        ("followers", vec!["remove_story public", "prepend_story followers"]),
        ("close_friends", vec!["remove_story followers", "prepend_story close_friends"]),
        ("private", vec!["remove_story close_friends", "prepend_story private"]),
        ("followers", vec!["prepend_story followers"]),
        ("public", vec!["prepend_story public"]),
        ("private", vec!["remove_story public", "prepend_story private"]),
    ] {
        let since = scene.position().await;
        app.patch(&path, &token, "*", &json!({"privacy": privacy})).await.expect(200);
        let expected: Vec<String> = expected.into_iter().map(|event| format!("{event} {id}")).collect();
        assert_eq!(scene.told(since).await, expected, "{privacy}");
    }
    scene.app.stop().await;
}

#[tokio::test]
async fn a_smaller_audience_has_no_copy() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let token = app.token(*bob);
    app.get(&path(&story), &token).await.expect(200);
    let tag = app.get(&path(&story), &token).await.expect(200).header("etag").to_owned();
    app.patch(&path(&story), &app.token(*ada), "*", &json!({"privacy": "private"})).await.expect(200);
    app.get(&path(&story), &token).await.expect_problem(404, "not_found");
    let asked = app.get_with(&path(&story), &token, &[("If-None-Match", &tag)]).await;
    asked.expect_problem(404, "not_found");
    scene.app.stop().await;
}

#[tokio::test]
async fn what_nobody_sees_changes_without_a_word() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, .. } = &scene;
    let archived = app.story(StoryRow { state: "archived", ..StoryRow::text(*gym, *ada) }).await;
    let path = format!("/v1/stories/{archived}");
    let change = json!({"caption": "then", "privacy": "private"});
    let view: Json = app.patch(&path, &app.token(*ada), "*", &change).await.expect(200).json();
    assert_eq!((&view["caption"], &view["privacy"]), (&json!("then"), &json!("private")));
    assert_eq!(scene.position().await, 0);
    scene.app.stop().await;
}
