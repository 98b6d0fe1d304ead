//! P-D7: a pickup code resists guessing.

use chrono::TimeDelta;
use serde_json::json;

use super::world::{WRONG_CODE, World, customer, deliver_path, delivery};

fn guesses(metrics: &str, outcome: &str) -> u64 {
    let label = format!("outcome=\"{outcome}\"");
    let is_meant = |line: &&str| line.starts_with("pickup_guesses_total{") && line.contains(&label);
    let line = metrics.lines().find(is_meant).unwrap_or_else(|| panic!("{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn five_wrong_codes_lock_it_and_the_right_one_is_not_taken_any_more() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    for left in (0..5).rev() {
        let refused = world.deliver(package, WRONG_CODE, Some(150_000)).await;
        refused.expect_problem(403, "pickup_code_wrong");
        assert_eq!(refused.json()["guesses_left"], left);
    }
    world.deliver(package, &code, Some(150_000)).await.expect_problem(403, "pickup_code_locked");
    let shown =
        world.desk.get(&format!("/v1/packages/{package}/code"), &world.customer.token).await.expect(200);
    assert_eq!((shown.json()["state"].as_str(), &shown.json()["code"]), (Some("locked"), &json!(null)));
    assert_eq!(shown.header("cache-control"), "no-store");
    // Each wrong one is on record, and no money was taken with any.
    assert_eq!(world.number("SELECT count(*) FROM package_event WHERE kind = 'refuse_code'").await, 5);
    assert_eq!(world.number("SELECT count(*) FROM payment").await, 0);
    let metrics = world.desk.metrics().await;
    assert_eq!((guesses(&metrics, "wrong"), guesses(&metrics, "locked")), (5, 1));
    // A new one fetches it, and is another one.
    let new = world.code(package).await;
    assert_ne!(new, code);
    world.deliver(package, &code, Some(150_000)).await.expect_problem(403, "pickup_code_wrong");
    world.deliver(package, &new.to_lowercase().replace('-', " "), Some(150_000)).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_code_is_void_after_use() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    world.deliver(package, &code, Some(150_000)).await.expect(200);
    let path = format!("/v1/packages/{package}/code");
    let shown = world.desk.get(&path, &world.customer.token).await.expect(200).json();
    assert_eq!((shown["state"].as_str(), &shown["code"]), (Some("used"), &json!(null)));
    world.desk.post(&path, &world.customer.token, &json!({})).await.expect_problem(409, "step_refused");
    world.deliver(package, &code, None).await.expect_problem(409, "step_refused");
    // Not even if the package were on the shelf again.
    let back = format!(
        "WITH held AS (UPDATE slot SET status = 'held' RETURNING id) \
         UPDATE package SET status = 'stored', ended_at = NULL, slot_id = (SELECT id FROM held) WHERE id = '{package}'"
    );
    diesel_async::RunQueryDsl::execute(diesel::sql_query(back), &mut world.conn().await).await.unwrap();
    world.deliver(package, &code, None).await.expect_problem(403, "pickup_code_locked");
    assert_eq!(guesses(&world.desk.metrics().await, "void"), 1);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_code_fetches_its_own_package_and_nobody_elses() {
    let world = World::open().await;
    let other = customer(&world.desk).await;
    let (own, neighbour) = (world.package().await, world.package().await);
    let strange = world.package_of(other.id, "stored").await;
    let code = world.code(own).await;
    world.code(neighbour).await;
    world.code_for(strange, &other.token).await;
    for package in [neighbour, strange] {
        world.deliver(package, &code, Some(150_000)).await.expect_problem(403, "pickup_code_wrong");
    }
    world.deliver(own, &code, Some(150_000)).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_code_is_for_the_eyes_of_its_customer() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    let path = format!("/v1/packages/{package}/code");
    let stranger = customer(&world.desk).await;
    world.desk.get(&path, &stranger.token).await.expect_problem(404, "not_found");
    world.desk.post(&path, &stranger.token, &json!({})).await.expect_problem(404, "not_found");
    for token in [&world.staff.operator, &world.staff.admin, &world.staff.auditor] {
        world.desk.get(&path, token).await.expect_problem(403, "forbidden");
    }
    // An operator has another one issued with the customer's document, and does not see it either.
    let refused = world.desk.post(&path, &world.staff.operator, &json!({})).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/identity"]);
    let shows = |number: &str| json!({"identity": {"document_type": "cc", "document_number": number}});
    world.desk.post(&path, &world.staff.operator, &shows("12345")).await.expect_problem(403, "forbidden");
    let issued =
        world.desk.post(&path, &world.staff.operator, &shows(&world.customer.document)).await.expect(201);
    assert_eq!((&issued.json()["code"], issued.header("cache-control")), (&json!(null), "no-store"));
    world
        .desk
        .post(&path, &world.staff.auditor, &shows(&world.customer.document))
        .await
        .expect_problem(403, "forbidden");
    let shown = world.desk.get(&path, &world.customer.token).await.expect(200).json();
    assert_ne!(shown["code"], json!(code));
    // It is in no table.
    let plain = shown["code"].as_str().unwrap().replace('-', "");
    let kept =
        format!("SELECT count(*) FROM idempotency_key WHERE convert_from(body, 'UTF8') LIKE '%{plain}%'");
    assert_eq!(world.number(&kept).await, 0);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_wrong_code_stays_the_answer_of_its_key_and_counts_once() {
    let world = World::open().await;
    let package = world.package().await;
    let code = world.code(package).await;
    let path = deliver_path(package);
    let wrong = delivery(WRONG_CODE, Some(150_000));
    let first = world.keyed(&path, "k-1", &wrong).await;
    first.expect_problem(403, "pickup_code_wrong");
    let again = world.keyed(&path, "k-1", &wrong).await;
    again.expect_problem(403, "pickup_code_wrong");
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    assert_eq!(world.number("SELECT wrong_guesses FROM pickup_code").await, 1);
    // The right one is another request: it needs another key, and its success is not the answer of the first.
    let right = delivery(&code, Some(150_000));
    assert_eq!(world.keyed(&path, "k-1", &right).await.status, 422);
    world.keyed(&path, "k-2", &right).await.expect(200);
    world.keyed(&path, "k-1", &wrong).await.expect_problem(403, "pickup_code_wrong");
    world.desk.stop().await;
}

/// The rule itself is tried 100 000 times where it stands; this is the way to it.
#[tokio::test]
async fn hundreds_of_guesses_over_new_codes_and_all_packages_of_a_customer_never_succeed() {
    let world = World::open().await;
    let packages = [world.package().await, world.package().await, world.package().await];
    for package in packages {
        world.code(package).await;
    }
    let (mut wrong, mut locked) = (0_u64, 0_u64);
    for hour in 0..4 {
        let mut wrong_in_hour = 0;
        for guess in 0..60 {
            let package = packages[guess % packages.len()];
            if guess % 15 == 14 {
                // Whoever asks for new codes gets no more guesses than that, and not many codes.
                let path = format!("/v1/packages/{package}/code");
                let asked = world.desk.post(&path, &world.customer.token, &json!({})).await;
                assert!(matches!(asked.status.as_u16(), 201 | 429), "{}", asked.text());
            }
            let typed = format!("{:04}-{:04}", hour * 100 + guess, guess);
            let refused = world.deliver(package, &typed, Some(150_000)).await;
            match refused.json()["code"].as_str() {
                Some("pickup_code_wrong") => wrong_in_hour += 1,
                _ => {
                    refused.expect_problem(403, "pickup_code_locked");
                    locked += 1;
                }
            }
        }
        assert!(wrong_in_hour <= 20, "{wrong_in_hour} wrong codes in hour {hour}");
        wrong += wrong_in_hour;
        world.desk.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(wrong + locked, 240);
    assert!(wrong >= 20, "{wrong}");
    let metrics = world.desk.metrics().await;
    assert_eq!(
        (guesses(&metrics, "wrong"), guesses(&metrics, "locked"), guesses(&metrics, "right")),
        (wrong, locked, 0)
    );
    assert_eq!(world.number("SELECT count(*) FROM package WHERE status = 'delivered'").await, 0);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_customers_hour_ends_when_it_is_said_to() {
    let world = World::open().await;
    let mut last = String::new();
    for _ in 0..4 {
        let package = world.package().await;
        last = world.code(package).await;
        for _ in 0..5 {
            world.deliver(package, WRONG_CODE, None).await.expect_problem(403, "pickup_code_wrong");
        }
    }
    let package = world.package().await;
    let code = world.code(package).await;
    assert_ne!(code, last);
    let refused = world.deliver(package, &code, Some(150_000)).await;
    refused.expect_problem(403, "pickup_code_locked");
    let secs: i64 = refused.header("retry-after").parse().unwrap();
    assert!((3_600..=3_601).contains(&secs), "{secs}");
    // Others are not kept from fetching theirs.
    let other = customer(&world.desk).await;
    let theirs = world.package_of(other.id, "stored").await;
    let their_code = world.code_for(theirs, &other.token).await;
    world.deliver(theirs, &their_code, Some(150_000)).await.expect(200);
    world.desk.clock.advance(TimeDelta::seconds(secs));
    world.deliver(package, &code, Some(150_000)).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn five_codes_in_a_day_are_issued_for_a_package_and_the_next_one_when_it_is_said() {
    let world = World::open().await;
    let (package, other) = (world.package().await, world.package().await);
    for _ in 0..4 {
        world.code(package).await;
        world.desk.clock.advance(TimeDelta::hours(1));
    }
    let last = world.code(package).await;
    let path = format!("/v1/packages/{package}/code");
    let refused = world.desk.post(&path, &world.customer.token, &json!({})).await;
    refused.expect_problem(429, "too_many_requests");
    let secs: i64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(secs, 20 * 3_600 + 1);
    // The one that is out stays good, other packages have their own, and so it is for whoever works at the desk.
    let shown = world.desk.get(&path, &world.customer.token).await.expect(200).json();
    assert_eq!(shown["code"], last.as_str());
    world.code(other).await;
    let identity = json!({"identity": {"document_type": "cc", "document_number": world.customer.document}});
    world.desk.post(&path, &world.staff.operator, &identity).await.expect_problem(429, "too_many_requests");
    let told = format!(
        "SELECT count(*) FROM notification WHERE template = 'code_reissued' AND package_id = '{package}'"
    );
    assert_eq!(world.number(&told).await, 5);
    world.desk.clock.advance(TimeDelta::seconds(secs));
    assert_ne!(world.code(package).await, last);
    world.desk.stop().await;
}
