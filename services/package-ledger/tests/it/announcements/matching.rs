//! What was scanned is compared with what is announced, and the reasons are told.

use serde_json::{Value as Json, json};

use super::Counter;

async fn asked(counter: &Counter, body: Json) -> Json {
    counter.app.post("/v1/announcements/match", &counter.staff.operator, &body).await.expect(200).json()
}

#[tokio::test]
async fn a_number_that_agrees_decides_and_everything_is_explained() {
    let counter = Counter::open().await;
    let one = counter.announced("776632517510").await;
    counter.announced("TIENDA7781").await;
    let before = counter.count("outbox").await + counter.count("package_event").await;
    let barcode = asked(&counter, json!({"scanned": "]C19622001900000000000000776632517510"})).await;
    assert_eq!((&barcode["decision"], &barcode["announcement_id"]), (&json!("match"), &one["id"]));
    let best = &barcode["candidates"][0];
    assert_eq!((&best["announcement_id"], &best["customer_id"]), (&one["id"], &json!(counter.ada)));
    let reasons = best["reasons"].as_array().unwrap();
    assert_eq!(reasons[0]["code"], "embedded_number");
    let sum: i64 = reasons.iter().map(|reason| reason["points"].as_i64().unwrap()).sum();
    assert_eq!(best["score"].as_i64().unwrap(), sum.clamp(0, 100));
    assert_eq!(counter.count("outbox").await + counter.count("package_event").await, before);
    assert_eq!(counter.count("announcement WHERE status = 'pending'").await, 2);
    counter.app.stop().await;
}

#[tokio::test]
async fn name_and_phone_alone_ask_a_person() {
    let counter = Counter::open().await;
    counter.announced("TIENDA7781").await;
    let label = json!({"scanned": "88812345", "name": "ADA LOPEZ", "phone": "*** 4567"});
    let shown = asked(&counter, label).await;
    assert_eq!((&shown["decision"], &shown["announcement_id"]), (&json!("ask_human"), &json!(null)));
    let codes: Vec<&str> = shown["candidates"][0]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["guide_number_differs", "phone_last_digits", "same_name"]);
    let nothing = asked(&counter, json!({"scanned": "88812345"})).await;
    assert_eq!(nothing, json!({"decision": "ask_human", "announcement_id": null, "candidates": []}));
    counter.app.stop().await;
}

#[tokio::test]
async fn what_is_not_waited_for_is_no_candidate() {
    let counter = Counter::open().await;
    let one = counter.announced("776632517510").await;
    let cancel = format!("{}/cancel", super::path(&one));
    counter.app.post(&cancel, &counter.token, &json!({})).await.expect(200);
    assert_eq!(asked(&counter, json!({"scanned": "776632517510"})).await["candidates"], json!([]));
    counter.app.stop().await;
}

#[tokio::test]
async fn only_operators_ask_and_faults_are_told() {
    let counter = Counter::open().await;
    let body = json!({"scanned": "776632517510"});
    for token in [&counter.token, &counter.staff.auditor] {
        counter.app.post("/v1/announcements/match", token, &body).await.expect_problem(403, "forbidden");
    }
    let wrong = json!({"scanned": " ", "phone": "1".repeat(41)});
    let answer = counter.app.post("/v1/announcements/match", &counter.staff.admin, &wrong).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/phone"]);
    let answer =
        counter.app.post("/v1/announcements/match", &counter.staff.admin, &json!({"scanned": " "})).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/scanned"]);
    counter.app.stop().await;
}
