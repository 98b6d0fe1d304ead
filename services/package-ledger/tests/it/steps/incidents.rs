//! Lost, damaged, found again.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Place, refused};

#[tokio::test]
async fn what_is_lost_frees_its_slot_stops_its_clock_and_opens_a_claim() {
    let place = Place::open().await;
    place.harness.clock.set(place.harness.clock.now());
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    place.harness.clock.advance(TimeDelta::hours(72));
    let silent = place.ask(package, "incidents", &json!({"kind": "lost"})).await;
    refused(
        &silent,
        &["evidence_required"],
        &["notify", "deliver", "return", "abandon", "lose", "damage", "identify"],
    );
    let lost = json!({"kind": "lost", "description": "not on its shelf", "evidence": [Uuid::now_v7()]});
    let answer = place.ask(package, "incidents", &lost).await.expect(200).json();
    assert_eq!((answer["status"].as_str(), &answer["slot"]), (Some("lost"), &Json::Null));
    let claims = place
        .harness
        .get(&format!("/v1/claims?package_id={package}"), &place.staff.operator)
        .await
        .expect(200);
    let claim = claims.json()["items"][0].clone();
    assert_eq!((claim["kind"].as_str(), claim["status"].as_str()), (Some("lost"), Some("open")));
    // Ten times 3,500 pesos.
    assert_eq!(claim["liability"]["amount_minor"], 3_500_000);
    assert_eq!(place.count("slot WHERE status = 'free'").await, 1);
    assert_eq!(place.count("deadline WHERE cancelled_at IS NULL").await, 0);

    place.harness.clock.advance(TimeDelta::days(10));
    let found = json!({"kind": "found", "description": "behind the shelf", "slot_code": "AAAA0001"});
    let answer = place.ask(package, "incidents", &found).await.expect(200).json();
    assert_eq!((answer["status"].as_str(), answer["slot"].as_str()), (Some("stored"), Some("AAAA0001")));
    // Nobody pays for time in which it was lost.
    assert_eq!(answer["fee"]["total"]["amount_minor"], 350_000);
    assert_eq!(answer["ended_at"], Json::Null);
    // Reminders at 15 and 25 days, the end of the hold, and the abandonment; what came due meanwhile is not made up for.
    assert_eq!(place.count("deadline WHERE cancelled_at IS NULL AND fired_at IS NULL").await, 4);
    place.expect_chain(package, &["receive", "store", "lose", "find"]).await;
}

#[tokio::test]
async fn what_is_damaged_keeps_its_slot_and_costs_nothing_more() {
    let place = Place::open().await;
    place.harness.clock.set(place.harness.clock.now());
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    let damaged = json!({"kind": "damaged", "evidence": [Uuid::now_v7()]});
    let answer = place.ask(package, "incidents", &damaged).await.expect(200).json();
    assert_eq!((answer["status"].as_str(), answer["slot"].as_str()), (Some("damaged"), Some("AAAA0001")));
    place.harness.clock.advance(TimeDelta::days(20));
    let again = place.ask(package, "incidents", &damaged).await;
    refused(&again, &["transition_not_allowed"], &["deliver", "return", "lose", "identify"]);
    let found = place.ask(package, "incidents", &json!({"kind": "found", "description": "x"})).await;
    refused(&found, &["transition_not_allowed"], &["deliver", "return", "lose", "identify"]);
    let returned =
        place.ask(package, "return", &json!({"to": "sender", "reason": "broken"})).await.expect(200).json();
    assert_eq!(returned["fee"]["total"]["amount_minor"], 150_000);
    assert_eq!(place.count("slot WHERE status = 'free'").await, 1);
    place.expect_chain(package, &["receive", "store", "damage", "return"]).await;
}

#[tokio::test]
async fn what_is_found_needs_a_slot() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    place.ask(package, "incidents", &json!({"kind": "lost", "description": "gone"})).await.expect(200);
    place.run("UPDATE slot SET status = 'blocked', blocked_reason = 'x'").await;
    let found = json!({"kind": "found", "description": "there"});
    place.ask(package, "incidents", &found).await.expect_problem(409, "slots_full");
    let misplaced = json!({"kind": "lost", "description": "there", "slot_code": "AAAA0001"});
    let answer = place.ask(package, "incidents", &misplaced).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/slot_code"]);
}
