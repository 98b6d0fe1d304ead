//! Answers come from memory and are never stale.

mod audiences;
mod away;
mod clearing;
mod guard;
mod policy;
mod races;
mod stats;

use serde_json::{Value as Json, json};

use crate::harness::{Session, TestApp};

/// A catalog with somebody who may do everything.
async fn start() -> (TestApp, Session) {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    (app, admin)
}

/// Makes a disease and returns its address.
async fn make_disease(app: &TestApp, admin: &Session, name: &str) -> String {
    let made = app.make("diseases", admin, json!({"name": name})).await;
    format!("/v1/diseases/{}", made["id"].as_str().unwrap())
}

/// Asks until the answer comes from memory: what was asked first is filled in behind the answer.
async fn warm(app: &TestApp, path: &str, session: Option<&Session>) -> Json {
    let mut answer = app.get(path, session).await.expect(200);
    for _ in 0..3 {
        if answer.statements() == 0 {
            break;
        }
        answer = app.get(path, session).await.expect(200);
    }
    assert_eq!(answer.statements(), 0, "{path} is not answered from memory");
    answer.json()
}
