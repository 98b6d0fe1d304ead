//! Signed links: good for what they name, for a while, and for nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{TestApp, media};
use crate::shelf::{PHOTO, Shelf, rendition_url, text, thumb_content};

/// A link as the service makes them, to any path and until any time.
fn signed(path: &str, expires: i64) -> String {
    let key = blake3::derive_key(
        "aldia upload-ingest 2026-11 media capability",
        b"another key of the tests, as long as it",
    );
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(&expires.to_le_bytes()).update(path.as_bytes());
    format!("{path}?expires={expires}&signature={}", URL_SAFE_NO_PAD.encode(hasher.finalize().as_bytes()))
}

#[tokio::test]
async fn a_link_opens_what_it_names_for_whoever_holds_it_and_no_longer_than_it_says() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "private").await;
    for (url, content) in [
        (rendition_url(&asset, "webp"), thumb_content("webp")),
        (text(&asset, "original_url").to_owned(), media(PHOTO)),
    ] {
        let opened = app.get(&url, None).await.expect(200);
        assert_eq!((opened.body.len(), opened.statements()), (content.len(), 1));
        assert_eq!(opened.header("cdn-cache-control"), "no-store");
        let rest: u32 =
            opened.header("cache-control").strip_prefix("private, max-age=").unwrap().parse().unwrap();
        assert!((3500..=7200).contains(&rest), "{rest}");
        let (path, query) = url.split_once('?').unwrap();
        let other = rendition_url(&asset, "avif");
        let forged = [
            format!("{path}?{}", query.replace("expires=", "expires=9")),
            format!("{path}?{}A", query),
            format!("{path}?{}", query.split('&').next().unwrap()),
            format!("{}?{query}", other.split('?').next().unwrap()),
            // It is the same whether there is anything or not.
            format!("/media/{}/thumb?{query}", uuid::Uuid::now_v7()),
        ];
        for link in forged {
            let refused = app.get(&link, None).await;
            refused.expect_problem(403, "link_expired");
            assert_eq!(refused.header("cache-control"), "no-store");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_link_whose_time_is_over_opens_nothing() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "private").await;
    let url = rendition_url(&asset, "webp");
    let path = url.split('?').next().unwrap();
    let now = chrono::Utc::now().timestamp();
    app.get(&signed(path, now + 60), None).await.expect(200);
    app.get(&signed(path, now - 1), None).await.expect_problem(403, "link_expired");
    // A link to what never was says no more than a bare address does.
    let nothing = format!("/media/{}/thumb", uuid::Uuid::now_v7());
    app.get(&signed(&nothing, now + 60), None).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn what_came_by_a_link_is_kept_by_nobody_else_even_when_it_is_public() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let mut shelf = Shelf::of(&app).await;
    let asset = shelf.photo(&token, "private").await;
    shelf.run("UPDATE asset SET status = 'published', visibility = 'public'").await;
    let opened = app.get(&rendition_url(&asset, "webp"), None).await.expect(200);
    assert_eq!(opened.header("cdn-cache-control"), "no-store");
    assert!(opened.header("cache-control").starts_with("private, "));
    app.stop().await;
}
