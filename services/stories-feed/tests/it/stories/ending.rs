//! `DELETE /v1/stories/{id}`.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{Scene, id, path};
use crate::fixtures::StoryRow;

#[tokio::test]
async fn an_author_deletes_it_and_it_is_gone_at_once() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let (mine, theirs) = (app.token(*ada), app.token(*bob));
    let story = scene.post(*ada, json!({"privacy": "public"})).await;
    app.get(&path(&story), &theirs).await.expect(200);
    let bare = app.request(Method::DELETE, &path(&story), Some(&mine));
    app.send(bare).await.expect_problem(428, "precondition_required");
    let other = app.request(Method::DELETE, &path(&story), Some(&mine)).header("If-Match", "\"9\"");
    app.send(other).await.expect_problem(412, "precondition_failed");
    app.delete(&path(&story), &theirs).await.expect_problem(403, "forbidden");
    app.delete(&path(&story), &app.token(Uuid::now_v7())).await.expect_problem(404, "not_found");
    let since = scene.position().await;
    let send = || {
        let request = app.request(Method::DELETE, &path(&story), Some(&mine));
        app.send(request.header("If-Match", "\"1\"").header("Idempotency-Key", "gone"))
    };
    send().await.expect(204);
    assert_eq!(send().await.expect(204).header("idempotency-replayed"), "true");
    assert_eq!(scene.told(since).await, [format!("remove_story public {}", id(&story))]);
    assert_eq!(scene.published("ended").await, 1);
    for token in [&mine, &theirs] {
        app.get(&path(&story), token).await.expect_problem(404, "not_found");
        app.delete(&path(&story), token).await.expect_problem(404, "not_found");
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM story WHERE state = 'deleted'").await, 1);
    scene.app.stop().await;
}

#[tokio::test]
async fn a_moderator_removes_what_was_shown_and_its_author_learns_of_it() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, .. } = &scene;
    let moderator = app.new_member(*gym, "Mo").await;
    app.sql(&format!("UPDATE member SET role = 'moderator' WHERE user_id = '{moderator}'")).await;
    let judge = app.token(moderator);
    let story = scene.post(*ada, json!({"privacy": "close_friends"})).await;
    let since = scene.position().await;
    app.delete(&path(&story), &judge).await.expect(204);
    assert_eq!(scene.told(since).await, [format!("remove_story close_friends {}", id(&story))]);
    let own = app.get(&path(&story), &app.token(*ada)).await.expect(200).json();
    assert_eq!(own["state"], "removed");
    app.delete(&path(&story), &judge).await.expect_problem(404, "not_found");
    app.delete(&path(&story), &app.token(*ada)).await.expect_problem(409, "story_state_conflict");
    // What was never shown is nobody's business; what was is, also when it is archived.
    let draft = scene.post(*ada, json!({"draft": true})).await;
    app.delete(&path(&draft), &judge).await.expect_problem(404, "not_found");
    let archived = app.story(StoryRow { state: "archived", ..StoryRow::text(*gym, *ada) }).await;
    app.delete(&format!("/v1/stories/{archived}"), &judge).await.expect(204);
    let administrator = app.token_as(Uuid::now_v7(), &["administrator"]);
    let other = scene.post(*ada, json!({})).await;
    app.delete(&path(&other), &administrator).await.expect(204);
    // A moderator of another gym is nobody here.
    let elsewhere = app.gym().await;
    let stranger = Uuid::now_v7();
    app.member(elsewhere, stranger, "owner").await;
    let third = scene.post(*ada, json!({})).await;
    app.delete(&path(&third), &app.token(stranger)).await.expect_problem(404, "not_found");
    scene.app.stop().await;
}

#[tokio::test]
async fn who_has_left_may_still_take_their_stories_away() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let draft = scene.post(*ada, json!({"draft": true})).await;
    app.sql(&format!("DELETE FROM member WHERE gym_id = '{gym}' AND user_id = '{ada}'")).await;
    let token = app.token(*ada);
    let publish = format!("{}/publish", path(&draft));
    app.send(app.request(Method::POST, &publish, Some(&token))).await.expect_problem(403, "forbidden");
    app.delete(&path(&story), &token).await.expect(204);
    app.delete(&path(&draft), &token).await.expect(204);
    scene.app.stop().await;
}
