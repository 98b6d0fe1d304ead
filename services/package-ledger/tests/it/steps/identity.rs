//! Whose a package is, said by a person.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Place, parcel_with, refused};

impl Place {
    /// A package of nobody, in a slot.
    async fn unidentified(&self, guide: &str) -> Uuid {
        let body = parcel_with(json!({"guide": guide}));
        let reception =
            self.harness.post("/v1/packages", &self.staff.operator, &body).await.expect(201).json();
        let package: Uuid = reception["package"]["id"].as_str().unwrap().parse().unwrap();
        self.shelf(&[guide], "small").await;
        self.ask(package, "store", &json!({"slot_code": guide})).await.expect(200);
        package
    }
}

#[tokio::test]
async fn a_package_of_nobody_gets_its_customer_a_code_and_a_message() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    place.run("UPDATE customer SET by_sms = true").await;
    let package = place.unidentified("8009876543").await;
    assert_eq!(place.count("pickup_code").await + place.count("notification").await, 0);
    let answer = place.ask(package, "identify", &json!({"customer_id": ada})).await.expect(200).json();
    assert_eq!((answer["customer"]["id"].clone(), answer["status"].as_str()), (json!(ada), Some("stored")));
    assert_eq!(place.count(&format!("pickup_code WHERE customer_id = '{ada}'")).await, 1);
    assert_eq!(place.count("notification WHERE template = 'ready'").await, 1);
    place.expect_chain(package, &["receive", "store", "identify"]).await;
}

#[tokio::test]
async fn the_package_of_an_announcement_gives_way_to_the_one_that_is_here() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    place
        .run(
            "INSERT INTO tariff SELECT '00000000-0000-7000-8000-000000000002', 2, currency, '2020-01-01Z', 0, 48, reminder_days, 20, 40, \
             min_sms, min_calls, NULL, now() FROM tariff",
        )
        .await;
    place
        .run(
            "INSERT INTO tariff_line SELECT '00000000-0000-7000-8000-000000000002', size_class, 999900, included_hours, period_hours, \
             rate_minor, cap_minor, rounding FROM tariff_line",
        )
        .await;
    let announced = place.harness.announced(ada, "7001234567").await;
    // Its label was torn: nothing could be compared.
    let package = place.unidentified("8009876543").await;
    let before =
        place.harness.get(&format!("/v1/packages/{package}"), &place.staff.operator).await.expect(200).json();
    assert_eq!(before["fee"]["total"]["amount_minor"], 999_900);
    let answer =
        place.ask(package, "identify", &json!({"announcement_id": announced.id})).await.expect(200).json();
    assert_eq!(
        (&answer["customer"]["id"], &answer["announcement"]["id"]),
        (&json!(ada), &json!(announced.id))
    );
    // It costs what was promised when it was announced (P-D3).
    assert_eq!(answer["fee"]["total"]["amount_minor"], 150_000);
    assert_ne!(answer["hold_until"], before["hold_until"]);
    let read = |id: Uuid| format!("/v1/packages/{id}");
    let placeholder =
        place.harness.get(&read(announced.package_id), &place.staff.operator).await.expect(200).json();
    assert_eq!(placeholder["status"], "cancelled");
    let reason =
        format!("SELECT data->>'reason' FROM package_event WHERE package_id = '{}'", announced.package_id);
    assert_eq!(place.text(&reason).await, "superseded");
    assert_eq!(
        place.text(&format!("SELECT status FROM announcement WHERE id = '{}'", announced.id)).await,
        "matched"
    );
    place.expect_chain(package, &["receive", "store", "identify"]).await;
    place.expect_chain(announced.package_id, &["cancel"]).await;
    // It is taken: another package cannot be it too.
    let other = place.unidentified("8009876544").await;
    let taken = place.ask(other, "identify", &json!({"announcement_id": announced.id})).await;
    assert_eq!(taken.expect_problem(422, "validation_failed"), ["/announcement_id"]);
}

