//! Many clerks at once.

use futures_util::future::join_all;

use super::world::{World, deliver_path, delivery};

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
    let each = |(index, (package, code)): (usize, &(uuid::Uuid, String))| {
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
