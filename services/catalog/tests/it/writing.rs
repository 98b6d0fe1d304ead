//! Making, changing and deleting records.

use reqwest::Method;
use serde_json::json;

use crate::harness::{TestApp, animal};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_tag_of_the_state_that_was_read() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let made = app.make("animals", &admin, animal("A1", "male", "2020-01-01", &breed)).await;
    let path = format!("/v1/animals/{}", made["id"].as_str().unwrap());
    let patch = |tag: Option<&str>| {
        let request = app.request(Method::PATCH, &path, Some(&admin)).json(&json!({"weight_g": 1}));
        match tag {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        }
    };
    app.send(patch(None)).await.expect_problem(428, "precondition_required");
    app.send(patch(Some("\"999\""))).await.expect_problem(412, "precondition_failed");
    // The tag of a compressed copy names the same state (X-D1).
    let tag = format!("\"{};br\"", made["version"]);
    app.send(patch(Some(&tag))).await.expect(200);
    app.send(patch(Some(&tag))).await.expect_problem(412, "precondition_failed");
}