#[tokio::test]
async fn only_an_administrator_takes_a_package_from_its_customer_and_says_why() {
    let place = Place::open().await;
    let (ada, eve) = (place.customer("Ada Luz", 1).await, place.customer("Eve Mora", 2).await);
    let package = place.stored(ada, "AAAA0001").await;
    place.ask(package, "notify", &json!({"channel": "call"})).await.expect(200);
    let to_eve = json!({"customer_id": eve});
    place.ask(package, "identify", &to_eve).await.expect_problem(403, "forbidden");
    let silent = place.ask_as(&place.staff.admin, package, "identify", &to_eve).await;
    refused(&silent, &["reason_required"], &["deliver", "return", "abandon", "lose", "damage", "identify"]);
    let told = json!({"customer_id": eve, "reason": "same name"});
    let answer = place.ask_as(&place.staff.admin, package, "identify", &told).await.expect(200).json();
    // Eve has not been told yet.
    assert_eq!((answer["status"].as_str(), &answer["notified_at"]), (Some("stored"), &Json::Null));
    assert_eq!(place.text("SELECT customer_id FROM pickup_code").await, eve.to_string());
    place.expect_chain(package, &["receive", "store", "notify", "identify"]).await;
}

#[tokio::test]
async fn a_parcel_comes_as_one_package_whoever_says_so_first() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let announced = place.harness.announced(ada, "7001234567").await;
    let package = place.unidentified("8009876543").await;
    let (named, parcel) = (json!({"announcement_id": announced.id}), parcel_with(json!({})));
    let (identified, received) = tokio::join!(
        place.ask(package, "identify", &named),
        place.ask(announced.package_id, "receive", &parcel),
    );
    let statuses = [identified.status.as_u16(), received.status.as_u16()];
    assert!(matches!(statuses, [200, 409] | [409 | 422, 200]), "{statuses:?}");
    assert_eq!(
        place
            .count(&format!("package WHERE announcement_id = '{}' AND status <> 'cancelled'", announced.id))
            .await,
        1
    );
}

#[tokio::test]
async fn both_customers_see_at_once_that_a_package_has_changed_hands() {
    let place = Place::open().await;
    let (ada_user, eve_user) = (Uuid::now_v7(), Uuid::now_v7());
    let ada = place.harness.enrolled(ada_user, "Ada Luz", "+573000000001").await;
    let eve = place.harness.enrolled(eve_user, "Eve Mora", "+573000000002").await;
    let package = place.stored(ada, "AAAA0001").await;
    let seen = async |user: Uuid| {
        let token = place.harness.token(user);
        let list = place.harness.get("/v1/packages", &token).await.expect(200).json();
        let one = place.harness.get(&format!("/v1/packages/{package}"), &token).await.status.as_u16();
        (list["items"].as_array().unwrap().len(), one)
    };
    assert_eq!((seen(ada_user).await, seen(eve_user).await), ((1, 200), (0, 404)));
    let told = json!({"customer_id": eve, "reason": "same name"});
    place.ask_as(&place.staff.admin, package, "identify", &told).await.expect(200);
    assert_eq!((seen(ada_user).await, seen(eve_user).await), ((0, 404), (1, 200)));
}

#[tokio::test]
async fn what_was_paid_is_given_back_before_a_package_is_somebody_elses() {
    let place = Place::open().await;
    let (ada, eve) = (place.customer("Ada Luz", 1).await, place.customer("Eve Mora", 2).await);
    let package = place.stored(ada, "AAAA0001").await;
    let payment = json!({"method": "cash", "amount_minor": 1, "currency": "COP"});
    let path = format!("/v1/packages/{package}/payments");
    place.harness.post(&path, &place.staff.operator, &payment).await.expect(201);
    let told = json!({"customer_id": eve, "reason": "same name"});
    place.ask_as(&place.staff.admin, package, "identify", &told).await.expect_problem(409, "conflict");
}

#[tokio::test]
async fn an_identification_names_one_owner_who_is_there() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.unidentified("8009876543").await;
    for (body, pointer) in [
        (json!({}), "/customer_id"),
        (json!({"customer_id": ada, "announcement_id": Uuid::now_v7()}), "/customer_id"),
        (json!({"customer_id": Uuid::now_v7()}), "/customer_id"),
        (json!({"announcement_id": Uuid::now_v7()}), "/announcement_id"),
    ] {
        let answer = place.ask(package, "identify", &body).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let announced = place.harness.announced(ada, "7001234567").await;
    let early = place.ask(announced.package_id, "identify", &json!({"customer_id": ada})).await;
    refused(&early, &["transition_not_allowed"], &["receive", "cancel", "withdraw"]);
}
