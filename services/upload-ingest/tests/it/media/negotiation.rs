//! Addresses without a digest: three answers of each name at most, whatever is asked (S-D8).

use std::collections::HashSet;

use reqwest::Method;

use crate::harness::{Answer, TestApp};
use crate::shelf::{Shelf, rendition_url, text, thumb_content};

async fn ask(app: &TestApp, url: &str, accept: &str) -> Answer {
    app.send(app.request(Method::GET, url, None).header("Accept", accept)).await.expect(200)
}

#[tokio::test]
async fn the_client_gets_the_format_it_reads_and_is_told_where_it_lies() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let url = format!("/media/{}/thumb", text(&asset, "id"));
    for (accept, format) in [
        ("image/avif,image/webp,image/apng,*/*;q=0.8", "avif"),
        ("image/webp,*/*", "webp"),
        ("*/*", "jpg"),
        ("text/html", "jpg"),
        ("image/avif;q=0", "jpg"),
    ] {
        let answer = ask(&app, &url, accept).await;
        assert_eq!(answer.body, thumb_content(format), "{accept}");
        assert_eq!(answer.header("content-location"), rendition_url(&asset, format));
        assert_eq!((answer.header("vary"), answer.statements()), ("Accept", 1));
        assert_eq!(answer.header("cache-control"), "public, max-age=86400", "another format may be made");
        let again = app.request(Method::GET, &url, None).header("Accept", accept);
        let again = app.send(again.header("If-None-Match", answer.header("etag"))).await.expect(304);
        assert_eq!((again.header("vary"), again.statements()), ("Accept", 1));
    }
    app.stop().await;
}

#[tokio::test]
async fn no_accept_makes_a_fourth_answer() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let url = format!("/media/{}/thumb", text(&asset, "id"));
    let ranges = ["image/avif", "image/webp", "image/jpeg", "image/*", "*/*", "text/css", "x", ";", ""];
    let weights = ["", ";q=0", ";q=0.5", ";q=1.0", ";q=x", ";q=1.0001"];
    let mut answers = HashSet::new();
    for (index, first) in ranges.iter().enumerate() {
        for (offset, weight) in weights.iter().enumerate() {
            let second = ranges[(index + offset) % ranges.len()];
            let answer = ask(&app, &url, &format!("{first}{weight}, {second}")).await;
            answers.insert((answer.header("etag").to_owned(), answer.header("content-location").to_owned()));
        }
    }
    assert_eq!(answers.len(), 3, "{answers:?}");
    app.stop().await;
}

#[tokio::test]
async fn only_formats_that_are_there_are_chosen_from() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let mut shelf = Shelf::of(&app).await;
    let asset = shelf.photo(&token, "public").await;
    let url = format!("/media/{}/thumb", text(&asset, "id"));
    shelf.run("DELETE FROM rendition WHERE format IN ('avif', 'jpg')").await;
    assert_eq!(ask(&app, &url, "image/avif").await.header("content-type"), "image/webp");
    shelf.run("DELETE FROM rendition").await;
    app.get(&url, None).await.expect_problem(404, "not_found");
    app.stop().await;
}
