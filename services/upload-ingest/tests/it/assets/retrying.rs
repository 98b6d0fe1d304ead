//! Stages that were given up, and tried again by who may.

use serde_json::Value as Json;

use crate::harness::{TestApp, number};
use crate::shelf::{PHOTO, Shelf, text};

async fn queued(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) AS number FROM outbox WHERE subject = 'upload_ingest.job.queued'";
    number(&app.db, sql).await
}

#[tokio::test]
async fn an_owner_sees_why_a_stage_failed_and_has_it_tried_again() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/images/{}", text(&asset, "id"));
    let retry = format!("{path}/stages/probe/retry");
    app.post(&retry, Some(&token), &Json::Null).await.expect_problem(409, "stage_not_retryable");
    Shelf::of(&app).await.give_up(text(&asset, "id"), "probe").await;
    let failed = app.get(&path, Some(&token)).await.json();
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&"failed".into(), &"damaged".into()));
    let stage = &app.get(&format!("{path}/timeline"), Some(&token)).await.json()["stages"][0];
    assert_eq!((&stage["state"], &stage["retryable"]), (&"dead".into(), &true.into()));
    assert_eq!(stage["error"]["message"], "The file is damaged.");
    let before = queued(&app).await;
    let retried = app.post(&retry, Some(&token), &Json::Null).await.expect(202).json();
    assert_eq!(
        (&retried["status"], &retried["stages"][0]["state"]),
        (&"processing".into(), &"queued".into())
    );
    assert_eq!(
        (&retried["stages"][0]["max_attempts"], &retried["stages"][0]["error"]),
        (&10.into(), &Json::Null)
    );
    assert_eq!(queued(&app).await, before + 1);
    assert_eq!(app.get(&path, Some(&token)).await.json()["error"], Json::Null);
    for stage in ["playlist", "nonsense"] {
        let path = format!("{path}/stages/{stage}/retry");
        app.post(&path, Some(&token), &Json::Null).await.expect_problem(404, "not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn administrators_see_what_was_given_up_and_requeue_it() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.token("ada", &[]), app.token("root", &["administrator"]));
    let mut shelf = Shelf::of(&app).await;
    for _ in 0..3 {
        let asset = app.upload("images", &ada, PHOTO).await;
        shelf.give_up(text(&asset, "id"), "variants").await;
    }
    let first = app.get("/v1/admin/dead-jobs?limit=2", Some(&admin)).await.expect(200);
    assert_eq!(first.statements(), 1);
    let rest = app.get(text(&first.json(), "next"), Some(&admin)).await.expect(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Json::Null));
    let job = &first.json()["items"][0];
    assert_eq!(
        (&job["stage"], &job["owner_id"], &job["attempt"]),
        (&"variants".into(), &"ada".into(), &5.into())
    );
    let requeue = format!("/v1/admin/dead-jobs/{}/requeue", text(job, "id"));
    app.post(&requeue, Some(&ada), &Json::Null).await.expect_problem(403, "forbidden");
    let timeline = app.post(&requeue, Some(&admin), &Json::Null).await.expect(202).json();
    assert_eq!((&timeline["asset_id"], &timeline["status"]), (&job["asset_id"], &"processing".into()));
    app.post(&requeue, Some(&admin), &Json::Null).await.expect_problem(409, "stage_not_retryable");
    let unknown = format!("/v1/admin/dead-jobs/{}/requeue", uuid::Uuid::now_v7());
    app.post(&unknown, Some(&admin), &Json::Null).await.expect_problem(404, "not_found");
    assert_eq!(
        app.get("/v1/admin/dead-jobs", Some(&admin)).await.json()["items"].as_array().unwrap().len(),
        2
    );
    app.get("/v1/admin/dead-jobs", Some(&ada)).await.expect_problem(403, "forbidden");
    app.get("/v1/admin/dead-jobs?cursor=x", Some(&admin)).await.expect_problem(400, "invalid_cursor");
    app.get("/v1/admin/dead-jobs?page=2", Some(&admin)).await.expect_problem(400, "invalid_parameter");
    app.stop().await;
}

/// U-D12.
#[tokio::test]
async fn the_report_of_the_reconciler_has_nothing_to_complain_about() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.token("ada", &[]), app.token("root", &["administrator"]));
    Shelf::of(&app).await.photo(&ada, "public").await;
    let report = app.get("/v1/admin/reconciliation", Some(&admin)).await.expect(200).json();
    assert_eq!((&report["objects"], &report["rows"]), (&4.into(), &4.into()), "{report}");
    for found in ["orphan_objects", "missing_objects", "orphan_partials", "doomed_removed"] {
        assert_eq!(report[found], 0, "{report}");
    }
    app.get("/v1/admin/reconciliation", Some(&ada)).await.expect_problem(403, "forbidden");
    app.stop().await;
}
