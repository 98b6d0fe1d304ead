//! An asset that is deleted is gone for everybody, with what it took up.

use reqwest::Method;

use crate::harness::{Answer, TestApp, number};
use crate::shelf::{PHOTO, Shelf, rendition_url, text};

async fn delete(app: &TestApp, path: &str, token: &str, tag: Option<&str>) -> Answer {
    let request = app.request(Method::DELETE, path, Some(token));
    app.send(match tag {
        Some(tag) => request.header("If-Match", tag),
        None => request,
    })
    .await
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_everybody_at_once() {
    let app = TestApp::start().await;
    let (token, admin) = (app.token("ada", &[]), app.token("root", &["administrator"]));
    let asset = Shelf::of(&app).await.photo(&token, "public").await;
    let id = text(&asset, "id");
    let path = format!("/v1/images/{id}");
    let urls = [
        text(&asset, "original_url").to_owned(),
        rendition_url(&asset, "webp"),
        format!("/media/{id}/thumb"),
    ];
    for url in &urls {
        app.get(url, None).await.expect(200);
    }
    delete(&app, &path, &token, None).await.expect_problem(428, "precondition_required");
    delete(&app, &path, &token, Some("\"1\"")).await.expect_problem(412, "precondition_failed");
    let gone = delete(&app, &path, &token, Some("\"2\"")).await.expect(204);
    assert_eq!(gone.header("cache-group-invalidation"), format!("\"assets/{id}\""));
    for url in urls.iter().map(String::as_str).chain([path.as_str(), &format!("{path}/timeline")]) {
        for token in [&token, &admin] {
            let answer = app.get(url, Some(token)).await;
            answer.expect_problem(404, "not_found");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    delete(&app, &path, &token, Some("*")).await.expect_problem(404, "not_found");
    assert_eq!(app.get("/v1/assets", Some(&token)).await.json()["items"], serde_json::json!([]));
    let count = async |sql: &str| number(&app.db, &format!("SELECT ({sql})::bigint AS number")).await;
    assert_eq!(count("SELECT bytes + assets FROM owner_usage WHERE owner = 'ada'").await, 0);
    assert_eq!(count("SELECT count(*) FROM storage_object WHERE state = 'live'").await, 0);
    assert_eq!(count("SELECT count(*) FROM rendition").await, 0);
    assert_eq!(count("SELECT count(*) FROM outbox WHERE subject = 'upload_ingest.asset.deleted'").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_deleted_asset_is_cancelled() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    delete(&app, &format!("/v1/assets/{}", text(&asset, "id")), &token, Some("*")).await.expect(204);
    let open = "SELECT count(*) AS number FROM job WHERE state <> 'cancelled'";
    assert_eq!(number(&app.db, open).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_deletion_that_is_repeated_with_its_key_is_answered_the_same() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let send = || {
        let request = app.request(Method::DELETE, &path, Some(&token)).header("If-Match", "*");
        app.send(request.header("Idempotency-Key", "one"))
    };
    send().await.expect(204);
    assert_eq!(send().await.expect(204).header("idempotency-replayed"), "true");
    app.stop().await;
}
