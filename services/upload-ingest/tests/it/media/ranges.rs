//! Parts of files (RFC 9110 §14).

use reqwest::Method;

use crate::harness::{Answer, TestApp, media};
use crate::shelf::{CLIP, Shelf, rendition_url, text};

#[tokio::test]
async fn the_part_that_is_asked_for_is_sent_and_nothing_else() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.video(&token, "public").await;
    let (url, clip) = (text(&asset, "original_url"), media(CLIP));
    let len = clip.len();
    let tail = format!("bytes={}-", len - 3);
    let beyond = format!("bytes={len}-");
    for (range, part) in [
        ("bytes=0-0", Some(0..1)),
        ("bytes=0-99", Some(0..100)),
        ("bytes=300000-900000", Some(300_000..900_001)),
        ("bytes=-5", Some(len - 5..len)),
        (&*tail, Some(len - 3..len)),
        ("bytes=0-99999999999", Some(0..len)),
        (&*beyond, None),
        ("bytes=-0", None),
    ] {
        let answer = app.send(app.request(Method::GET, url, None).header("Range", range)).await;
        let Some(part) = part else {
            let answer = answer.expect(416);
            assert_eq!(answer.header("content-range"), format!("bytes */{len}"), "{range}");
            assert_eq!((answer.header("cache-control"), answer.body.len()), ("no-store", 0));
            continue;
        };
        let answer = answer.expect(206);
        let said = format!("bytes {}-{}/{len}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), said, "{range}");
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert!(answer.body == clip[part], "{range}");
        assert_eq!(answer.statements(), 1);
    }
    app.stop().await;
}

#[tokio::test]
async fn that_there_is_no_such_part_is_kept_by_nobody_even_of_what_is_public() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let url = rendition_url(&asset, "webp");
    let answer =
        app.send(app.request(Method::GET, &url, None).header("Range", "bytes=99999-")).await.expect(416);
    assert_eq!(
        (answer.header("cache-control"), answer.header("cdn-cache-control")),
        ("no-store", "no-store")
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_single_range_is_answered_with_the_whole() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.video(&token, "public").await;
    let (url, len) = (text(&asset, "original_url"), media(CLIP).len());
    for range in ["bytes=0-1,3-4", "bytes=5-2", "items=0-1", "bytes", "bytes=a-b"] {
        let answer = app.send(app.request(Method::GET, url, None).header("Range", range)).await.expect(200);
        assert_eq!((answer.body.len(), answer.header("content-range")), (len, ""), "{range}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_part_of_something_else_is_not_sent() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.video(&token, "public").await;
    let url = text(&asset, "original_url");
    let whole = app.send(app.request(Method::HEAD, url, None)).await.expect(200);
    let ask = async |if_range: &str| -> Answer {
        let request = app.request(Method::GET, url, None).header("Range", "bytes=0-9");
        app.send(request.header("If-Range", if_range)).await
    };
    let weak = format!("W/{}", whole.header("etag"));
    for (if_range, status) in [
        (whole.header("etag"), 206),
        (whole.header("last-modified"), 206),
        ("\"other\"", 200),
        (&*weak, 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
    ] {
        ask(if_range).await.expect(status);
    }
    app.stop().await;
}
