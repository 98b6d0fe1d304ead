//! One asset, and its validators.

use reqwest::Method;

use crate::harness::TestApp;
use crate::shelf::{CLIP, Shelf, text};

#[tokio::test]
async fn an_asset_shows_what_was_made_of_it_in_two_statements_and_unchanged_in_one() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    let read = app.get(&path, Some(&token)).await.expect(200);
    assert_eq!(read.statements(), 2);
    let etag = read.header("etag").to_owned();
    assert!(etag.starts_with("\"2-"), "{etag}: the link to the original expires");
    assert_eq!(read.header("cache-control"), "private, no-cache");
    assert_eq!(read.json()["renditions"].as_array().unwrap().len(), 3);
    assert_eq!((&read.json()["status"], &read.json()["owner_id"]), (&"published".into(), &"ada".into()));
    let again = app.request(Method::GET, &path, Some(&token)).header("If-None-Match", read.header("etag"));
    let again = app.send(again).await.expect(304);
    assert_eq!((again.statements(), again.header("etag")), (1, etag.as_str()));
    let head = app.send(app.request(Method::HEAD, &path, Some(&token))).await.expect(200);
    assert_eq!((head.header("etag"), head.body.len()), (etag.as_str(), 0));
    let other = app.request(Method::GET, &path, Some(&token)).header("If-Match", "\"1\"");
    app.send(other).await.expect_problem(412, "precondition_failed");
    app.stop().await;
}

/// X-C4 and the other side of it: a validator that outlives the links would keep dead links alive.
#[tokio::test]
async fn the_validator_of_what_shows_links_changes_with_them() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, crate::shelf::PHOTO).await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    let read = app.get(&path, Some(&token)).await.expect(200);
    let (version, window) = read.header("etag").trim_matches('"').split_once('-').unwrap();
    assert_eq!(version, "1");
    let expires = text(&read.json(), "original_url").split("expires=").nth(1).unwrap().to_owned();
    let expires: i64 = expires.split('&').next().unwrap().parse().unwrap();
    assert_eq!(window.parse::<i64>().unwrap() * 3600 + 7200, expires);
    // In the same window it is the same.
    let again = app.request(Method::GET, &path, Some(&token)).header("If-None-Match", read.header("etag"));
    let again = app.send(again).await;
    assert!(again.status == 304 || again.header("etag") != read.header("etag"));
    app.stop().await;
}

#[tokio::test]
async fn a_video_is_no_image_and_what_is_no_id_is_nothing() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let id = text(&app.upload("videos", &token, CLIP).await, "id").to_owned();
    app.get(&format!("/v1/assets/{id}"), Some(&token)).await.expect(200);
    app.get(&format!("/v1/videos/{id}"), Some(&token)).await.expect(200);
    app.get(&format!("/v1/images/{id}"), Some(&token)).await.expect_problem(404, "not_found");
    app.get(&format!("/v1/images/{id}/timeline"), Some(&token)).await.expect_problem(404, "not_found");
    app.get("/v1/assets/7", Some(&token)).await.expect_problem(404, "not_found");
    let faults = app.get(&format!("/v1/assets/{id}?fields=id"), Some(&token)).await;
    assert_eq!(faults.expect_problem(400, "invalid_parameter"), ["?fields"]);
    app.get(&format!("/v1/assets/{id}"), None).await.expect_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn a_timeline_tells_every_stage_in_three_statements() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("videos", &token, CLIP).await;
    let path = format!("/v1/videos/{}/timeline", text(&asset, "id"));
    let waiting = app.get(&path, Some(&token)).await.expect(200);
    assert_eq!((waiting.statements(), waiting.header("cache-control")), (3, "no-store"));
    let timeline = waiting.json();
    let stages: Vec<&str> =
        timeline["stages"].as_array().unwrap().iter().map(|stage| text(stage, "stage")).collect();
    assert_eq!(stages, ["probe", "poster", "transcode", "publish"]);
    assert_eq!((&timeline["progress"], &timeline["eta_secs"]), (&0.0.into(), &serde_json::Value::Null));
    assert_eq!(timeline["received"]["sha256"], asset["sha256"]);
    let done = Shelf::of(&app).await.photo(&token, "private").await;
    let done = app.get(&format!("/v1/assets/{}/timeline", text(&done, "id")), Some(&token)).await.json();
    assert_eq!((&done["status"], &done["progress"]), (&"processed".into(), &1.0.into()));
    assert!(done["stages"].as_array().unwrap().iter().all(|stage| stage["attempts"][0]["outcome"] == "done"));
    app.stop().await;
}
