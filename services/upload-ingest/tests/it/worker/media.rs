//! What is made of real photos and clips.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{reconcile, renditions, stage, timeline, wait_for_status, worker};
use crate::harness::{Answer, TestApp, sha256};

const PHOTOS: [&str; 4] = [
    "friends-9x16-derived.jpg",
    "picosdeeuropa-9x16-derived.jpg",
    "seeding_by_Clements_Engelhardt.jpg",
    "chelsea.png",
];
const CLIPS: [&str; 2] = ["bigbuckbunny.mp4", "bigbuckbunny-9x16-derived.mp4"];

/// Formats by name.
fn formats(asset: &Json) -> BTreeMap<String, Vec<String>> {
    let mut formats: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for made in asset["renditions"].as_array().unwrap() {
        let of = formats.entry(made["name"].as_str().unwrap().to_owned()).or_default();
        of.push(made["format"].as_str().unwrap().to_owned());
        of.sort();
    }
    formats
}

fn text(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

/// Fetches every rendition, and holds length, digest and type against what was said of it.
async fn fetch_all(app: &TestApp, token: &str, asset: &Json) {
    for made in asset["renditions"].as_array().unwrap() {
        let url = made["url"].as_str().unwrap();
        let got: Answer = app.get(url, Some(token)).await.expect(200);
        assert_eq!(got.header("content-type"), made["content_type"].as_str().unwrap(), "{url}");
        if made["format"] != "m3u8" {
            assert_eq!(got.body.len() as u64, made["bytes"].as_u64().unwrap(), "{url}");
            assert!(url.contains(sha256(&got.body).get(..32).unwrap()), "{url}");
        }
    }
}

#[tokio::test]
async fn every_photo_gets_every_size_and_format() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (mut process, _config) = worker(&app, "").await;
    for file in PHOTOS {
        let uploaded = app.upload("images", &token, file).await;
        let asset = wait_for_status(&app, &token, &uploaded, "processed").await;
        let all = text(&["avif", "jpg", "webp"]);
        let expected = [
            ("placeholder", text(&["jpg", "webp"])),
            ("thumb", all.clone()),
            ("preview", all.clone()),
            ("full", all.clone()),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(name, formats)| (name.to_owned(), formats)).into();
        assert_eq!(formats(&asset), expected, "{file}");
        assert_eq!(asset["codec"], if file.ends_with("png") { "png" } else { "jpeg" });
        assert!(asset["width"].as_u64() > Some(0) && asset["height"].as_u64() > Some(0));
        for placeholder in ["blurhash", "thumbhash", "dominant_color"] {
            assert!(
                asset[placeholder].as_str().is_some_and(|text| !text.is_empty()),
                "{file}: {placeholder}"
            );
        }
        fetch_all(&app, &token, &asset).await;
    }
    assert_eq!(renditions(&app).await, 44);
    assert!(process.terminate(super::PATIENCE).await.success());
    let report = reconcile(&app, "[ingest]\norphan_secs = 1").await;
    assert_eq!(report["orphan_objects"], 0, "{report}");
    assert_eq!((&report["objects"], &report["rows"]), (&json!(48), &json!(48)), "{report}");
    app.stop().await;
}

#[tokio::test]
async fn every_clip_gets_a_poster_a_rendition_and_a_ladder() {
    let app = TestApp::with("[processing]\nplaylists = true\ntrim_secs = 2").await;
    let token = app.token("ada", &[]);
    let (_process, _config) = worker(&app, "").await;
    for file in CLIPS {
        let uploaded = app.upload("videos", &token, file).await;
        let asset = wait_for_status(&app, &token, &uploaded, "processed").await;
        let all = text(&["avif", "jpg", "webp"]);
        let expected = [
            ("poster_thumb", all.clone()),
            ("poster_preview", all.clone()),
            ("poster_full", all.clone()),
            ("video_720p", text(&["mp4"])),
            ("hls", text(&["m3u8"])),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(name, formats)| (name.to_owned(), formats)).into();
        assert_eq!(formats(&asset), expected, "{file}");
        assert_eq!(asset["codec"], "h264");
        assert!(asset["duration_ms"].as_u64() > Some(1_000), "{asset}");
        let rendition = asset["renditions"].as_array().unwrap().iter().find(|made| made["format"] == "mp4");
        assert_eq!(
            (&rendition.unwrap()["width"], &rendition.unwrap()["height"]),
            (&json!(1280), &json!(720))
        );
        fetch_all(&app, &token, &asset).await;
        let line = timeline(&app, &token, &asset).await;
        assert_eq!(line["progress"], 1.0, "{line}");
        for name in ["probe", "poster", "transcode", "playlist", "publish"] {
            let stage = stage(&line, name);
            assert_eq!((&stage["state"], &stage["attempt"]), (&json!("done"), &json!(1)), "{stage}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_picture_with_more_pixels_than_are_taken_fails_with_its_cause_and_can_be_tried_again() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (mut small, _config) = worker(&app, "[processing]\nmegapixels = 1").await;
    let uploaded = app.upload("images", &token, PHOTOS[2]).await;
    let asset = wait_for_status(&app, &token, &uploaded, "failed").await;
    assert_eq!(asset["error"]["code"], "too_many_pixels");
    let line = timeline(&app, &token, &asset).await;
    let probe = stage(&line, "probe");
    assert_eq!((&probe["state"], &probe["retryable"]), (&json!("dead"), &json!(true)), "{probe}");
    assert!(probe["error"]["message"].as_str().is_some_and(|text| text.ends_with('.')), "{probe}");
    assert!(small.terminate(super::PATIENCE).await.success());

    assert_eq!(super::retry(&app, &token, &asset, "variants").await, 409);
    assert_eq!(super::retry(&app, &token, &asset, "probe").await, 202);
    let (_large, _config) = worker(&app, "").await;
    let asset = wait_for_status(&app, &token, &asset, "processed").await;
    assert_eq!(asset["error"], Json::Null);
    let line = timeline(&app, &token, &asset).await;
    assert_eq!(stage(&line, "probe")["attempts"].as_array().unwrap().len(), 2);
    app.stop().await;
}
