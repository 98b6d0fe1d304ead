//! A package is handed over: all of it or nothing.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::world::{WRONG_CODE, World, cash, customer, deliver_path, delivery};

#[tokio::test]
async fn what_is_paid_at_pickup_is_the_quote_of_that_instant() {
    let world = World::open().await;
    let package = world.package().await;
    let quote = world.fee(package, "?at=2026-11-05T15:00:00Z").await;
    let code = world.code(package).await;
    world.days(3);
    let delivered = world.deliver(package, &code, Some(350_000)).await.expect(200);
    let view = delivered.json();
    assert_eq!((view["status"].as_str(), view["slot"].as_str()), (Some("delivered"), None));
    assert_eq!(delivered.header("etag"), format!("\"{}\"", view["version"]));
    assert_eq!(view["fee"]["total"], quote["total"]);
    assert_eq!(view["fee"]["due"]["amount_minor"], 0);
    assert_eq!(world.number("SELECT count(*) FROM slot WHERE status = 'free'").await, 1);

    // Its receipt says the same, with the reckoning.
    let receipt = world
        .desk
        .get(&format!("/v1/packages/{package}/receipt"), &world.customer.token)
        .await
        .expect(200)
        .json();
    for member in ["at", "total", "base", "storage", "waived", "lines", "trace"] {
        assert_eq!(receipt["fee"][member], quote[member], "{member}");
    }
    assert_eq!(receipt["payments"][0]["amount"]["amount_minor"], 350_000);
    assert_eq!(receipt["due"]["amount_minor"], 0);
    // And so do the books.
    let codes: Vec<Json> =
        world.transfers(package).await.into_iter().map(|transfer| transfer["code"].clone()).collect();
    assert_eq!(codes.len(), 3);
    for code in ["charge_base", "charge_storage", "pay"] {
        assert!(codes.contains(&json!(code)), "{code}");
    }
    assert_eq!(world.booked().await, 0);
    // Nor does it cost more from then on.
    world.days(30);
    assert_eq!(world.fee(package, "").await["total"], quote["total"]);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn nothing_is_handed_over_while_something_is_due() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    for paid_minor in [None, Some(149_999)] {
        let refused = world.deliver(package, &code, paid_minor).await;
        refused.expect_problem(409, "balance_due");
        let due_minor = 150_000 - paid_minor.unwrap_or_default();
        assert_eq!(refused.json()["due"]["amount_minor"], due_minor);
    }
    let refused = world.deliver(package, &code, Some(150_001)).await;
    refused.expect_problem(422, "payment_exceeds_due");
    assert_eq!(refused.json()["due"]["amount_minor"], 150_000);
    // Nothing of it was done: the code is still good, and no money was taken.
    assert_eq!(world.number("SELECT count(*) FROM payment").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM ledger_transfer").await, 0);
    world.deliver(package, &code, Some(150_000)).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn the_same_delivery_twice_under_a_key_is_one_and_without_a_key_the_second_is_refused() {
    let world = World::open().await;
    let package = world.package().await;
    let body = delivery(&world.code(package).await, Some(150_000));
    let first = world.keyed(&deliver_path(package), "k-1", &body).await.expect(200);
    let again = world.keyed(&deliver_path(package), "k-1", &body).await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    let second = world.desk.post(&deliver_path(package), &world.staff.operator, &body).await;
    second.expect_problem(409, "step_refused");
    assert_eq!(second.json()["missing"], json!(["transition_not_allowed"]));
    assert_eq!(world.number("SELECT count(*) FROM payment").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM package_event WHERE kind = 'deliver'").await, 1);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn whoever_shows_the_customers_document_needs_no_code() {
    let world = World::open().await;
    let package = world.package().await;
    world.pay(package, 150_000).await.expect(201);
    let shows = |number: &str| json!({"identity": {"document_type": "cc", "document_number": number}, "recipient_name": "Ada Gómez"});
    let path = deliver_path(package);
    let wrong = world.desk.post(&path, &world.staff.operator, &shows("1234567890")).await;
    wrong.expect_problem(409, "step_refused");
    assert_eq!(wrong.json()["missing"], json!(["recipient_not_proven"]));
    let (head, tail) = world.customer.document.split_at(4);
    let number = format!("{head}.{tail}");
    world.desk.post(&path, &world.staff.operator, &shows(&number)).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn photos_and_the_signature_stand_in_the_chain_and_are_kept_for_thirty_days() {
    let world = World::open().await;
    let package = world.package().await;
    let mut body = delivery(&world.code(package).await, Some(150_000));
    body["photos"] = json!([Uuid::now_v7()]);
    body["signature"] = json!(Uuid::now_v7());
    let view = world.desk.post(&deliver_path(package), &world.staff.operator, &body).await.expect(200).json();
    assert_eq!(view["files"].as_array().unwrap().len(), 2);
    let kept = "SELECT count(*) FROM file_upload WHERE retain_until = '2026-12-02T15:00:00Z'";
    assert_eq!(world.number(kept).await, 2);
    let digests = "SELECT cardinality(digests) FROM package_event WHERE kind = 'deliver'";
    assert_eq!(world.number(digests).await, 2);
    world.desk.stop().await;
}

#[tokio::test]
async fn only_the_desk_hands_over_and_only_to_somebody_who_proves_something() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    for token in [&world.customer.token, &world.staff.auditor] {
        let refused = world.desk.post(&deliver_path(package), token, &delivery(&code, None)).await;
        refused.expect_problem(403, "forbidden");
    }
    for (body, pointer) in [
        (json!({"recipient_name": "Ada"}), "/code"),
        (json!({"code": "12", "recipient_name": "Ada"}), "/code"),
        (json!({"code": code, "recipient_name": " "}), "/recipient_name"),
        (json!({"code": code, "recipient_name": "Ada", "payment": cash(0)}), "/payment/amount_minor"),
        (
            json!({"code": code, "recipient_name": "Ada", "identity": {"document_type": "cc", "document_number": "1"}}),
            "/identity",
        ),
    ] {
        let refused = world.desk.post(&deliver_path(package), &world.staff.operator, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    world.desk.stop().await;
}

#[tokio::test]
async fn a_package_that_is_on_no_shelf_is_not_handed_over_and_no_code_is_looked_at() {
    let world = World::open().await;
    let package = world.package_of(world.customer.id, "received").await;
    let refused = world.deliver(package, WRONG_CODE, None).await;
    refused.expect_problem(409, "step_refused");
    assert_eq!(world.number("SELECT count(*) FROM wrong_guess").await, 0);
    let stranger = customer(&world.desk).await;
    let path = format!("/v1/packages/{package}/receipt");
    world.desk.get(&path, &stranger.token).await.expect_problem(404, "not_found");
    world.desk.get(&path, &world.customer.token).await.expect_problem(404, "not_found");
    world.desk.stop().await;
}
