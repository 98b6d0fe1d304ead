//! Playlists: a player asks for what stands in them.

use crate::harness::TestApp;
use crate::shelf::{Shelf, rendition_url, text};

#[tokio::test]
async fn a_public_playlist_and_its_pieces_are_for_anybody() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.video(&token, "public").await;
    let url = rendition_url(&asset, "m3u8");
    let playlist = app.get(&url, None).await.expect(200);
    assert_eq!(playlist.header("content-type"), "application/vnd.apple.mpegurl");
    assert!(playlist.text().contains("\nseg_1.m4s\n"), "{}", playlist.text());
    let piece = app.get(&url.replace("master.m3u8", "seg_1.m4s"), None).await.expect(200);
    assert_eq!((piece.text().as_str(), piece.header("content-type")), ("a segment", "video/mp4"));
    assert_eq!(piece.header("cache-control"), "public, max-age=31536000, immutable");
    let rung = app.get(&url.replace("master.m3u8", "360p/index.m3u8"), None).await.expect(200);
    assert_eq!(rung.text(), "#EXTM3U\n00001.m4s\n");
    app.get(&url.replace("master.m3u8", "seg_2.m4s"), None).await.expect_problem(404, "not_found");
    // Its pieces would be looked for in the wrong place.
    let bare = format!("/media/{}/hls", text(&asset, "id"));
    app.get(&bare, None).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_link_to_a_playlist_opens_everything_that_it_names() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.video(&token, "private").await;
    let url = rendition_url(&asset, "m3u8");
    let playlist = app.get(&url, None).await.expect(200);
    assert_eq!(playlist.header("cdn-cache-control"), "no-store");
    let text_of = playlist.text();
    let piece = text_of.lines().find(|line| line.starts_with("seg_1.m4s?")).unwrap();
    assert!(text_of.contains("URI=\"init.mp4?expires="), "{text_of}");
    let folder = url.split("master.m3u8").next().unwrap();
    let piece = app.get(&format!("{folder}{piece}"), None).await.expect(200);
    assert_eq!(piece.text(), "a segment");
    let rung = text_of.lines().find(|line| line.starts_with("360p/index.m3u8?")).unwrap();
    let rung = app.get(&format!("{folder}{rung}"), None).await.expect(200);
    assert!(rung.text().contains("\n00001.m4s?expires="), "{}", rung.text());
    // And nothing beside the folder.
    let query = url.split_once('?').unwrap().1;
    let original = text(&asset, "original_url").split('?').next().unwrap().to_owned();
    app.get(&format!("{original}?{query}"), None).await.expect_problem(403, "link_expired");
    app.stop().await;
}
