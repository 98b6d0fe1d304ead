//! Slots are put up, listed and blocked.

use serde_json::{Value as Json, json};

use super::Place;

#[tokio::test]
async fn the_shelf_is_listed_in_order_with_its_numbers() {
    let place = Place::open().await;
    place.shelf(&["B-2", "B-1", "B-3"], "small").await;
    place.shelf(&["A-1"], "extra").await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.received(ada, "AAAA0001").await;
    place.ask(package, "store", &json!({"slot_code": "B-2"})).await.expect(200);
    let first = place.harness.get("/v1/slots?limit=3", &place.staff.auditor).await.expect(200).json();
    let codes: Vec<_> = first["items"].as_array().unwrap().iter().map(|slot| slot["code"].clone()).collect();
    assert_eq!(codes, ["A-1", "B-1", "B-2"]);
    assert_eq!(first["items"][2]["package_id"], json!(package));
    assert_eq!(
        first["counts"],
        json!([
            {"size_class": "small", "free": 2, "held": 1, "blocked": 0},
            {"size_class": "extra", "free": 1, "held": 0, "blocked": 0},
        ])
    );
    let next = format!("/v1/slots?limit=3&cursor={}", first["next"].as_str().unwrap());
    let second = place.harness.get(&next, &place.staff.operator).await.expect(200).json();
    assert_eq!((&second["items"][0]["code"], &second["next"]), (&json!("B-3"), &json!(null)));
    let held =
        place.harness.get("/v1/slots?status=held&size_class=small", &place.staff.admin).await.expect(200);
    assert_eq!(held.json()["items"].as_array().unwrap().len(), 1);
    let wrong = place.harness.get("/v1/slots?status=full&size_class=huge", &place.staff.admin).await;
    assert_eq!(wrong.expect_problem(400, "invalid_parameter"), ["?status", "?size_class"]);
}

#[tokio::test]
async fn slots_are_put_up_all_or_none_by_administrators() {
    let place = Place::open().await;
    let body = json!({"codes": ["A-1", "A-2"], "size_class": "small"});
    place.harness.post("/v1/slots", &place.staff.operator, &body).await.expect_problem(403, "forbidden");
    place.harness.post("/v1/slots", &place.staff.admin, &body).await.expect(201);
    let more = json!({"codes": ["A-3", "A-2"], "size_class": "small"});
    let answer = place.harness.post("/v1/slots", &place.staff.admin, &more).await;
    assert_eq!(answer.expect_problem(409, "conflict"), ["/codes/1"]);
    assert_eq!(place.count("slot").await, 2);
    let malformed = json!({"codes": ["a-1", "A-9", "A-9"], "size_class": "small"});
    let answer = place.harness.post("/v1/slots", &place.staff.admin, &malformed).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/codes/0", "/codes/2"]);
}

#[tokio::test]
async fn a_blocked_slot_is_not_taken_and_one_in_use_is_not_blocked() {
    let place = Place::open().await;
    place.shelf(&["A-1"], "small").await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.received(ada, "AAAA0001").await;
    let id = place.text("SELECT id FROM slot").await;
    let path = format!("/v1/slots/{id}");
    let block = json!({"status": "blocked", "blocked_reason": "broken board"});
    let patch = async |if_match: &str, body: &Json| {
        place.harness.patch(&path, &place.staff.admin, if_match, body).await
    };
    place.harness.patch(&path, &place.staff.operator, "*", &block).await.expect_problem(403, "forbidden");
    assert_eq!(
        patch("*", &json!({"status": "blocked"})).await.expect_problem(422, "validation_failed"),
        ["/blocked_reason"]
    );
    let blocked = patch("\"1\"", &block).await.expect(200);
    assert_eq!((blocked.header("etag"), &blocked.json()["status"]), ("\"2\"", &json!("blocked")));
    patch("\"1\"", &block).await.expect_problem(412, "precondition_failed");
    place.ask(package, "store", &json!({})).await.expect_problem(409, "slots_full");
    place.ask(package, "store", &json!({"slot_code": "A-1"})).await.expect_problem(409, "slot_taken");
    patch("\"2\"", &json!({"status": "free"})).await.expect(200);
    place.ask(package, "store", &json!({})).await.expect(200);
    patch("*", &block).await.expect_problem(409, "slot_taken");
}
