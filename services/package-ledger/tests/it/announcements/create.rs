//! What is announced, by whom and for whom.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{Counter, id, path};
use crate::desk::TARIFF;

#[tokio::test]
async fn a_customer_announces_for_itself_and_a_package_stands_for_it() {
    let counter = Counter::open().await;
    let body = json!({
        "guide_number": " rr 123456785 co", "carrier": "4-72", "expected_at": "2026-12-24T10:00:00-05:00",
    });
    let answer = counter.announce(&counter.token, &body).await.expect(201);
    let shown = answer.json();
    assert_eq!(answer.header("location"), path(&shown));
    assert_eq!((&shown["status"], &shown["guide_number"]), (&json!("pending"), &json!("RR123456785CO")));
    assert_eq!(shown["customer"], json!({"id": counter.ada, "name": "Ada López", "phone": "+573001234567"}));
    assert_eq!((&shown["name"], &shown["phone"]), (&json!("Ada López"), &json!("+573001234567")));
    assert_eq!(shown["expected_at"], "2026-12-24T15:00:00Z");
    assert_eq!(shown["tariff_version_id"], json!(TARIFF));
    let instant = |member: &str| shown[member].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(instant("expires_at") - instant("created_at"), TimeDelta::days(60));
    let code = shown["tracking_code"].as_str().unwrap();
    assert!(code.len() == 10 && code.chars().all(|character| character.is_ascii_alphanumeric()), "{code}");
    assert_eq!(shown["package"]["status"], "announced");
    assert_eq!(shown["package"]["tracking_no"], code);

    let package = format!("/v1/packages/{}", shown["package_id"].as_str().unwrap());
    let package = counter.app.get(&package, &counter.token).await.expect(200).json();
    assert_eq!(package["announcement"]["id"], shown["id"]);
    assert_eq!((&package["carrier"], &package["guide_number"]), (&shown["carrier"], &shown["guide_number"]));
    assert_eq!(package["fee"]["due"]["amount_minor"], 0);
    // The code is there, and the customer is told on both channels that it wants: without an address, by text message.
    assert_eq!(counter.count("pickup_code WHERE used_at IS NULL").await, 1);
    assert_eq!(counter.count("notification WHERE template = 'announced' AND channel = 'sms'").await, 1);
    assert_eq!(counter.count("notification").await, 1);
    assert_eq!(counter.count("package_event WHERE kind = 'announce' AND actor_role = 'customer'").await, 1);
    counter.app.stop().await;
}

#[tokio::test]
async fn the_label_may_name_somebody_else_but_the_parcel_is_the_customers() {
    let counter = Counter::open().await;
    let body = json!({"guide_number": "TIENDA7781", "name": "Luis Peña", "phone": "311 000 0000"});
    let shown = counter.announce(&counter.token, &body).await.expect(201).json();
    assert_eq!((&shown["name"], &shown["phone"]), (&json!("Luis Peña"), &json!("+573110000000")));
    assert_eq!(shown["customer"]["id"], json!(counter.ada));
    assert_eq!(counter.count("customer").await, 1);
    let (other, _) = counter.other("Eve", "+573110000000").await;
    let body = json!({"guide_number": "TIENDA7782", "customer_id": other});
    counter.announce(&counter.token, &body).await.expect_problem(403, "forbidden");
    counter.app.stop().await;
}

#[tokio::test]
async fn who_is_no_customer_or_no_active_one_announces_nothing() {
    let counter = Counter::open().await;
    let body = json!({"guide_number": "TIENDA7781"});
    let stranger = counter.app.token(Uuid::now_v7());
    counter.announce(&stranger, &body).await.expect_problem(403, "forbidden");
    counter.announce(&counter.staff.auditor, &body).await.expect_problem(403, "forbidden");
    let customer = format!("/v1/customers/{}", counter.ada);
    let inactive = json!({"is_active": false});
    counter.app.patch(&customer, &counter.staff.operator, "*", &inactive).await.expect(200);
    counter.announce(&counter.token, &body).await.expect_problem(409, "conflict");
    assert_eq!(counter.count("announcement").await + counter.count("package").await, 0);
    counter.app.stop().await;
}

#[tokio::test]
async fn the_desk_announces_for_a_customer_or_for_whoever_has_the_phone() {
    let counter = Counter::open().await;
    let operator = &counter.staff.operator;
    let shown = counter
        .announce(operator, &json!({"guide_number": "TIENDA1", "customer_id": counter.ada}))
        .await
        .expect(201)
        .json();
    assert_eq!((&shown["customer"]["id"], &shown["name"]), (&json!(counter.ada), &json!("Ada López")));
    let by_phone = json!({"guide_number": "TIENDA2", "name": "Señora Ada", "phone": "300 123 4567"});
    let shown = counter.announce(operator, &by_phone).await.expect(201).json();
    assert_eq!((&shown["customer"]["id"], &shown["name"]), (&json!(counter.ada), &json!("Señora Ada")));
    let of_somebody_new = json!({"guide_number": "TIENDA3", "name": "Luis Peña", "phone": "+573110000000"});
    let shown = counter.announce(operator, &of_somebody_new).await.expect(201).json();
    assert_eq!(shown["customer"]["name"], "Luis Peña");
    let found = counter.app.get("/v1/customers?q=luis%20pena", operator).await.expect(200).json();
    assert_eq!(found["items"][0]["id"], shown["customer"]["id"]);

    for (body, pointers) in [
        (json!({"guide_number": "TIENDA4"}), ["/customer_id"]),
        (json!({"guide_number": "TIENDA4", "phone": "+573001234567"}), ["/customer_id"]),
        (json!({"guide_number": "TIENDA4", "customer_id": Uuid::now_v7()}), ["/customer_id"]),
        (json!({"guide_number": "TIENDA4", "name": "A", "phone": "12"}), ["/phone"]),
    ] {
        let answer = counter.announce(operator, &body).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), pointers, "{body}");
    }
    counter.app.stop().await;
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_with_what_it_may_have_been() {
    let counter = Counter::open().await;
    let answer = counter.announce(&counter.token, &json!({"guide_number": "a-b", "name": "\u{7}"})).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/guide_number", "/name"]);
    assert_eq!(answer.json()["errors"][0]["code"], "guide_invalid");
    assert_eq!(answer.json()["errors"][0]["message"], "tracking number is too short");

    let answer = counter.announce(&counter.token, &json!({"guide_number": "1Z999AA10123456785"})).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), ["/guide_number"]);
    assert_eq!(answer.json()["candidates"][0]["carrier"], "ups");
    assert!(answer.json()["candidates"][0]["reason"].as_str().unwrap().contains("does not agree"));

    // Read as a zero, the letter gives a number that passes.
    let answer = counter.announce(&counter.token, &json!({"guide_number": "1Z999AAI0123456784"})).await;
    answer.expect_problem(422, "validation_failed");
    assert_eq!(answer.json()["readings"][0], json!({"carrier": "ups", "guide_number": "1Z999AA10123456784"}));
    assert_eq!(counter.count("package").await, 0);
    counter.app.stop().await;
}

