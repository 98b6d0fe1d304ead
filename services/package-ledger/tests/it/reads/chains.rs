//! What happened to a package, and whether that is whole.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::fixtures::Row;
use crate::harness::{Answer, Harness};

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_nothing_happened_to_is_whole_and_one_that_lost_its_links_is_not() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let row = Row::announced(customer, now);
    harness.packages(std::slice::from_ref(&row)).await;
    let path = format!("/v1/packages/{}/custody", row.id);
    let whole = harness.get(&path, &staff.auditor).await.expect(200).json();
    assert_eq!(
        (&whole["verified"], &whole["events"], &whole["head"]["seq"]),
        (&json!(true), &json!([]), &json!(0))
    );
    assert_eq!(whole["head"]["hash"].as_str().unwrap().len(), 64);
    harness.sql("UPDATE package SET event_count = 2, head_hash = decode(repeat('0f', 32), 'hex')").await;
    let broken = harness.get(&path, &staff.auditor).await.expect(200).json();
    assert_eq!((&broken["verified"], &broken["fault"]["seq"]), (&json!(false), &json!(1)));
}

/// A package that was announced and received, at an instant at which the clock stands still.
async fn received(harness: &Harness, operator: &str) -> Answer {
    let customer = harness.enrolled(Uuid::now_v7(), "Ana", "+573000000001").await;
    let announced = harness.announced(customer, "RR123456785CO").await;
    harness.clock.set(harness.clock.now());
    let parcel =
        json!({"size_class": "small", "condition": "good", "photos": [Uuid::now_v7(), Uuid::now_v7()]});
    let path = format!("/v1/packages/{}/receive", announced.package_id);
    harness.post(&path, operator, &parcel).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answers_with_what_is_read_next() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let staff = harness.staff().await;
    let warm = harness.get("/v1/packages", &staff.operator).await.expect(200);
    let stats = harness.get("/v1/packages/stats", &staff.operator).await.expect(200);
    let package = received(&harness, &staff.operator).await.json();
    let path = format!("/v1/packages/{}", package["id"].as_str().unwrap());
    assert_eq!(harness.get(&path, &staff.operator).await.expect(200).json(), package);
    let list = harness.get("/v1/packages", &staff.operator).await.expect(200).json();
    assert_eq!((warm.json()["items"].clone(), list["items"].clone()), (json!([]), json!([package])));
    assert_eq!(stats.json()["statuses"]["received"], 0);
    let stats = harness.get("/v1/packages/stats", &staff.operator).await.expect(200).json();
    assert_eq!((&stats["statuses"]["received"], &stats["received_today"]), (&json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_in_order_and_a_link_that_was_changed_is_named() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let staff = harness.staff().await;
    let package = received(&harness, &staff.operator).await.json();
    let path = format!("/v1/packages/{}", package["id"].as_str().unwrap());
    let slots = json!({"codes": ["A-1"], "size_class": "small"});
    harness.post("/v1/slots", &staff.admin, &slots).await.expect(201);
    harness.post(&format!("{path}/store"), &staff.operator, &json!({})).await.expect(200);
    let first = harness.get(&format!("{path}/events?limit=1"), &staff.operator).await.expect(200).json();
    let next = format!("{path}/events?cursor={}", first["next"].as_str().unwrap());
    let second = harness.get(&next, &staff.operator).await.expect(200).json();
    let shown = |page: &Json| ["seq", "kind", "from", "to"].map(|name| page["items"][0][name].clone());
    assert_eq!(shown(&first), [json!(1), json!("receive"), json!("announced"), json!("received")]);
    assert_eq!(shown(&second), [json!(2), json!("store"), json!("received"), json!("stored")]);
    assert_eq!(second["items"][0]["actor_id"], json!(staff.operator_id));
    assert_eq!(second["next"], json!(null));

    let chain = harness.get(&format!("{path}/custody"), &staff.operator).await.expect(200).json();
    let links = chain["events"].as_array().unwrap();
    assert_eq!((&chain["verified"], links.len()), (&json!(true), 2));
    assert_eq!((&links[1]["prev_hash"], &links[1]["hash"]), (&links[0]["hash"], &chain["head"]["hash"]));
    let digests: Vec<&Json> =
        package["files"].as_array().unwrap().iter().map(|file| &file["sha256"]).collect();
    assert_eq!(links[0]["digests"].as_array().unwrap().iter().collect::<Vec<_>>(), digests);

    let mut admin = harness.db.admin().await;
    for sql in [
        "ALTER TABLE package_event DISABLE TRIGGER USER",
        "UPDATE package_event SET occurred_at = occurred_at + interval '1 microsecond' WHERE seq = 2",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let broken = harness.get(&format!("{path}/custody"), &staff.operator).await.expect(200).json();
    assert_eq!((&broken["verified"], &broken["fault"]["seq"]), (&json!(false), &json!(2)));
}
