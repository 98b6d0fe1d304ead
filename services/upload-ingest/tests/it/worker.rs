//! Workers as real processes: what they make of real media, and what becomes of their work when they are killed, paused or
//! stopped.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;
use test_harness::{Process, wait_until};

use crate::harness::{TestApp, number};

mod config_file;
mod faults;
mod media;

use config_file::ConfigFile;

/// Longest that anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts a worker for this service; `more` is TOML that is added.
async fn worker(app: &TestApp, more: &str) -> (Process, ConfigFile) {
    let file = ConfigFile::new(&app.config, more);
    let path = env!("CARGO_BIN_EXE_upload-worker");
    let mut process = Process::spawn_at(path, &["run", "--config", file.path()], &[]);
    process.wait_for_log("the worker works", PATIENCE).await;
    (process, file)
}

/// The timeline of an asset.
async fn timeline(app: &TestApp, token: &str, asset: &Json) -> Json {
    app.get(&format!("/v1/assets/{}/timeline", id(asset)), Some(token)).await.expect(200).json()
}

fn id(asset: &Json) -> &str {
    asset["id"].as_str().unwrap()
}

/// One stage of a timeline.
fn stage<'a>(timeline: &'a Json, name: &str) -> &'a Json {
    timeline["stages"].as_array().unwrap().iter().find(|stage| stage["stage"] == name).unwrap()
}

/// Waits until the asset has this status, and returns it.
async fn wait_for_status(app: &TestApp, token: &str, asset: &Json, status: &str) -> Json {
    let path = format!("/v1/assets/{}", id(asset));
    let mut seen = Json::Null;
    wait_until(&format!("the asset is {status}"), PATIENCE, async || {
        seen = app.get(&path, Some(token)).await.expect(200).json();
        seen["status"] == status
    })
    .await;
    seen
}

/// Waits until a stage is in this state.
async fn wait_for_stage(app: &TestApp, token: &str, asset: &Json, name: &str, state: &str) {
    wait_until(&format!("{name} is {state}"), PATIENCE, async || {
        stage(&timeline(app, token, asset).await, name)["state"] == state
    })
    .await;
}

/// What `upload-ingest reconcile` finds.
async fn reconcile(app: &TestApp, more: &str) -> Json {
    let file = ConfigFile::new(&app.config, more);
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_upload-ingest"))
        .args(["reconcile", "--format", "json", "--config", file.path()])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asks for another try of a stage.
async fn retry(app: &TestApp, token: &str, asset: &Json, name: &str) -> u16 {
    let path = format!("/v1/assets/{}/stages/{name}/retry", id(asset));
    app.send(app.request(Method::POST, &path, Some(token))).await.status.as_u16()
}

/// How many renditions the database has.
async fn renditions(app: &TestApp) -> i64 {
    number(&app.db, "SELECT count(*) AS number FROM rendition").await
}
