//! What happened to a package, and whether that is whole.

use serde_json::json;

use super::fixtures::Row;
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_nothing_happened_to_is_whole_and_one_that_lost_its_links_is_not() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let row = Row::announced(customer, now);
    harness.packages(&[row.clone()]).await;
    let path = format!("/v1/packages/{}/custody", row.id);
    let whole = harness.get(&path, &staff.auditor).await.expect(200).json();
    assert_eq!((&whole["verified"], &whole["events"], &whole["head"]["seq"]), (&json!(true), &json!([]), &json!(0)));
    assert_eq!(whole["head"]["hash"].as_str().unwrap().len(), 64);
    harness.sql("UPDATE package SET event_count = 2, head_hash = decode(repeat('0f', 32), 'hex')").await;
    let broken = harness.get(&path, &staff.auditor).await.expect(200).json();
    assert_eq!((&broken["verified"], &broken["fault"]["seq"]), (&json!(false), &json!(1)));
}
