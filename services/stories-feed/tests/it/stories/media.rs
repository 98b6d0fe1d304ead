//! Stories that show media: drafts of them, and what has failed and is tried again.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::uploads::Uploads;
use super::{Scene, id, path};
use crate::fixtures::StoryRow;
use crate::harness::{Answer, Harness};

async fn scene() -> (Scene, Uploads) {
    let uploads = Uploads::start();
    let scene = Scene::of(Harness::with(&uploads.settings()).await).await;
    (scene, uploads)
}

/// A story of Ada's whose picture could not be processed.
async fn failed(scene: &Scene, uploads: &Uploads) -> (Uuid, Uuid) {
    let Scene { app, gym, ada, .. } = scene;
    let asset = app.media(*ada, "image", &[]).await;
    uploads.know(asset, *ada, 5, "failed");
    let story = StoryRow { state: "failed", ..StoryRow::media(*gym, *ada, "image", asset) };
    (app.story(story).await, asset)
}

async fn send(scene: &Scene, person: Uuid, path: &str, key: &str) -> Answer {
    let request = scene.app.request(Method::POST, path, Some(&scene.app.token(person)));
    scene.app.send(request.header("Idempotency-Key", key)).await
}

#[tokio::test]
async fn a_repeated_post_needs_nothing_of_upload_ingest() {
    let (scene, uploads) = scene().await;
    let Scene { app, ada, .. } = &scene;
    let asset = Uuid::now_v7();
    uploads.know(asset, *ada, 1, "published");
    let away = app.replica("[uploads]\nurl = \"http://127.0.0.1:9\"\n").await;
    let post = |app: &Harness, key: &str| {
        let request = app.request(Method::POST, &scene.stories(), Some(&app.token(*ada)));
        request.header("Idempotency-Key", key).json(&json!({"type": "image", "asset_id": asset}))
    };
    let first = app.send(post(app, "one")).await.expect(201);
    assert_eq!((&first.json()["state"], &first.json()["media"]["width"]), (&json!("active"), &json!(1080)));
    let again = away.send(post(&away, "one")).await.expect(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    away.send(post(&away, "two")).await.expect_problem(503, "unavailable");
    away.stop().await;
    scene.app.stop().await;
}

#[tokio::test]
async fn a_draft_waits_for_its_media_once_it_is_published() {
    let (scene, uploads) = scene().await;
    let Scene { app, ada, .. } = &scene;
    let asset = Uuid::now_v7();
    for (status, state) in [("processing", "processing"), ("published", "active")] {
        uploads.know(asset, *ada, if state == "active" { 2 } else { 1 }, status);
        let body = json!({"type": "image", "asset_id": asset, "draft": true});
        let draft = app.post(&scene.stories(), &app.token(*ada), &body).await.expect(201).json();
        assert_eq!(draft["state"], "draft");
        let since = scene.position().await;
        let published =
            send(&scene, *ada, &format!("{}/publish", path(&draft)), state).await.expect(200).json();
        assert_eq!(published["state"], state);
        let event = if state == "active" { "prepend_story public" } else { "update_story -" };
        assert_eq!(scene.told(since).await, [format!("{event} {}", id(&draft))]);
    }
    // One whose media have failed since cannot be.
    let body = json!({"type": "image", "asset_id": asset, "draft": true});
    let draft = app.post(&scene.stories(), &app.token(*ada), &body).await.expect(201).json();
    app.sql("UPDATE media SET state = 'failed', error_code = 'x', error_text = 'y'").await;
    let refused = send(&scene, *ada, &format!("{}/publish", path(&draft)), "third").await;
    assert_eq!(refused.expect_problem(422, "asset_unusable"), ["/asset_id"]);
    scene.app.stop().await;
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_once() {
    let (scene, uploads) = scene().await;
    let Scene { app, ada, bob, .. } = &scene;
    let (story, _) = failed(&scene, &uploads).await;
    let retry = format!("/v1/stories/{story}/retry");
    send(&scene, *bob, &retry, "bob").await.expect_problem(404, "not_found");
    let since = scene.position().await;
    let first = send(&scene, *ada, &retry, "one").await.expect(200);
    let view = first.json();
    assert_eq!((&view["state"], &view["error_code"]), (&json!("processing"), &Json::Null));
    assert_eq!(uploads.retried(), ["variants"], "only what is needed, and only what can be");
    assert_eq!(scene.told(since).await, [format!("update_story - {story}")]);
    let again = send(&scene, *ada, &retry, "one").await.expect(200);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    send(&scene, *ada, &retry, "two").await.expect_problem(409, "story_state_conflict");
    assert_eq!(uploads.retried().len(), 1);
    app.get(&format!("/v1/stories/{story}"), &app.token(*bob)).await.expect_problem(404, "not_found");
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_ready_by_now_is_shown_at_once() {
    let (scene, uploads) = scene().await;
    let Scene { app, ada, bob, .. } = &scene;
    let (story, asset) = failed(&scene, &uploads).await;
    uploads.know(asset, *ada, 9, "published");
    let view = send(&scene, *ada, &format!("/v1/stories/{story}/retry"), "one").await.expect(200).json();
    assert_eq!(view["state"], "active");
    assert!(uploads.retried().is_empty());
    assert_eq!(scene.told(0).await, [format!("prepend_story public {story}")]);
    app.get(&format!("/v1/stories/{story}"), &app.token(*bob)).await.expect(200);
    scene.app.stop().await;
}

#[tokio::test]
async fn a_failed_story_can_be_deleted_and_only_its_author_is_told() {
    let (scene, uploads) = scene().await;
    let (story, _) = failed(&scene, &uploads).await;
    scene.app.delete(&format!("/v1/stories/{story}"), &scene.app.token(scene.ada)).await.expect(204);
    assert_eq!(scene.told(0).await, [format!("remove_story - {story}")]);
    assert_eq!(scene.published("ended").await, 0, "nobody ever saw it");
    scene.app.stop().await;
}
