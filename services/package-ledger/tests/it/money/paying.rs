//! Money before the pickup: payments, waivers, refunds.

use serde_json::json;

use super::world::{World, cash, customer};

#[tokio::test]
async fn as_much_as_is_due_is_taken_and_no_more() {
    let world = World::open().await;
    let package = world.package().await;
    let first = world.pay(package, 100_000).await.expect(201).json();
    let second = world.pay(package, 50_000).await.expect(201).json();
    assert!(second["receipt_no"].as_i64() > first["receipt_no"].as_i64());
    let refused = world.pay(package, 1).await;
    refused.expect_problem(422, "payment_exceeds_due");
    assert_eq!(refused.json()["due"]["amount_minor"], 0);
    // A day later there is more to pay, and it can be paid.
    world.days(2);
    assert_eq!(world.due(package).await, 100_000);
    world.pay(package, 100_000).await.expect(201);
    let path = format!("/v1/packages/{package}/payments");
    let page = world.desk.get(&format!("{path}?limit=2"), &world.customer.token).await.expect(200).json();
    let next = page["next"].as_str().unwrap();
    let rest =
        world.desk.get(&format!("{path}?limit=2&cursor={next}"), &world.customer.token).await.expect(200);
    assert_eq!(rest.json()["items"].as_array().unwrap().len(), 1);
    // What is fetched then costs nothing more.
    let code = world.code(package).await;
    world.deliver(package, &code, None).await.expect(200);
    assert_eq!(world.booked().await, 0);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn the_same_payment_twice_under_a_key_is_one() {
    let world = World::open().await;
    let package = world.package().await;
    let path = format!("/v1/packages/{package}/payments");
    let first = world.keyed(&path, "k-1", &cash(50_000)).await.expect(201).json();
    assert_eq!(world.keyed(&path, "k-1", &cash(50_000)).await.expect(201).json(), first);
    assert_eq!(world.due(package).await, 100_000);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_payment_in_other_money_or_by_others_is_refused() {
    let world = World::open().await;
    let package = world.package().await;
    let path = format!("/v1/packages/{package}/payments");
    let dollars = json!({"method": "cash", "amount_minor": 1, "currency": "USD"});
    let refused = world.desk.post(&path, &world.staff.operator, &dollars).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/currency"]);
    for token in [&world.customer.token, &world.staff.auditor] {
        world.desk.post(&path, token, &cash(1)).await.expect_problem(403, "forbidden");
    }
    let stranger = customer(&world.desk).await;
    world.desk.get(&path, &stranger.token).await.expect_problem(404, "not_found");
    world.desk.stop().await;
}

#[tokio::test]
async fn a_waiver_lowers_what_is_due_and_reaches_the_books_with_the_charges() {
    let world = World::open().await;
    let package = world.package().await;
    world.days(3);
    let path = format!("/v1/packages/{package}/waivers");
    let body = json!({"amount_minor": 200_000, "reason": "we were closed"});
    world.desk.post(&path, &world.staff.operator, &body).await.expect_problem(403, "forbidden");
    let reasonless = json!({"amount_minor": 200_000, "reason": " "});
    let refused = world.desk.post(&path, &world.staff.admin, &reasonless).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/reason"]);
    world.waive(package, 350_001).await.expect_problem(422, "payment_exceeds_due");
    world.waive(package, 200_000).await.expect(201);
    assert_eq!(world.due(package).await, 150_000);
    assert_eq!(world.number("SELECT count(*) FROM ledger_transfer").await, 0);
    let code = world.code(package).await;
    world.deliver(package, &code, Some(150_000)).await.expect(200);
    let waived: Vec<_> =
        world.transfers(package).await.into_iter().filter(|transfer| transfer["code"] == "waive").collect();
    assert_eq!(waived.len(), 1);
    assert_eq!(waived[0]["amount"]["amount_minor"], 200_000);
    assert_eq!(world.booked().await, 0);
    // What has ended is not waived any more.
    world.waive(package, 1).await.expect_problem(409, "step_refused");
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn a_payment_goes_back_in_parts_and_no_more_of_it_than_there_was() {
    let world = World::open().await;
    let package = world.package().await;
    let payment = world.pay(package, 150_000).await.expect(201).json();
    let path = format!("/v1/payments/{}/refund", payment["id"].as_str().unwrap());
    let back = |amount_minor: i64| json!({"amount_minor": amount_minor, "reason": "wrong package"});
    world.desk.post(&path, &world.staff.operator, &back(1)).await.expect_problem(403, "forbidden");
    let view = world.desk.post(&path, &world.staff.admin, &back(50_000)).await.expect(200).json();
    assert_eq!(view["refunded"]["amount_minor"], 50_000);
    assert_eq!(world.due(package).await, 50_000);
    let refused = world.desk.post(&path, &world.staff.admin, &back(100_001)).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/amount_minor"]);
    world.desk.post(&path, &world.staff.admin, &back(100_000)).await.expect(200);
    assert_eq!((world.due(package).await, world.booked().await), (150_000, 0));
    let nowhere = format!("/v1/payments/{}/refund", uuid::Uuid::now_v7());
    world.desk.post(&nowhere, &world.staff.admin, &back(1)).await.expect_problem(404, "not_found");
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn a_balance_has_what_is_booked_and_what_has_accrued() {
    let world = World::open().await;
    let package = world.package().await;
    world.package().await;
    world.days(2);
    world.pay(package, 100_000).await.expect(201);
    let path = format!("/v1/customers/{}/balance", world.customer.id);
    let balance = world.desk.get(&path, &world.customer.token).await.expect(200).json();
    let minor = |member: &str| balance[member]["amount_minor"].as_i64().unwrap();
    assert_eq!((minor("booked"), minor("accrued"), minor("balance")), (-100_000, 500_000, 400_000));
    assert_eq!(balance["packages"], 2);
    let stranger = customer(&world.desk).await;
    world.desk.get(&path, &stranger.token).await.expect_problem(404, "not_found");
    world.desk.get(&path, &world.staff.auditor).await.expect(200);
    let nobody = format!("/v1/customers/{}/balance", uuid::Uuid::now_v7());
    world.desk.get(&nobody, &world.staff.auditor).await.expect_problem(404, "not_found");
    world.desk.stop().await;
}
