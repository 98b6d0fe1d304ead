//! Photos and papers: looked up as whoever adds them, and nothing is stored where one of them cannot be used.

use serde_json::json;
use uuid::Uuid;

use super::{Place, parcel_with};
use crate::assets::{UNKNOWN, VIDEO, digest_of};

#[tokio::test]
async fn an_asset_that_cannot_be_used_stops_the_reception_and_leaves_nothing() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.harness.announced(ada, "AAAA0001").await.package_id;
    let photos = json!({"photos": [Uuid::now_v7(), UNKNOWN, VIDEO]});
    let answer = place.ask(package, "receive", &parcel_with(photos)).await;
    assert_eq!(answer.expect_problem(422, "file_unusable"), ["/photos/1", "/photos/2"]);
    let body = parcel_with(json!({"guide": "8009876543", "documents": [VIDEO]}));
    let answer = place.harness.post("/v1/packages", &place.staff.operator, &body).await;
    assert_eq!(answer.expect_problem(422, "file_unusable"), ["/documents/0"]);
    assert_eq!(place.count("package").await, 1);
    assert_eq!(place.count("package_event").await + place.count("file_upload").await, 0);
    assert_eq!(place.text(&format!("SELECT status FROM package WHERE id = '{package}'")).await, "announced");
}

#[tokio::test]
async fn files_are_added_with_their_digests_in_the_chain() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.received(ada, "AAAA0001").await;
    let (paper, other) = (Uuid::now_v7(), Uuid::now_v7());
    let body = json!({"kind": "document", "asset_ids": [paper, other]});
    let answer = place.ask(package, "files", &body).await.expect(200).json();
    assert_eq!(answer["files"].as_array().unwrap().len(), 4);
    let digest: String = digest_of(paper).iter().map(|byte| format!("{byte:02x}")).collect();
    let recorded = format!(
        "SELECT encode(digests[1], 'hex') FROM package_event WHERE package_id = '{package}' AND kind = 'files'"
    );
    assert_eq!(place.text(&recorded).await, digest);
    place.expect_chain(package, &["receive", "files"]).await;
    let nothing = place.ask(package, "files", &json!({"kind": "photo", "asset_ids": []})).await;
    assert_eq!(nothing.expect_problem(422, "validation_failed"), ["/asset_ids"]);
    let twice = place.ask(package, "files", &json!({"kind": "photo", "asset_ids": [paper, paper]})).await;
    assert_eq!(twice.expect_problem(422, "validation_failed"), ["/asset_ids/1"]);
}

#[tokio::test]
async fn files_of_a_package_that_ended_are_kept_for_as_long_as_was_promised() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    let kept = format!(
        "file_upload f JOIN package p ON p.id = f.package_id WHERE p.id = '{package}' AND f.retain_until = p.ended_at + interval '30 days'"
    );
    assert_eq!(place.count(&kept).await, 0);
    place.ask(package, "return", &json!({"to": "sender", "reason": "refused"})).await.expect(200);
    assert_eq!(place.count(&kept).await, 2);
    place.ask(package, "files", &json!({"kind": "receipt", "asset_ids": [Uuid::now_v7()]})).await.expect(200);
    assert_eq!(place.count(&kept).await, 3);
}