#[tokio::test]
async fn a_number_is_open_once_and_again_when_it_is_free() {
    let counter = Counter::open().await;
    let first = counter.announced("TIENDA7781").await;
    let body = json!({"guide_number": "tienda-7781"});
    let again = counter.announce(&counter.token, &body).await;
    again.expect_problem(409, "guide_already_open");
    assert_eq!(again.json()["announcement_id"], first["id"]);
    let (_, eve) = counter.other("Eve", "+573110000000").await;
    let others = counter.announce(&eve, &body).await;
    others.expect_problem(409, "guide_already_open");
    assert_eq!(others.json()["announcement_id"], json!(null), "{}", others.text());

    counter.app.post(&format!("{}/cancel", path(&first)), &counter.token, &json!({})).await.expect(200);
    counter.announce(&eve, &body).await.expect(201);
    counter.app.stop().await;
}

#[tokio::test]
async fn a_parcel_that_is_here_is_not_announced_any_more() {
    let counter = Counter::open().await;
    let operator = &counter.staff.operator;
    let reception = json!({
        "guide": "TIENDA7781", "size_class": "small", "condition": "good",
        "photos": [Uuid::now_v7(), Uuid::now_v7()],
    });
    let received = counter.app.post("/v1/packages", operator, &reception).await.expect(201).json();
    let body = json!({"guide_number": "TIENDA7781"});
    let answer = counter.announce(&counter.token, &body).await;
    answer.expect_problem(409, "guide_already_open");
    assert_eq!(answer.json()["package_id"], json!(null), "whose it is, nobody knows yet");
    let body = json!({"guide_number": "TIENDA7781", "customer_id": counter.ada});
    let answer = counter.announce(operator, &body).await;
    answer.expect_problem(409, "guide_already_open");
    assert_eq!(answer.json()["package_id"], received["package"]["id"]);
    counter.app.stop().await;
}

#[tokio::test]
async fn a_barcode_and_the_number_within_it_are_one_parcel() {
    let counter = Counter::open().await;
    counter.announced("776632517510").await;
    let barcode = json!({"guide_number": "9622001900000000000000776632517510"});
    counter.announce(&counter.token, &barcode).await.expect_problem(409, "guide_already_open");
    counter.app.stop().await;
}

#[tokio::test]
async fn an_announcement_sent_twice_happens_once_and_is_answered_alike() {
    let counter = Counter::open().await;
    let body = json!({"guide_number": "TIENDA7781"});
    let first = counter.announce_keyed("k-1", &body).await.expect(201);
    let second = counter.announce_keyed("k-1", &body).await.expect(201);
    assert_eq!(first.body, second.body);
    let other = counter.announce_keyed("k-1", &json!({"guide_number": "TIENDA7782"})).await;
    other.expect_problem(422, "idempotency_key_reused");
    for table in ["announcement", "package", "pickup_code", "notification", "package_event"] {
        assert_eq!(counter.count(table).await, 1, "{table}");
    }
    assert_eq!(id(&first.json()), id(&second.json()));
    counter.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_announce_one_number_at_once_one_does() {
    let counter = Counter::open().await;
    let mut tokens = vec![counter.token.clone()];
    for number in 1..8 {
        tokens.push(counter.other("Eve", &format!("+5731100000{number:02}")).await.1);
    }
    let own = json!({"guide_number": "TIENDA7781"});
    let for_new = json!({"guide_number": "TIENDA7781", "name": "Luis", "phone": "+573120000000"});
    let sent = tokens.iter().map(|token| (token, &own));
    let sent = sent.chain(std::iter::repeat_n((&counter.staff.operator, &for_new), 8));
    let answers =
        futures_util::future::join_all(sent.map(|(token, body)| counter.announce(token, body))).await;
    assert_eq!(answers.len(), 16);
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "guide_already_open");
    }
    assert_eq!((counter.count("announcement").await, counter.count("package").await), (1, 1));
    counter.app.stop().await;
}

/// A list shows instants as text, with four digits of a year.
#[tokio::test]
async fn a_parcel_is_expected_within_ten_years() {
    let counter = Counter::open().await;
    for far in
        ["+12026-01-01T00:00:00Z", "+262142-12-31T23:59:59Z", "-4800-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    {
        let body = json!({"guide_number": "TIENDA7781", "expected_at": far});
        let answer = counter.announce(&counter.token, &body).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), ["/expected_at"], "{far}");
    }
}
