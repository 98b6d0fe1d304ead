//! Customers are added by the desk, or become ones by themselves.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::ada;
use crate::harness::Harness;

#[tokio::test]
async fn somebody_becomes_a_customer_once_and_is_one_at_once() {
    let app = Harness::start().await;
    let person = Uuid::now_v7();
    let token = app.token(person);
    let before = app.get("/v1/me", &token).await.expect(200).json();
    assert_eq!(before, json!({"user_id": person, "role": "customer", "customer": null}));

    let added = app.post("/v1/customers", &token, &ada()).await.expect(201);
    let customer = added.json();
    assert_eq!(added.header("location"), format!("/v1/customers/{}", customer["id"].as_str().unwrap()));
    assert_eq!(added.header("etag"), "\"1\"");
    assert_eq!(customer["user_id"], json!(person));
    assert_eq!((&customer["name"], &customer["phone"]), (&json!("Ada López"), &json!("+573001234567")));
    assert_eq!(customer["email"], "ada@example.com");
    assert_eq!(customer["document"], json!({"type": "cc", "number": "1020304"}));
    assert_eq!(customer["address"], json!({"building": "Norte", "tower": null, "apartment": "801"}));
    assert_eq!(customer["consents"], json!({"sms": true, "email": true, "whatsapp": true, "push": false}));
    let me = app.get("/v1/me", &token).await.expect(200).json();
    assert_eq!(me["customer"], customer, "what was kept of the standing is gone");

    let mut other = ada();
    other["phone"] = json!("+573009999999");
    app.post("/v1/customers", &token, &other).await.expect_problem(409, "conflict");
    app.stop().await;
}

#[tokio::test]
async fn the_desk_adds_customers_that_nobody_signs_in_as() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    let customer = app.post("/v1/customers", &staff.operator, &ada()).await.expect(201).json();
    assert_eq!(customer["user_id"], json!(null));
    let second = app.post("/v1/customers", &staff.operator, &ada()).await;
    assert_eq!(second.expect_problem(409, "phone_in_use"), ["/phone"]);
    let mut inactive = ada();
    inactive["phone"] = json!("+34600111222");
    inactive["is_active"] = json!(false);
    let customer = app.post("/v1/customers", &staff.admin, &inactive).await.expect(201).json();
    assert_eq!((&customer["is_active"], &customer["phone"]), (&json!(false), &json!("+34600111222")));
    app.stop().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let app = Harness::start().await;
    let staff = app.staff().await;
    let wrong = json!({"name": " ", "phone": "12", "email": "x", "document": {"type": "cc", "number": "a"}});
    let answer = app.post("/v1/customers", &staff.operator, &wrong).await;
    let faults = answer.expect_problem(422, "validation_failed");
    assert_eq!(faults, ["/name", "/phone", "/email", "/document/number"]);
    let own = app.token(Uuid::now_v7());
    let mut inactive = ada();
    inactive["is_active"] = json!(false);
    let answer = app.post("/v1/customers", &own, &inactive).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/is_active"]);
    let mut stranger = ada();
    stranger["user_id"] = json!(Uuid::now_v7());
    app.post("/v1/customers", &own, &stranger).await.expect(422);
    app.post("/v1/customers", &staff.auditor, &ada()).await.expect_problem(403, "forbidden");
    app.stop().await;
}

#[tokio::test]
async fn a_registration_sent_twice_happens_once_and_is_answered_alike() {
    let app = Harness::start().await;
    let token = app.token(Uuid::now_v7());
    let send =
        || app.request(Method::POST, "/v1/customers", Some(&token)).header("Idempotency-Key", "\"k-1\"");
    let first = app.send(send().json(&ada())).await.expect(201);
    let second = app.send(send().json(&ada())).await.expect(201);
    assert_eq!((first.body, first.headers["etag"].clone()), (second.body, second.headers["etag"].clone()));
    let mut other = ada();
    other["name"] = json!("Eve");
    app.send(send().json(&other)).await.expect_problem(422, "idempotency_key_reused");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_register_one_phone_at_once_one_has_it() {
    let app = Harness::start().await;
    let tokens: Vec<String> = (0..16).map(|_| app.token(Uuid::now_v7())).collect();
    let body = ada();
    let sent = tokens.iter().map(|token| app.post("/v1/customers", token, &body));
    let answers = futures_util::future::join_all(sent).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "phone_in_use");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_registrations_of_one_person_at_once_one_stands() {
    let app = Harness::start().await;
    let token = app.token(Uuid::now_v7());
    let bodies: Vec<_> =
        (0..16).map(|number| json!({"name": "Ada", "phone": format!("+5730012345{number:02}")})).collect();
    let answers =
        futures_util::future::join_all(bodies.iter().map(|body| app.post("/v1/customers", &token, body)))
            .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "conflict");
    }
    app.stop().await;
}
