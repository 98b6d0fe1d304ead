//! Media as they go out: who gets them, which part, in which format, and who may keep them.

mod links;
mod negotiation;
mod playlists;
mod ranges;

use reqwest::Method;

use crate::harness::{TestApp, media};
use crate::shelf::{PHOTO, Shelf, digest, rendition_url, text, thumb_content};

const YEAR: &str = "public, max-age=31536000";

#[tokio::test]
async fn what_is_public_is_for_anybody_and_may_be_kept_for_a_year() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let (url, content) = (rendition_url(&asset, "webp"), thumb_content("webp"));
    let answer = app.get(&url, None).await.expect(200);
    assert_eq!(answer.body, content);
    assert_eq!(answer.statements(), 1);
    for (name, value) in [
        ("cache-control", format!("{YEAR}, immutable")),
        ("cdn-cache-control", YEAR.to_owned()),
        ("cache-groups", format!("\"assets/{}\"", text(&asset, "id"))),
        ("etag", format!("\"{}\"", digest(&content))),
        ("content-length", content.len().to_string()),
        ("accept-ranges", "bytes".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("content-security-policy", "sandbox; default-src 'none'".to_owned()),
        ("cross-origin-resource-policy", "cross-origin".to_owned()),
        ("vary", String::new()),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {url}");
    }
    app.stop().await;
}

/// It may hold what its owner does not know of: where a picture was taken, for one.
#[tokio::test]
async fn the_original_of_what_is_public_is_for_its_owner_alone() {
    let app = TestApp::start().await;
    let (owner, other) = (app.token("ada", &[]), app.token("bob", &[]));
    let asset = Shelf::of(&app).await.photo(&owner, "public").await;
    let link = text(&asset, "original_url").to_owned();
    let bare = link.split('?').next().unwrap();
    for token in [None, Some(other.as_str())] {
        app.get(bare, token).await.expect_problem(404, "not_found");
    }
    for (url, token) in [(link.as_str(), None), (bare, Some(owner.as_str()))] {
        let original = app.get(url, token).await.expect(200);
        assert_eq!(original.body, media(PHOTO));
        assert_eq!(original.header("cdn-cache-control"), "no-store");
        assert_eq!(original.header("content-disposition"), "inline; filename=\"original.jpg\"");
        assert_eq!(original.header("content-type"), "image/jpeg");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_public_is_not_there_for_others_and_not_to_be_kept() {
    let app = TestApp::start().await;
    let (owner, other) = (app.token("ada", &[]), app.token("bob", &[]));
    let asset = Shelf::of(&app).await.photo(&owner, "private").await;
    let bare = |url: &str| url.split('?').next().unwrap().to_owned();
    let unknown = format!("/media/{}/thumb", uuid::Uuid::now_v7());
    let negotiated = format!("/media/{}/thumb", text(&asset, "id"));
    let urls = [bare(&rendition_url(&asset, "webp")), bare(text(&asset, "original_url")), negotiated];
    for url in &urls {
        let refusals =
            [app.get(url, None).await, app.get(url, Some(&other)).await, app.get(&unknown, None).await];
        for refused in refusals {
            refused.expect_problem(404, "not_found");
            assert_eq!(refused.header("cache-control"), "no-store");
            assert_eq!((refused.header("cdn-cache-control"), refused.header("etag")), ("", ""));
        }
        for (subject, roles) in [("ada", vec![]), ("mod", vec!["moderator"]), ("root", vec!["administrator"])]
        {
            let seen = app.get(url, Some(&app.token(subject, &roles))).await.expect(200);
            assert_eq!(seen.header("cache-control"), "private, no-cache");
            assert_eq!((seen.header("cdn-cache-control"), seen.header("cache-groups")), ("no-store", ""));
            assert!(seen.headers.get_all("vary").iter().any(|value| value == "Authorization"));
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let url = rendition_url(&asset, "webp");
    let whole = app.get(&url, None).await.expect(200);
    let ask =
        |name: &'static str, value: &str| app.send(app.request(Method::GET, &url, None).header(name, value));
    for (name, value, status) in [
        ("If-None-Match", whole.header("etag"), 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", whole.header("last-modified"), 304),
        ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("If-Match", "\"other\"", 412),
    ] {
        let answer = ask(name, value).await.expect(status);
        if status == 304 {
            assert_eq!(answer.statements(), 1);
            for field in ["etag", "cache-control", "cdn-cache-control", "cache-groups"] {
                assert_eq!(answer.header(field), whole.header(field), "{field}");
            }
        }
    }
    ask("If-None-Match", "nonsense").await.expect_problem(400, "invalid_parameter");
    app.stop().await;
}

/// X-C3.
#[tokio::test]
async fn head_says_what_get_would_and_reads_nothing() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let url = rendition_url(&asset, "webp");
    let whole = app.get(&url, None).await.expect(200);
    // With its object away, only what is read fails.
    std::fs::remove_dir_all(app.objects.path()).unwrap();
    let head = app.send(app.request(Method::HEAD, &url, None).header("Range", "bytes=0-3")).await.expect(200);
    assert_eq!((head.statements(), head.body.len()), (1, 0));
    for field in ["content-length", "content-type", "etag", "cache-control", "accept-ranges"] {
        assert_eq!(head.header(field), whole.header(field), "{field}");
    }
    app.get(&url, None).await.expect_problem(500, "internal");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_is_not_exactly_one_of_ours_is_not_there() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let (id, url) = (text(&asset, "id"), rendition_url(&asset, "webp"));
    for path in [
        url.replace(".webp", ".jpg"),
        url.replace("thumb-", "full-"),
        url.replace("thumb-", "original-"),
        url.replace(id, &id.to_uppercase()),
        url.replace(id, &id.replace('-', "")),
        text(&asset, "original_url").split('?').next().unwrap().to_owned(),
        format!("/media/{id}/Thumb"),
        format!("/media/{id}/hls-{}/master.m3u8", "0".repeat(32)),
        format!("/media/{id}/thumb%2Fx"),
        format!("/media/{}/thumb", uuid::Uuid::now_v7()),
    ] {
        app.get(&path, None).await.expect_problem(404, "not_found");
    }
    for query in ["?x=1", "?cache_bust=3", "?expires=1&expires=1"] {
        app.get(&format!("{url}{query}"), None).await.expect_problem(400, "invalid_parameter");
    }
    app.stop().await;
}
