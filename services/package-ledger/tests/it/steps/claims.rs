//! Claims: who opens, reads and answers them, and until when.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Place;

#[tokio::test]
async fn a_claim_is_taken_for_48_hours_after_the_package_was_handed_over() {
    let place = Place::open().await;
    place.harness.clock.set(place.harness.clock.now());
    let (user, other) = (Uuid::now_v7(), Uuid::now_v7());
    let ada = place.harness.enrolled(user, "Ada Luz", "+573000000001").await;
    place.harness.enrolled(other, "Eve Mora", "+573000000002").await;
    let package = place.stored(ada, "AAAA0001").await;
    let path = format!("/v1/packages/{package}/claims");
    let claim = |kind: &str| json!({"kind": kind, "description": "the box is empty"});
    place
        .harness
        .post(&path, &place.harness.token(other), &claim("other"))
        .await
        .expect_problem(404, "not_found");
    place.harness.post(&path, &place.staff.auditor, &claim("other")).await.expect_problem(403, "forbidden");
    place.ask(package, "return", &json!({"to": "sender", "reason": "refused"})).await.expect(200);
    place.harness.clock.advance(TimeDelta::hours(48));
    let opened = place.harness.post(&path, &place.harness.token(user), &claim("other")).await.expect(201);
    assert_eq!(opened.json()["opened_by"], json!(user));
    assert_eq!(opened.header("location"), format!("/v1/claims/{}", opened.json()["id"].as_str().unwrap()));
    place
        .harness
        .post(&path, &place.harness.token(user), &claim("other"))
        .await
        .expect_problem(409, "conflict");
    place.harness.clock.advance(TimeDelta::microseconds(1));
    let late = place.harness.post(&path, &place.harness.token(user), &claim("damaged")).await;
    late.expect_problem(409, "claim_too_late");
    let empty = json!({"kind": "lost", "description": " "});
    let answer = place.harness.post(&path, &place.harness.token(user), &empty).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/description"]);
    place.expect_chain(package, &["receive", "store", "return", "claim"]).await;
}

#[tokio::test]
async fn the_desk_answers_and_a_claim_never_goes_back() {
    let place = Place::open().await;
    let (user, other) = (Uuid::now_v7(), Uuid::now_v7());
    let ada = place.harness.enrolled(user, "Ada Luz", "+573000000001").await;
    let package = place.stored(ada, "AAAA0001").await;
    place.ask(package, "incidents", &json!({"kind": "damaged", "description": "wet"})).await.expect(200);
    let id = place.text("SELECT id FROM claim").await;
    let path = format!("/v1/claims/{id}");
    let own = place.harness.get(&path, &place.harness.token(user)).await.expect(200);
    assert_eq!((own.header("etag"), own.json()["description"].as_str()), ("\"1\"", Some("wet")));
    place.harness.get(&path, &place.harness.token(other)).await.expect_problem(404, "not_found");
    let patch = async |if_match: &str, body: &Json| {
        place.harness.patch(&path, &place.staff.operator, if_match, body).await
    };
    place
        .harness
        .patch(&path, &place.harness.token(user), "*", &json!({"status": "closed"}))
        .await
        .expect_problem(403, "forbidden");
    patch("\"1\"", &json!({"status": "read"})).await.expect(200);
    let mute = patch("\"2\"", &json!({"status": "answered"})).await;
    assert_eq!(mute.expect_problem(422, "validation_failed"), ["/answer"]);
    patch("\"1\"", &json!({"status": "answered", "answer": "we pay"}))
        .await
        .expect_problem(412, "precondition_failed");
    // Ten times 1,500 pesos are the most that it answers for.
    let generous = json!({"status": "answered", "answer": "we pay", "accepted_minor": 1_500_001});
    let answer = patch("\"2\"", &generous).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/accepted_minor"]);
    let accepted = json!({"status": "answered", "answer": "we pay", "accepted_minor": 900_000});
    let answered = patch("\"2\"", &accepted).await.expect(200);
    assert_eq!(answered.json()["answer"], "we pay");
    let owed = "SELECT credits_minor - debits_minor FROM ledger_account WHERE code = 'liability/claims'";
    assert_eq!(place.text(owed).await, "900000");
    let more = json!({"status": "closed", "accepted_minor": 1});
    assert_eq!(patch("*", &more).await.expect_problem(422, "validation_failed"), ["/accepted_minor"]);
    patch("*", &json!({"status": "read"})).await.expect_problem(409, "conflict");
    patch("*", &json!({"status": "closed"})).await.expect(200);
    place
        .harness
        .get_with(&path, &place.harness.token(user), &[("If-None-Match", "\"4\"")])
        .await
        .expect(304);
}

#[tokio::test]
async fn everybody_lists_ones_own_claims_and_the_desk_all() {
    let place = Place::open().await;
    let (ada_user, eve_user) = (Uuid::now_v7(), Uuid::now_v7());
    let ada = place.harness.enrolled(ada_user, "Ada Luz", "+573000000001").await;
    let eve = place.harness.enrolled(eve_user, "Eve Mora", "+573000000002").await;
    for (customer, guide) in [(ada, "AAAA0001"), (ada, "AAAA0002"), (eve, "AAAA0003")] {
        let package = place.stored(customer, guide).await;
        place.ask(package, "incidents", &json!({"kind": "lost", "description": guide})).await.expect(200);
    }
    let list = async |token: &str, query: &str| {
        let page = place.harness.get(&format!("/v1/claims{query}"), token).await.expect(200).json();
        let items = page["items"].as_array().unwrap().clone();
        let told: Vec<String> =
            items.iter().map(|claim| claim["description"].as_str().unwrap().to_owned()).collect();
        (told, page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list(&place.harness.token(ada_user), "").await.0, ["AAAA0002", "AAAA0001"]);
    assert_eq!(list(&place.harness.token(eve_user), "").await.0, ["AAAA0003"]);
    assert!(list(&place.harness.token(Uuid::now_v7()), "").await.0.is_empty());
    let (first, next) = list(&place.staff.auditor, "?limit=2").await;
    assert_eq!(first, ["AAAA0003", "AAAA0002"]);
    let (second, last) = list(&place.staff.auditor, &format!("?limit=2&cursor={}", next.unwrap())).await;
    assert_eq!((second, last), (vec!["AAAA0001".to_owned()], None));
    assert!(list(&place.staff.auditor, "?status=closed").await.0.is_empty());
}
