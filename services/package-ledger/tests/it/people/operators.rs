//! An admin decides who works at the desk.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::harness::Harness;

#[tokio::test]
async fn who_works_at_the_desk_may_at_once_what_the_role_allows_and_no_longer() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    let person = Uuid::now_v7();
    let (token, path) = (app.token(person), format!("/v1/operators/{person}"));
    app.get("/v1/customers", &token).await.expect_problem(403, "forbidden");

    let added = app.put(&path, &staff.admin, Some(&json!({"role": "operator", "name": " Bea "}))).await;
    assert_eq!(added.expect(201).json()["name"], "Bea");
    app.get("/v1/customers", &token).await.expect(200);
    assert_eq!(app.get("/v1/me", &token).await.expect(200).json()["role"], "operator");
    app.get("/v1/operators", &token).await.expect_problem(403, "forbidden");

    app.put(&path, &staff.admin, Some(&json!({"role": "admin", "name": "Bea"}))).await.expect(200);
    app.get("/v1/operators", &token).await.expect(200);
    app.delete(&path, &token).await.expect(204);
    app.get("/v1/operators", &token).await.expect_problem(403, "forbidden");
    app.delete(&path, &staff.admin).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn only_admins_decide_and_auditors_look_on() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    let path = format!("/v1/operators/{}", Uuid::now_v7());
    let body = json!({"role": "auditor", "name": "Bea"});
    app.get("/v1/operators", &staff.auditor).await.expect(200);
    for token in [&staff.operator, &staff.auditor, &app.token(Uuid::now_v7())] {
        app.put(&path, token, Some(&body)).await.expect_problem(403, "forbidden");
        app.delete(&path, token).await.expect_problem(403, "forbidden");
    }
    let wrong = json!({"role": "customer", "name": ""});
    let faults = app.put(&path, &staff.admin, Some(&wrong)).await.expect_problem(422, "validation_failed");
    assert_eq!(faults, ["/name", "/role"]);
    app.put(&path, &staff.admin, Some(&json!({"role": "boss", "name": "Bea"}))).await.expect(422);
    app.put("/v1/operators/7", &staff.admin, Some(&body)).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_list_of_operators_goes_from_page_to_page() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    for _ in 0..3 {
        let path = format!("/v1/operators/{}", Uuid::now_v7());
        app.put(&path, &staff.admin, Some(&json!({"role": "operator", "name": "Bea"}))).await.expect(201);
    }
    let mut path = "/v1/operators?limit=2".to_owned();
    let mut seen: Vec<Json> = Vec::new();
    loop {
        let page = app.get(&path, &staff.auditor).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["user_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/operators?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), 5, "two were there");
    assert!(seen.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()), "{seen:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_decision_sent_twice_is_taken_once() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    let path = format!("/v1/operators/{}", Uuid::now_v7());
    let put = || {
        let request = app.request(Method::PUT, &path, Some(&staff.admin)).header("Idempotency-Key", "\"k\"");
        app.send(request.json(&json!({"role": "operator", "name": "Bea"})))
    };
    let first = put().await.expect(201);
    assert_eq!(first.body, put().await.expect(201).body);
    app.stop().await;
}
