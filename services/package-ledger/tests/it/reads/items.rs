//! What is shown of a package.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value as Json, json};

use super::fixtures::{Row, TARIFF};
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_shown_with_its_customer_announcement_slot_files_and_fee() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let slot = harness.held_slot("A-1").await;
    let announcement = harness.announcement(customer).await;
    let row = Row {
        announcement: Some(announcement),
        guide: Some("GUIDE1234"),
        ..Row::stored(customer, slot, now - TimeDelta::hours(72))
    };
    harness.packages(std::slice::from_ref(&row)).await;
    harness.photos(row.id, 2).await;
    harness
        .sql(
            "UPDATE package SET weight_g = 900, length_mm = 300, width_mm = 200, height_mm = 100, waived_minor = 50000, \
             paid_minor = 100000, version = 4",
        )
        .await;
    let item = harness.get(&format!("/v1/packages/{}", row.id), &staff.operator).await.expect(200);
    assert!(item.header("etag").starts_with("W/\"4-"));
    let package = item.json();
    let list = harness.get("/v1/packages", &staff.operator).await.expect(200).json();
    assert_eq!(list["items"], json!([package]), "a list shows what the package itself shows");

    assert_eq!(
        package["customer"],
        json!({"id": customer, "name": "Ana", "phone": "+573000000001", "email": "a@example.org"})
    );
    assert_eq!(
        package["announcement"],
        json!({"id": announcement, "expected_at": "2026-12-24T10:00:00.500Z", "name": "Ana", "phone": "+573000000001"})
    );
    assert_eq!(
        (&package["slot"], &package["status"], &package["is_overdue"]),
        (&json!("A-1"), &json!("stored"), &json!(false))
    );
    assert_eq!(package["dims_mm"], json!({"length": 300, "width": 200, "height": 100}));
    let files = package["files"].as_array().unwrap();
    assert_eq!(files.iter().map(|file| file["size_bytes"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(files[0]["sha256"], json!("0f".repeat(32)));
    assert_eq!(files[0]["created_at"], "2026-11-29T10:00:00.000001Z");
    // Monday 10:00 to Thursday 10:00 is 3500: 1500 and two further days.
    let amount = |name: &str| package["fee"][name]["amount_minor"].as_i64().unwrap();
    assert_eq!(
        ["base", "storage", "waived", "total", "paid", "due"].map(amount),
        [150_000, 200_000, 50_000, 300_000, 100_000, 200_000]
    );
    assert_eq!(package["fee"]["tariff_version_id"], TARIFF);
    let instant = |value: &Json| value.as_str().unwrap().parse::<DateTime<chrono::Utc>>().unwrap();
    assert_eq!(instant(&package["fee"]["fee_at"]), now);
    assert_eq!(instant(&package["fee"]["next_change_at"]), now + TimeDelta::microseconds(1));
    assert_eq!(package["delivered_at"], Json::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_announced_costs_nothing_and_what_is_gone_costs_what_it_did() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let announced = Row::announced(customer, now);
    let delivered = Row::delivered(customer, now - TimeDelta::days(90));
    harness.packages(&[announced.clone(), delivered.clone()]).await;
    let page = harness.get("/v1/packages", &staff.operator).await.expect(200).json();
    let (first, last) = (&page["items"][0], &page["items"][1]);
    assert_eq!(
        (first["fee"]["total"]["amount_minor"].as_i64(), &first["size_class"]),
        (Some(0), &Json::Null)
    );
    assert_eq!(first["files"], json!([]));
    assert_eq!(last["fee"]["total"]["amount_minor"].as_i64(), Some(150_000));
    assert_eq!(last["delivered_at"], last["ended_at"]);
    // Nothing on the page will ever change by the clock.
    assert_eq!(page["fee_valid_until"], Json::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_package_is_not_found() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    for path in ["/v1/packages/7", "/v1/packages/00000000-0000-7000-8000-000000000009"] {
        for below in ["", "/events", "/custody"] {
            harness.get(&format!("{path}{below}"), &staff.operator).await.expect_problem(404, "not_found");
        }
    }
    harness
        .send(harness.request(reqwest::Method::GET, "/v1/packages", None))
        .await
        .expect_problem(401, "unauthenticated");
}
