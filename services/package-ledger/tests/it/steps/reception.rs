//! A parcel is received: below an announcement, by itself, or by comparison with what was announced.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{Place, parcel, parcel_with, refused};

#[tokio::test]
async fn an_announced_parcel_is_received_and_its_clock_starts() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let announced = place.harness.announced(ada, "AAAA0001").await;
    let now = place.harness.clock.now();
    place.harness.clock.set(now);
    let body = json!({
        "dims_mm": [300, 200, 100], "weight_g": 4999, "condition": "opened", "note": "tape torn",
        "photos": [Uuid::now_v7(), Uuid::now_v7()], "documents": [Uuid::now_v7()],
    });
    let answer = place.ask(announced.package_id, "receive", &body).await.expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    let package = answer.json();
    assert_eq!(
        (package["status"].as_str(), package["size_class"].as_str()),
        (Some("received"), Some("small"))
    );
    assert_eq!(package["files"].as_array().unwrap().len(), 3);
    let at = |name: &str| package[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(at("received_at"), place.harness.clock.now());
    assert_eq!(at("free_until") - at("received_at"), TimeDelta::hours(24));
    assert_eq!(at("hold_until") - at("received_at"), TimeDelta::days(30));
    assert_eq!(at("abandon_at") - at("received_at"), TimeDelta::days(45));
    assert_eq!(
        place.text(&format!("SELECT status FROM announcement WHERE id = '{}'", announced.id)).await,
        "matched"
    );
    assert!(place.count("deadline").await >= 8);
    place.expect_chain(announced.package_id, &["receive"]).await;
}

#[tokio::test]
async fn a_reception_tells_all_that_it_lacks_at_once() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.harness.announced(ada, "AAAA0001").await.package_id;
    let lacking = json!({"size_class": "small", "photos": [Uuid::now_v7()]});
    let answer = place.ask(package, "receive", &lacking).await;
    refused(&answer, &["photos_required", "condition_required"], &["receive", "cancel", "withdraw"]);
    let malformed = json!({
        "weight_g": 0, "dims_mm": [1, 2, 10_001], "guide_number": "ñ", "carrier": "x".repeat(51),
        "photos": [Uuid::from_u128(1), Uuid::from_u128(1)], "note": "a\u{0}b",
    });
    let request = place.harness.request(
        reqwest::Method::POST,
        &format!("/v1/packages/{package}/receive"),
        Some(&place.staff.operator),
    );
    let answer = place.harness.send_unchecked(request.json(&malformed)).await;
    assert_eq!(
        answer.expect_problem(422, "validation_failed"),
        ["/dims_mm/2", "/weight_g", "/guide_number", "/carrier", "/note", "/photos/1"]
    );
    place.ask(package, "receive", &parcel()).await.expect(200);
    let again = place.ask(package, "receive", &parcel()).await;
    refused(&again, &["transition_not_allowed"], &["store", "cancel", "lose", "damage", "identify"]);
}

#[tokio::test]
async fn what_nobody_announced_becomes_a_package_of_nobody_with_its_candidates() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz Pérez", 1).await;
    let announced = place.harness.announced(ada, "7001234567").await;
    // A name and the end of a phone are not enough (P-C6).
    let body = parcel_with(json!({"guide": "8009876543", "name": "Ada Luz Perez", "phone": "*** *** 0001"}));
    let answer = place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201);
    let reception = answer.json();
    assert_eq!(reception["package"]["customer"], json!(null));
    assert_eq!(reception["package"]["status"], "received");
    assert_eq!(reception["candidates"][0]["announcement_id"], json!(announced.id));
    assert!(reception["candidates"][0]["score"].as_i64().unwrap() < 80);
    assert!(!reception["candidates"][0]["reasons"].as_array().unwrap().is_empty());
    let id: Uuid = reception["package"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/packages/{id}"));
    assert_eq!(
        place.text(&format!("SELECT status FROM announcement WHERE id = '{}'", announced.id)).await,
        "pending"
    );
    place.expect_chain(id, &["receive"]).await;
}

#[tokio::test]
async fn a_number_that_agrees_is_received_as_what_was_announced() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let announced = place.harness.announced(ada, "7001234567").await;
    let body = parcel_with(json!({"guide": "Guía No. 700-123-4567", "name": "ADA LUZ"}));
    let reception = place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201).json();
    assert_eq!(reception["package"]["id"], json!(announced.package_id));
    assert_eq!(reception["announcement_id"], json!(announced.id));
    assert_eq!(reception["package"]["customer"]["id"], json!(ada));
    assert_eq!(place.count("package").await, 1);
    // The same parcel is not received twice.
    let again = parcel_with(json!({"guide": "7001234567"}));
    let answer = place.harness.post("/v1/packages", &place.staff.operator, &again).await;
    answer.expect_problem(409, "guide_already_open");
    assert_eq!(answer.json()["package_id"], json!(announced.package_id));
    place.expect_chain(announced.package_id, &["receive"]).await;
}

