//! `POST /v1/stories/{id}/reports`.

use serde_json::json;
use uuid::Uuid;

use super::{Scene, id, path};

#[tokio::test]
async fn a_member_reports_a_story_once() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let reports = format!("{}/reports", path(&story));
    let body = json!({"reason": "spam", "message": " buy this "});
    let report = app.post(&reports, &app.token(*bob), &body).await.expect(201).json();
    assert_eq!((&report["reason"], &report["message"]), (&json!("spam"), &json!("buy this")));
    assert_eq!(report["story_id"], json!(id(&story)));
    let again = app.post(&reports, &app.token(*bob), &json!({"reason": "other"})).await;
    again.expect_problem(409, "already_reported");
    let own = app.post(&reports, &app.token(*ada), &body).await;
    assert_eq!(own.expect_problem(422, "validation_failed"), [""]);
    assert_eq!(app.number("SELECT count(*) AS number FROM story_report WHERE reason = 'spam'").await, 1);
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let token = app.token(*bob);
    let story = scene.post(*ada, json!({})).await;
    let reports = format!("{}/reports", path(&story));
    for (body, pointer) in [
        (json!({}), "/reason"),
        (json!({"reason": "boring"}), "/reason"),
        (json!({"reason": "spam", "message": "x".repeat(501)}), "/message"),
        (json!({"reason": "spam", "decision": "removed"}), "/decision"),
    ] {
        let refused = app.post(&reports, &token, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let private = scene.post(*ada, json!({"privacy": "private"})).await;
    let hidden = format!("{}/reports", path(&private));
    app.post(&hidden, &token, &json!({"reason": "spam"})).await.expect_problem(404, "not_found");
    let stranger = app.token(Uuid::now_v7());
    app.post(&reports, &stranger, &json!({"reason": "spam"})).await.expect_problem(404, "not_found");
    scene.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_at_the_same_time_are_one() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let (reports, token) = (format!("{}/reports", path(&story)), app.token(*bob));
    let body = json!({"reason": "violence"});
    let answers = futures_util::future::join_all((0..6).map(|_| app.post(&reports, &token, &body))).await;
    let taken = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    for refused in answers.iter().filter(|answer| answer.status.as_u16() != 201) {
        refused.expect_problem(409, "already_reported");
    }
    assert_eq!((taken, app.number("SELECT count(*) AS number FROM story_report").await), (1, 1));
    scene.app.stop().await;
}
