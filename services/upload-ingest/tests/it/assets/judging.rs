//! What moderators take from view.

use serde_json::Value as Json;

use crate::harness::TestApp;
use crate::shelf::{PHOTO, Shelf, rendition_url, text};

#[tokio::test]
async fn what_a_moderator_hides_is_seen_by_its_owner_and_judges_only() {
    let app = TestApp::start().await;
    let (owner, moderator) = (app.token("ada", &[]), app.token("mod", &["moderator"]));
    let asset = Shelf::of(&app).await.photo(&owner, "public").await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let url = rendition_url(&asset, "webp");
    app.get(&url, None).await.expect(200);
    let hidden = app.post(&format!("{path}/hide"), Some(&moderator), &Json::Null).await.expect(200);
    assert_eq!((&hidden.json()["hidden"], &hidden.json()["status"]), (&true.into(), &"published".into()));
    app.get(&url, None).await.expect_problem(404, "not_found");
    app.get(&url, Some(&app.token("bob", &[]))).await.expect_problem(404, "not_found");
    for token in [&owner, &moderator] {
        let seen = app.get(&url, Some(token)).await.expect(200);
        assert_eq!(seen.header("cdn-cache-control"), "no-store");
    }
    let again = app.post(&format!("{path}/hide"), Some(&moderator), &Json::Null).await.expect(200);
    assert_eq!(again.json()["version"], hidden.json()["version"], "what is hidden stays as it is");
    let shown = app.post(&format!("{path}/show"), Some(&moderator), &Json::Null).await.expect(200);
    assert_eq!((&shown.json()["hidden"], &shown.json()["version"]), (&false.into(), &4.into()));
    app.get(&url, None).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn no_link_opens_what_is_hidden_neither_an_old_one_nor_a_new_one() {
    let app = TestApp::start().await;
    let (owner, moderator) = (app.token("ada", &[]), app.token("mod", &["moderator"]));
    let asset = app.upload("images", &owner, PHOTO).await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let before = text(&asset, "original_url").to_owned();
    app.get(&before, None).await.expect(200);
    let hidden = app.post(&format!("{path}/hide"), Some(&moderator), &Json::Null).await.expect(200).json();
    app.get(&before, None).await.expect_problem(403, "link_expired");
    // What its owner and who judges are told opens for nobody else.
    let bare = text(&hidden, "original_url");
    assert_eq!(bare, before.split('?').next().unwrap());
    app.get(bare, None).await.expect_problem(404, "not_found");
    for token in [&owner, &moderator] {
        let read = app.get(&path, Some(token)).await.expect(200).json();
        assert_eq!(text(&read, "original_url"), bare);
        app.get(bare, Some(token)).await.expect(200);
    }
    app.post(&format!("{path}/show"), Some(&moderator), &Json::Null).await.expect(200);
    app.get(&before, None).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn only_moderators_judge_and_others_do_not_learn_that_there_is_anything() {
    let app = TestApp::start().await;
    let owner = app.token("ada", &[]);
    let asset = app.upload("images", &owner, PHOTO).await;
    for word in ["hide", "show"] {
        let path = format!("/v1/assets/{}/{word}", text(&asset, "id"));
        app.post(&path, Some(&owner), &Json::Null).await.expect_problem(403, "forbidden");
        app.post(&path, Some(&app.token("bob", &[])), &Json::Null).await.expect_problem(404, "not_found");
        app.post(&path, None, &Json::Null).await.expect_problem(401, "unauthenticated");
        let admin = app.token("root", &["administrator"]);
        app.post(&path, Some(&admin), &Json::Null).await.expect(200);
    }
    app.stop().await;
}
