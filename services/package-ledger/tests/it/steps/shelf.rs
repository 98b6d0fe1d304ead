//! Slots are taken and given back without a race (P-D8).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Place, parcel_with, refused};

#[tokio::test]
async fn the_smallest_slot_that_fits_is_taken_first() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    place.shelf(&["A-1"], "extra").await;
    place.shelf(&["B-1", "B-2"], "small").await;
    let mut taken = Vec::new();
    for guide in ["AAAA0001", "AAAA0002", "AAAA0003"] {
        let package = place.received(ada, guide).await;
        taken.push(place.ask(package, "store", &json!({})).await.expect(200).json()["slot"].clone());
    }
    assert_eq!(taken, ["B-1", "B-2", "A-1"]);
}

#[tokio::test]
async fn a_full_shelf_says_so_and_names_what_is_free() {
    let place = Place::open().await;
    place.shelf(&["B-1"], "small").await;
    let receive = async |guide: &str| {
        let body = parcel_with(json!({"guide": guide, "size_class": "extra"}));
        let reception =
            place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201).json();
        reception["package"]["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let large = receive("AAAA0001").await;
    let full = place.ask(large, "store", &json!({})).await;
    full.expect_problem(409, "slots_full");
    assert_eq!(full.json()["alternatives"], json!([{"code": "B-1", "size_class": "small"}]));
    let small = place.ask(large, "store", &json!({"slot_code": "B-1"})).await;
    small.expect_problem(409, "slot_taken");
    assert_eq!(small.json()["alternatives"], json!([]));
    place.shelf(&["A-1", "A-2"], "extra").await;
    place.ask(large, "store", &json!({"slot_code": "A-2"})).await.expect(200);
    let other = receive("AAAA0002").await;
    let taken = place.ask(other, "store", &json!({"slot_code": "A-2"})).await;
    taken.expect_problem(409, "slot_taken");
    assert_eq!(taken.json()["alternatives"], json!([{"code": "A-1", "size_class": "extra"}]));
    let unknown = place.ask(other, "store", &json!({"slot_code": "Z-9"})).await;
    assert_eq!(unknown.expect_problem(422, "validation_failed"), ["/slot_code"]);
    // A package that is refused holds nothing, and one that lies somewhere is not put elsewhere.
    assert_eq!(place.count("slot WHERE status = 'held'").await, 1);
    let again = place.ask(large, "store", &json!({})).await;
    refused(
        &again,
        &["transition_not_allowed"],
        &["notify", "deliver", "return", "abandon", "lose", "damage", "identify"],
    );
}

#[tokio::test]
async fn a_slot_is_used_again_after_its_package_has_left() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    place.shelf(&["A-1"], "small").await;
    for guide in ["AAAA0001", "AAAA0002", "AAAA0003"] {
        let package = place.received(ada, guide).await;
        let stored = place.ask(package, "store", &json!({})).await.expect(200).json();
        assert_eq!(stored["slot"], "A-1");
        let returned = place
            .ask(package, "return", &json!({"to": "carrier", "reason": "refused"}))
            .await
            .expect(200)
            .json();
        assert_eq!(returned["slot"], Json::Null);
        place.expect_chain(package, &["receive", "store", "return"]).await;
    }
    assert_eq!(place.count("slot WHERE status = 'free'").await, 1);
}

/// Waits for the pool are longer than usual: all come at the same time.
const MANY: &str = "[postgres]\nacquire_timeout_ms = 60000\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_receptions_at_once_no_slot_is_taken_twice_and_none_is_left() {
    let place = Place::with(MANY).await;
    let replica = place.harness.replica(&format!("[jobs]\nenabled = false\n{MANY}")).await;
    let small: Vec<String> = (0..100).map(|index| format!("S-{index}")).collect();
    let extra: Vec<String> = (0..50).map(|index| format!("X-{index}")).collect();
    for (codes, size) in [(small, "small"), (extra, "extra")] {
        place.shelf(&codes.iter().map(String::as_str).collect::<Vec<_>>(), size).await;
    }
    let one = async |index: u32| {
        let desk = if index.is_multiple_of(2) { &place.harness } else { &replica };
        let body = parcel_with(json!({"guide": format!("GUIDE{index:05}"), "size_class": "small"}));
        let received = desk.post("/v1/packages", &place.staff.operator, &body).await.expect(201).json();
        let id = received["package"]["id"].as_str().unwrap().to_owned();
        desk.post(&format!("/v1/packages/{id}/store"), &place.staff.operator, &json!({})).await
    };
    let answers = join_all((0..200).map(one)).await;
    let slots: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json()["slot"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(slots.len(), 150);
    assert_eq!(slots.iter().collect::<BTreeSet<_>>().len(), 150);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.expect_problem(409, "slots_full");
        assert_eq!(answer.json()["alternatives"], json!([]));
    }
    assert_eq!(place.count("slot WHERE status = 'held'").await, 150);
    assert_eq!(place.count("package WHERE status = 'stored' AND slot_id IS NOT NULL").await, 150);
    assert_eq!(place.count("package WHERE status = 'received' AND slot_id IS NULL").await, 50);
    replica.stop().await;
}

#[tokio::test]
async fn what_is_no_code_of_a_slot_is_unknown() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.received(ada, "AAAA0001").await;
    for code in ["\0", "A\0", "a-1", "", "\u{10ffff}"] {
        let answer = place.ask(package, "store", &json!({"slot_code": code})).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), ["/slot_code"], "{code:?}");
    }
}