#[tokio::test]
async fn a_phone_identifies_at_once_unless_anything_speaks_for_somebody_else() {
    let place = Place::open().await;
    let (ada, eve) = (place.customer("Ada Luz", 1).await, place.customer("Eve Mora", 2).await);
    let post = async |more| {
        let body = parcel_with(more);
        place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201).json()
    };
    let known = post(json!({"guide": "8009876541", "phone": "300 000 0001"})).await;
    assert_eq!(known["package"]["customer"]["id"], json!(ada));
    // A number of Eve's announcement with Ada's phone on the label: a person looks.
    place.harness.announced(eve, "8009876542").await;
    let doubtful = post(json!({"guide": "8009876542", "phone": "+573000000001", "name": "Ada Luz"})).await;
    assert_eq!(doubtful["package"]["customer"], json!(null));
    assert_eq!(doubtful["candidates"][0]["customer_id"], json!(eve));
    let named = post(json!({"guide": "8009876543", "customer_id": eve})).await;
    assert_eq!(named["package"]["customer"]["id"], json!(eve));
    let stranger = parcel_with(json!({"guide": "8009876544", "customer_id": Uuid::now_v7()}));
    let answer = place.harness.post("/v1/packages", &place.staff.operator, &stranger).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/customer_id"]);
}

#[tokio::test]
async fn a_person_names_the_announcement_once() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let announced = place.harness.announced(ada, "7001234567").await;
    let body = || parcel_with(json!({"announcement_id": announced.id}));
    let reception =
        place.harness.post("/v1/packages", &place.staff.operator, &body()).await.expect(201).json();
    assert_eq!(reception["package"]["id"], json!(announced.package_id));
    let again = place.harness.post("/v1/packages", &place.staff.operator, &body()).await;
    assert_eq!(again.expect_problem(422, "validation_failed"), ["/announcement_id"]);
}

#[tokio::test]
async fn a_desk_may_take_only_what_was_announced() {
    let place = Place::with("[desk]\nreceive_unannounced = false\n").await;
    let ada = place.customer("Ada Luz", 1).await;
    let body = parcel_with(json!({"guide": "8009876543"}));
    let answer = place.harness.post("/v1/packages", &place.staff.operator, &body).await;
    refused(&answer, &["announcement_required"], &["announce", "receive"]);
    assert_eq!(place.count("package").await, 0);
    place.harness.announced(ada, "8009876543").await;
    place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201);
}

#[tokio::test]
async fn a_reception_that_is_sent_twice_is_one_package() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let unannounced = parcel_with(json!({"guide": "8009876543"}));
    let first = place.ask_keyed("/v1/packages", "one", &unannounced).await.expect(201);
    let second = place.ask_keyed("/v1/packages", "one", &unannounced).await.expect(201);
    assert_eq!(first.json(), second.json());
    // What was matched is open no more, and the answer is the same all the same.
    let announced = place.harness.announced(ada, "7001234567").await;
    let matched = parcel_with(json!({"guide": "7001234567"}));
    let first = place.ask_keyed("/v1/packages", "two", &matched).await.expect(201);
    let second = place.ask_keyed("/v1/packages", "two", &matched).await.expect(201);
    assert_eq!(first.json(), second.json());
    assert_eq!(place.count("package").await, 2);
    assert_eq!(place.count("package_event").await, 2);
    let path = format!("/v1/packages/{}/store", announced.package_id);
    place.shelf(&["A-1"], "small").await;
    let first = place.ask_keyed(&path, "three", &json!({})).await.expect(200);
    assert_eq!(place.ask_keyed(&path, "three", &json!({})).await.expect(200).json(), first.json());
    place
        .ask_keyed(&path, "three", &json!({"slot_code": "A-1"}))
        .await
        .expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn two_desks_receive_one_number_once() {
    let place = Place::open().await;
    let replica = place.harness.replica("[jobs]\nenabled = false").await;
    let bodies: Vec<_> = (0..8).map(|_| parcel_with(json!({"guide": "8009876543"}))).collect();
    let asked = bodies.iter().enumerate().map(|(index, body)| {
        let desk = if index.is_multiple_of(2) { &place.harness } else { &replica };
        desk.post("/v1/packages", &place.staff.operator, body)
    });
    let answers = futures_util::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "guide_already_open");
    }
    assert_eq!(place.count("package").await, 1);
}
