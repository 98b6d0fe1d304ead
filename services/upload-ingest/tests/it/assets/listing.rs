//! Lists: whose, in which order, page by page.

use reqwest::Method;
use serde_json::Value as Json;

use crate::harness::TestApp;
use crate::shelf::{CLIP, PHOTO, Shelf, text};

fn ids(page: &Json) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|asset| text(asset, "id").to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_of_ones_own_the_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.token("ada", &[]), app.token("bob", &[]));
    let mut mine = Vec::new();
    for file in [PHOTO, CLIP, PHOTO, PHOTO, CLIP] {
        let kind = if file == CLIP { "videos" } else { "images" };
        mine.push(text(&app.upload(kind, &ada, file).await, "id").to_owned());
    }
    mine.reverse();
    app.upload("images", &bob, PHOTO).await;
    let whole = app.get("/v1/assets", Some(&ada)).await.expect(200);
    assert_eq!(ids(&whole.json()), mine);
    assert_eq!(whole.statements(), 2);
    assert_eq!(whole.json()["next"], Json::Null);
    let mut seen = Vec::new();
    let mut path = "/v1/assets?limit=2".to_owned();
    loop {
        let page = app.get(&path, Some(&ada)).await.expect(200);
        assert!(page.statements() <= 2);
        seen.extend(ids(&page.json()));
        let Some(next) = page.json()["next"].as_str().map(str::to_owned) else { break };
        path = next;
    }
    assert_eq!(seen, mine);
    assert_eq!(ids(&app.get("/v1/videos", Some(&ada)).await.json()).len(), 2);
    assert_eq!(ids(&app.get("/v1/assets?kind=image", Some(&ada)).await.json()).len(), 3);
    assert_eq!(ids(&app.get("/v1/images?status=published", Some(&ada)).await.json()).len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again_and_costs_one_statement() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let mut shelf = Shelf::of(&app).await;
    let asset = shelf.photo(&token, "public").await;
    let page = app.get("/v1/images", Some(&token)).await.expect(200);
    assert_eq!(page.json()["items"][0]["renditions"].as_array().unwrap().len(), 3);
    let known = async || {
        let request = app.request(Method::GET, "/v1/images", Some(&token));
        app.send(request.header("If-None-Match", page.header("etag"))).await
    };
    assert_eq!(known().await.expect(304).statements(), 1);
    shelf.run(&format!("UPDATE asset SET version = version + 1 WHERE id = '{}'", text(&asset, "id"))).await;
    known().await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn an_administrator_looks_at_anybodys_list_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.token("ada", &[]), app.token("bob", &["moderator"]));
    let admin = app.token("root", &["administrator"]);
    let asset = app.upload("images", &ada, PHOTO).await;
    let path = "/v1/assets?owner=ada";
    assert_eq!(ids(&app.get(path, Some(&admin)).await.expect(200).json()), [text(&asset, "id")]);
    app.get(path, Some(&ada)).await.expect(200);
    app.get(path, Some(&bob)).await.expect_problem(403, "forbidden");
    app.get(path, None).await.expect_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn a_filter_that_is_none_and_a_cursor_of_another_list_are_refused() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    for _ in 0..2 {
        app.upload("images", &token, PHOTO).await;
    }
    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("status=deleted", "?status"),
        ("kind=sound", "?kind"),
        ("page=2", "?page"),
        ("limit=1&limit=2", "?limit"),
    ] {
        let refused = app.get(&format!("/v1/assets?{query}"), Some(&token)).await;
        assert_eq!(refused.expect_problem(400, "invalid_parameter"), [pointer], "{query}");
    }
    let page = app.get("/v1/images?limit=1", Some(&token)).await.json();
    let cursor = text(&page, "next").split("cursor=").nth(1).unwrap().to_owned();
    for path in [format!("/v1/videos?cursor={cursor}"), "/v1/images?cursor=abc".to_owned()] {
        app.get(&path, Some(&token)).await.expect_problem(400, "invalid_cursor");
    }
    app.stop().await;
}
