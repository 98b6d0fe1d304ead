//! Workers that are killed, paused, stopped, or whose asset goes.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use test_harness::wait_until;

use super::{PATIENCE, id, reconcile, renditions, stage, timeline, wait_for_stage, wait_for_status, worker};
use crate::harness::{TestApp, number};

const CLIP: &str = "bigbuckbunny.mp4";
/// Leases that run out while a test waits.
const SHORT_LEASE: &str = "[processing]\nlease_secs = 3";
/// Renditions of a video without a ladder: three posters in three formats, and the rendition.
const OF_A_VIDEO: i64 = 10;

#[tokio::test]
async fn what_a_killed_worker_leaves_another_finishes_once() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (mut killed, _config) = worker(&app, SHORT_LEASE).await;
    let asset = app.upload("videos", &token, CLIP).await;
    wait_for_stage(&app, &token, &asset, "transcode", "running").await;
    killed.kill9();
    let (mut other, _config) = worker(&app, SHORT_LEASE).await;
    wait_for_status(&app, &token, &asset, "processed").await;
    assert_eq!(renditions(&app).await, OF_A_VIDEO);
    let line = timeline(&app, &token, &asset).await;
    let attempts = stage(&line, "transcode")["attempts"].as_array().unwrap().clone();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["lost", "done"], "{line}");
    assert!(other.terminate(PATIENCE).await.success());

    // What the killed one may have left behind is removed once it is old.
    let mut report = json!(null);
    wait_until("nothing is left behind", PATIENCE, async || {
        report = reconcile(&app, "[ingest]\norphan_secs = 1").await;
        report["objects"] == report["rows"]
    })
    .await;
    assert_eq!(
        (&report["rows"], &report["missing_objects"]),
        (&json!(OF_A_VIDEO + 1), &json!(0)),
        "{report}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_worker_that_wakes_up_after_its_lease_has_run_out_changes_nothing() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (frozen, _config) = worker(&app, SHORT_LEASE).await;
    let asset = app.upload("videos", &token, CLIP).await;
    wait_until("the rendition is under way", PATIENCE, async || {
        let line = timeline(&app, &token, &asset).await;
        let transcode = stage(&line, "transcode");
        assert_ne!(transcode["state"], "done", "it is through too soon to be paused");
        transcode["progress"].as_f64() > Some(0.0)
    })
    .await;
    frozen.freeze();
    let (_other, _config) = worker(&app, SHORT_LEASE).await;
    let done = wait_for_status(&app, &token, &asset, "processed").await;
    frozen.thaw();
    let mut frozen = frozen;
    let line = frozen.wait_for_log("\"outcome\":\"fenced\"", PATIENCE).await;
    assert!(line.contains("transcode"), "{line}");
    let after = app.get(&format!("/v1/assets/{}", id(&asset)), Some(&token)).await.expect(200).json();
    assert_eq!((&after["version"], renditions(&app).await), (&done["version"], OF_A_VIDEO));
    app.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_work_back() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    // No time for what runs: it is given back at once.
    let (mut stopped, _config) = worker(&app, "[http]\ndrain_secs = 1\n[processing]\nlease_secs = 600").await;
    let asset = app.upload("videos", &token, CLIP).await;
    wait_for_stage(&app, &token, &asset, "transcode", "running").await;
    assert!(stopped.terminate(PATIENCE).await.success());
    let line = timeline(&app, &token, &asset).await;
    let transcode = stage(&line, "transcode");
    assert_eq!((&transcode["state"], &transcode["attempt"]), (&json!("queued"), &json!(0)), "{transcode}");
    // Its lease would have lasted for minutes.
    let (_other, _config) = worker(&app, "").await;
    wait_for_status(&app, &token, &asset, "processed").await;
    let line = timeline(&app, &token, &asset).await;
    assert_eq!(stage(&line, "transcode")["attempt"], 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_made_of_an_asset_that_is_deleted_meanwhile_is_gone() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (mut process, _config) = worker(&app, SHORT_LEASE).await;
    let asset = app.upload("videos", &token, CLIP).await;
    wait_for_stage(&app, &token, &asset, "transcode", "running").await;
    let path = format!("/v1/assets/{}", id(&asset));
    app.send(app.request(Method::DELETE, &path, Some(&token)).header("If-Match", "*")).await.expect(204);
    let line = process.wait_for_log("\"outcome\":\"fenced\"", PATIENCE).await;
    assert!(line.contains("transcode"), "{line}");
    assert!(process.terminate(PATIENCE).await.success());
    wait_until("nothing is left of it", PATIENCE, async || {
        let report = reconcile(&app, "[ingest]\norphan_secs = 1").await;
        report["objects"] == 0 && report["rows"] == 0
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn many_workers_on_many_assets_do_each_stage_once() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let (first, _one) = worker(&app, "").await;
    let (second, _two) = worker(&app, "").await;
    let mut assets = Vec::new();
    for _ in 0..6 {
        assets.push(app.upload("images", &token, "chelsea.png").await);
    }
    for asset in &assets {
        wait_for_status(&app, &token, asset, "processed").await;
    }
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM job_attempt").await, 18);
    assert_eq!(renditions(&app).await, 66);
    drop((first, second));
    app.stop().await;
}

#[tokio::test]
async fn a_worker_says_how_it_is() {
    let app = TestApp::start().await;
    let (mut process, _config) = worker(&app, "").await;
    let line = process.wait_for_log("\"listening\"", PATIENCE).await;
    let addr = line.split("\"addr\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let get = async |path: &str| {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        client.get(format!("http://{addr}{path}")).send().await.unwrap()
    };
    process.wait_ready(&format!("http://{addr}/readyz")).await;
    let metrics = get("/metrics").await.text().await.unwrap();
    for name in
        ["processing_attempts_total", "processing_attempt_duration_seconds", "processing_decoding_pixels"]
    {
        assert!(metrics.contains(name), "{metrics}");
    }
    assert_eq!(get("/livez").await.status(), 200);
    app.stop().await;
}
