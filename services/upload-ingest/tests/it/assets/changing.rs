//! Title and visibility, fenced by the version.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::harness::{Answer, TestApp, number};
use crate::shelf::{PHOTO, Shelf, text};

async fn patch(app: &TestApp, path: &str, token: &str, tag: Option<&str>, body: &Json) -> Answer {
    let request = app.request(Method::PATCH, path, Some(token)).json(body);
    app.send(match tag {
        Some(tag) => request.header("If-Match", tag),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_change_needs_the_version_it_means_and_gives_the_next() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    let rename = json!({"title": " Summer "});
    patch(&app, &path, &token, None, &rename).await.expect_problem(428, "precondition_required");
    patch(&app, &path, &token, Some("\"7\""), &rename).await.expect_problem(412, "precondition_failed");
    let renamed = patch(&app, &path, &token, Some("\"1\""), &rename).await.expect(200);
    assert_eq!((&renamed.json()["title"], &renamed.json()["version"]), (&"Summer".into(), &2.into()));
    assert!(renamed.header("etag").starts_with("\"2-"), "{}", renamed.header("etag"));
    patch(&app, &path, &token, Some("\"1\""), &json!({})).await.expect_problem(412, "precondition_failed");
    // Whenever it was read: the version counts, not the links that were shown with it.
    let same = patch(&app, &path, &token, Some("\"2-17\""), &rename).await.expect(200);
    assert_eq!(same.json()["version"], 2, "what changes nothing is no change");
    let bare = patch(&app, &path, &token, Some("*"), &json!({"title": null})).await.expect(200);
    assert_eq!((&bare.json()["title"], &bare.json()["version"]), (&Json::Null, &3.into()));
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_change_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    for (body, pointer) in [
        (json!({"title": "a\nb"}), "/title"),
        (json!({"title": "a".repeat(201)}), "/title"),
        (json!({"title": 7}), "/title"),
        (json!({"visibility": "hidden"}), "/visibility"),
        (json!({"owner_id": "bob"}), "/owner_id"),
    ] {
        let refused = patch(&app, &path, &token, Some("*"), &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let patch = |content_type: &str, body: &'static str| {
        let request = app.request(Method::PATCH, &path, Some(&token)).header("If-Match", "*");
        app.send(request.header("content-type", content_type).body(body))
    };
    patch("application/json", "{").await.expect_problem(400, "malformed_json");
    patch("text/plain", "{}").await.expect_problem(415, "unsupported_media_type");
    patch("application/merge-patch+json", "{}").await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn visibility_publishes_what_is_finished_and_takes_it_back() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "private").await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let told = async |change: &str| {
        let like = format!("SELECT count(*) AS number FROM outbox WHERE subject LIKE '%asset.{change}'");
        number(&app.db, &like).await
    };
    assert_eq!(told("changed").await, 0);
    let shown = patch(&app, &path, &token, Some("*"), &json!({"visibility": "public"})).await.expect(200);
    assert_eq!(shown.json()["status"], "published");
    assert_eq!(shown.header("cache-group-invalidation"), "", "nobody sees less");
    let url = text(&shown.json()["renditions"][0], "url").to_owned();
    app.get(&url, None).await.expect(200);
    let hidden = patch(&app, &path, &token, Some("*"), &json!({"visibility": "private"})).await.expect(200);
    assert_eq!(hidden.json()["status"], "processed");
    let group = format!("\"assets/{}\"", text(&asset, "id"));
    assert_eq!(hidden.header("cache-group-invalidation"), group);
    app.get(&url, None).await.expect_problem(404, "not_found");
    assert_eq!(told("changed").await, 2);
    patch(&app, &path, &token, Some("*"), &json!({"title": "x"})).await.expect(200);
    assert_eq!(told("changed").await, 2, "a title is nobody's business");
    // What is not finished stays where it is.
    let young = app.upload("images", &token, PHOTO).await;
    let young = format!("/v1/assets/{}", text(&young, "id"));
    let young = patch(&app, &young, &token, Some("*"), &json!({"visibility": "public"})).await.expect(200);
    assert_eq!(young.json()["status"], "processing");
    app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    let send = |title: &'static str| {
        let request = app.request(Method::PATCH, &path, Some(&token)).header("If-Match", "\"1\"");
        app.send(request.header("Idempotency-Key", "one").json(&json!({"title": title})))
    };
    let first = send("A").await.expect(200);
    let again = send("A").await.expect(200);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    send("B").await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(app.get(&path, Some(&token)).await.json()["version"], 2);
    app.stop().await;
}
