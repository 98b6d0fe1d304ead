//! Many clerks at once.

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::world::{WRONG_CODE, World, deliver_path, delivery};

#[tokio::test]
async fn sixteen_deliveries_of_one_package_have_one_effect() {
    let world = World::open().await;
    let package = world.package().await;
    let body = delivery(&world.code(package).await, Some(150_000));
    let path = deliver_path(package);
    let answers = join_all((0..16).map(|_| world.desk.post(&path, &world.staff.operator, &body))).await;
    let delivered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(delivered, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.expect_problem(409, "step_refused");
    }
    assert_eq!(world.number("SELECT count(*) FROM payment").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM ledger_transfer").await, 2);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn sixteen_payments_of_one_package_are_as_many_as_are_due() {
    let world = World::open().await;
    let package = world.package().await;
    let answers = join_all((0..16).map(|_| world.pay(package, 50_000))).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 3);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(422, "payment_exceeds_due");
    }
    assert_eq!(world.due(package).await, 0);
    world.check_books().await;
    world.desk.stop().await;
}

/// All of them need the same accounts, and open them in this test too.
#[tokio::test]
async fn sixteen_clerks_who_hand_over_what_they_have_do_not_wait_for_each_other_in_a_circle() {
    let world = World::open().await;
    let mut ready = Vec::new();
    for _ in 0..16 {
        let package = world.package().await;
        ready.push((package, world.code(package).await));
    }
    let each = |(index, (package, code)): (usize, &(Uuid, String))| {
        let (world, package, code) = (&world, *package, code.clone());
        async move {
            if index % 2 == 0 {
                world.pay(package, 150_000).await.expect(201);
                world.deliver(package, &code, None).await.expect(200);
            } else {
                world.waive(package, 50_000).await.expect(201);
                world.deliver(package, &code, Some(100_000)).await.expect(200);
            }
        }
    };
    join_all(ready.iter().enumerate().map(each)).await;
    assert_eq!(world.number("SELECT count(*) FROM package WHERE status = 'delivered'").await, 16);
    assert_eq!(world.number("SELECT count(*) FROM ledger_transfer WHERE code = 'charge_base'").await, 16);
    assert_eq!(world.booked().await, 0);
    world.check_books().await;
    world.desk.stop().await;
}

/// Some post twice in a transaction, to accounts that others post to in another order.
#[tokio::test]
async fn money_that_goes_back_by_all_ways_at_once_does_not_wait_in_a_circle() {
    let world = World::open().await;
    let mut ready = Vec::new();
    for index in 0..12 {
        let package = world.package_of(world.customer.id, "notified").await;
        let methods = if index % 2 == 0 { ["cash", "transfer"] } else { ["transfer", "cash"] };
        for method in methods {
            let body = json!({"method": method, "amount_minor": 50_000, "currency": "COP"});
            let path = format!("/v1/packages/{package}/payments");
            world.desk.post(&path, &world.staff.operator, &body).await.expect(201);
        }
        ready.push(package);
    }
    // As packages that were received by mistake, for only those are cancelled.
    let mistaken = "UPDATE package SET status = 'received', slot_id = NULL";
    diesel_async::RunQueryDsl::execute(diesel::sql_query(mistaken), &mut world.conn().await).await.unwrap();
    let cancel = async |package: &Uuid| {
        let path = format!("/v1/packages/{package}/cancel");
        world.desk.post(&path, &world.staff.admin, &json!({"reason": "not ours"})).await.expect(200);
    };
    join_all(ready.iter().map(cancel)).await;
    assert_eq!(world.number("SELECT count(*) FROM ledger_transfer WHERE code = 'refund'").await, 24);
    assert_eq!(world.booked().await, 0);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn sixteen_corrections_of_one_transfer_are_one() {
    let world = World::open().await;
    let package = world.package().await;
    world.days(3);
    let code = world.code(package).await;
    world.deliver(package, &code, Some(350_000)).await.expect(200);
    let transfers = world.transfers(package).await;
    let base = transfers.iter().find(|transfer| transfer["code"] == "charge_base").unwrap();
    let answers = join_all((0..16).map(|_| world.correct(base))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "transfer_conflict");
    }
    // Those that were refused left nothing behind.
    assert_eq!(world.fee(package, "").await["total"]["amount_minor"], 200_000);
    assert_eq!(world.booked().await, -150_000);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn sixteen_wrong_codes_at_once_are_counted_one_by_one() {
    let world = World::open().await;
    let mut packages = Vec::new();
    for _ in 0..4 {
        let package = world.package().await;
        world.code(package).await;
        packages.push(package);
    }
    let body = delivery(WRONG_CODE, None);
    // Four for each of four packages: no code is locked yet, and the customer's hour is not over.
    let paths: Vec<String> = (0..16).map(|guess| deliver_path(packages[guess % 4])).collect();
    let answers =
        join_all(paths.iter().map(|path| world.desk.post(path, &world.staff.operator, &body))).await;
    for answer in &answers {
        answer.expect_problem(403, "pickup_code_wrong");
    }
    assert_eq!(world.number("SELECT count(*) FROM wrong_guess").await, 16);
    assert_eq!(world.number("SELECT sum(wrong_guesses) FROM pickup_code").await, 16);
    // Sixteen more: of four codes one guess is left each, and of the hour four.
    let answers =
        join_all(paths.iter().map(|path| world.desk.post(path, &world.staff.operator, &body))).await;
    let wrong = answers.iter().filter(|answer| answer.json()["code"] == "pickup_code_wrong").count();
    assert_eq!(wrong, 4);
    assert_eq!(world.number("SELECT count(*) FROM pickup_code WHERE locked_at IS NOT NULL").await, 4);
    assert_eq!(world.number("SELECT count(*) FROM package_event WHERE kind = 'refuse_code'").await, 20);
    world.desk.stop().await;
}

#[tokio::test]
async fn sixteen_wishes_for_a_code_at_once_are_five_messages() {
    let world = World::open().await;
    let package = world.package().await;
    let path = format!("/v1/packages/{package}/code");
    let wish = json!({});
    let answers = join_all((0..16).map(|_| world.desk.post(&path, &world.customer.token, &wish))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(429, "too_many_requests");
    }
    let told = "SELECT count(*) FROM notification WHERE template = 'code_reissued'";
    assert_eq!(world.number(told).await, 5);
    world.desk.stop().await;
}
