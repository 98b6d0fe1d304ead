//! Answers say where their time went; that it adds up is checked of every answer (`H-D7`).

use reqwest::Method;
use serde_json::json;

use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_writes_name_what_they_waited_for() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let path = format!("/v1/breeds/{breed}");
    let cold = app.get(&path, Some(&admin)).await.expect(200);
    assert!(cold.part("db") > Some(0.0) && cold.part("redis") > Some(0.0), "{:?}", cold.headers);
    let warm = app.get(&path, Some(&admin)).await.expect(200);
    assert!(warm.part("db") == Some(0.0) && warm.part("redis") > Some(0.0), "{:?}", warm.headers);
    let request = app.request(Method::PATCH, &path, Some(&admin)).header("If-Match", "*");
    let written = app.send(request.json(&json!({"name": "Renamed"}))).await.expect(200);
    for part in ["db", "redis", "announce", "recv"] {
        assert!(written.part(part).is_some(), "{part}: {:?}", written.headers);
    }
}
