//! P-D3: notice of a new tariff, and packages that keep theirs.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::world::{FIRST_TARIFF, World, instant};

fn next(effective_from: &str) -> Json {
    let line = |base_minor: i64| {
        json!({
            "base_minor": base_minor, "included_hours": 24, "period_hours": 24, "rate_minor": 200_000,
            "cap_minor": 6_000_000, "rounding": "started",
        })
    };
    json!({
        "effective_from": effective_from, "currency": "COP", "notice_days": 20,
        "lines": {"small": line(300_000), "extra": line(400_000)},
        "policy": {
            "free_hours": 24, "reminder_days": [1, 3], "max_hold_days": 30, "abandon_days": 45, "min_sms": 3, "min_calls": 2,
        },
    })
}

#[tokio::test]
async fn a_new_tariff_needs_the_notice_that_the_one_in_force_promises_to_the_microsecond() {
    let world = World::open().await;
    // It is Monday, the 2nd, 15:00 UTC; 15 days later is the 17th.
    let early =
        world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-11-17T14:59:59.999999Z")).await;
    early.expect_problem(422, "tariff_notice_too_short");
    assert_eq!(early.json()["earliest"], "2026-11-17T15:00:00Z");
    // Nor is one published that would keep all others from being in force for ages.
    for far in ["2036-10-30T15:00:00.000001Z", "9999-12-31T23:59:59Z", "+262142-12-31T23:59:59Z"] {
        let answer = world.desk.post("/v1/tariffs", &world.staff.admin, &next(far)).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), ["/effective_from"], "{far}");
    }
    world.desk.clock.advance(TimeDelta::microseconds(1));
    let late = world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-11-17T15:00:00Z")).await;
    late.expect_problem(422, "tariff_notice_too_short");
    world.desk.clock.advance(TimeDelta::microseconds(-1));
    let made =
        world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-11-17T15:00:00Z")).await.expect(201);
    let tariff = made.json();
    assert_eq!((&tariff["version"], &tariff["valid_from"]), (&json!(2), &json!("2026-11-17T15:00:00Z")));
    let first =
        world.desk.get(&format!("/v1/tariffs/{FIRST_TARIFF}"), &world.customer.token).await.expect(200);
    assert_eq!(first.json()["valid_to"], "2026-11-17T15:00:00Z");
    assert_eq!(
        world.desk.get(made.header("location"), &world.customer.token).await.expect(200).json(),
        tariff
    );
    // The promise of the next one counts once it is in force.
    world.days(15);
    let early = world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-12-07T14:59:59Z")).await;
    early.expect_problem(422, "tariff_notice_too_short");
    assert_eq!(early.json()["earliest"], "2026-12-07T15:00:00Z");
    world.desk.stop().await;
}

#[tokio::test]
async fn a_package_keeps_its_tariff() {
    let world = World::open().await;
    let package = world.package().await;
    let before = world.fee(package, "?at=2026-11-30T15:00:00Z").await;
    world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-11-17T15:00:00Z")).await.expect(201);
    assert_eq!(world.fee(package, "?at=2026-11-30T15:00:00Z").await, before);
    world.days(28);
    let after = world.fee(package, "").await;
    assert_eq!((&after["total"], &after["tariff_version"]), (&before["total"], &json!(1)));
    let code = world.code(package).await;
    let total_minor = before["total"]["amount_minor"].as_i64();
    world.deliver(package, &code, total_minor).await.expect(200);
    world.desk.stop().await;
}

#[tokio::test]
async fn what_was_announced_before_a_new_tariff_is_priced_by_the_old_one_and_what_nobody_announced_by_the_new()
 {
    let world = World::open().await;
    let announced = json!({"guide_number": "RR123456785CO"});
    let announced =
        world.desk.post("/v1/announcements", &world.customer.token, &announced).await.expect(201).json();
    let announced: Uuid = announced["package_id"].as_str().unwrap().parse().unwrap();
    world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-11-17T15:00:00Z")).await.expect(201);
    // The last instant of the old one, and the first of the new.
    let parcel = |more: Json| {
        let mut parcel =
            json!({"size_class": "small", "condition": "good", "photos": [Uuid::now_v7(), Uuid::now_v7()]});
        parcel.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parcel
    };
    let unannounced = async || -> Uuid {
        let body = parcel(json!({"customer_id": world.customer.id}));
        let view = world.desk.post("/v1/packages", &world.staff.operator, &body).await.expect(201).json();
        view["package"]["id"].as_str().unwrap().parse().unwrap()
    };
    world.desk.clock.set(instant("2026-11-17T14:59:59.999999Z"));
    let just_before = unannounced().await;
    world.desk.clock.set(instant("2026-11-17T15:00:00Z"));
    let just_after = unannounced().await;
    let path = format!("/v1/packages/{announced}/receive");
    world.desk.post(&path, &world.staff.operator, &parcel(json!({}))).await.expect(200);
    for (package, version, total_minor) in
        [(announced, 1, 150_000), (just_before, 1, 150_000), (just_after, 2, 300_000)]
    {
        let fee = world.fee(package, "").await;
        assert_eq!(
            (&fee["tariff_version"], &fee["total"]["amount_minor"]),
            (&json!(version), &json!(total_minor))
        );
    }
    world.desk.stop().await;
}

#[tokio::test]
async fn a_tariff_that_is_unsound_or_in_other_money_or_before_another_one_is_refused() {
    let world = World::open().await;
    for token in [&world.customer.token, &world.staff.operator, &world.staff.auditor] {
        world
            .desk
            .post("/v1/tariffs", token, &next("2027-01-01T00:00:00Z"))
            .await
            .expect_problem(403, "forbidden");
    }
    let with = |pointer: &str, value: Json| {
        let mut body = next("2027-01-01T00:00:00Z");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, pointer) in [
        (with("/currency", json!("USD")), "/currency"),
        (with("/lines/small/included_hours", json!(25)), "/lines/small/included_hours"),
        (with("/policy/abandon_days", json!(30)), "/policy/abandon_days"),
    ] {
        let refused = world.desk.post("/v1/tariffs", &world.staff.admin, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer]);
    }
    world.desk.post("/v1/tariffs", &world.staff.admin, &next("2027-01-01T00:00:00Z")).await.expect(201);
    let between = world.desk.post("/v1/tariffs", &world.staff.admin, &next("2026-12-01T00:00:00Z")).await;
    assert_eq!(between.expect_problem(422, "validation_failed"), ["/effective_from"]);
    let listed = world.desk.get("/v1/tariffs", &world.staff.auditor).await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let page = world.desk.get("/v1/tariffs?limit=1", &world.staff.auditor).await.expect(200).json();
    let path = format!("/v1/tariffs?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(
        world.desk.get(&path, &world.staff.auditor).await.expect(200).json()["items"][0]["version"],
        2
    );
    world.desk.stop().await;
}
