//! Packages that nobody fetches: returned, abandoned, cancelled.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Place, refused};

const NOTHING: &[&str] = &[];

#[tokio::test]
async fn a_return_is_charged_by_the_quote_and_ends_everything() {
    let place = Place::open().await;
    place.harness.clock.set(place.harness.clock.now());
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    place.harness.clock.advance(TimeDelta::hours(72));
    let lacking = place.ask(package, "return", &json!({"to": "carrier", "reason": " "})).await;
    refused(
        &lacking,
        &["reason_required"],
        &["notify", "deliver", "return", "abandon", "lose", "damage", "identify"],
    );
    let returned =
        place.ask(package, "return", &json!({"to": "carrier", "reason": "refused"})).await.expect(200).json();
    assert_eq!(returned["status"], "returned");
    assert_eq!(returned["fee"]["total"]["amount_minor"], 350_000);
    assert_eq!(returned["ended_at"], returned["stopped_at"]);
    assert_eq!(
        place.text(&format!("SELECT total_minor FROM package WHERE id = '{package}'")).await,
        "350000"
    );
    let charged =
        "SELECT sum(amount_minor) FROM ledger_transfer WHERE code IN ('charge_base', 'charge_storage')";
    assert_eq!(place.text(charged).await, "350000");
    assert_eq!(place.count("deadline WHERE fired_at IS NULL AND cancelled_at IS NULL").await, 0);
    let again = place.ask(package, "return", &json!({"to": "carrier", "reason": "refused"})).await;
    refused(&again, &["transition_not_allowed"], NOTHING);
    place.expect_chain(package, &["receive", "store", "return"]).await;
}

#[tokio::test]
async fn an_abandonment_waits_for_its_days_and_its_contacts() {
    let place = Place::open().await;
    place.harness.clock.set(place.harness.clock.now());
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    let allowed = ["deliver", "return", "abandon", "lose", "damage", "identify"];
    let abandon = async || place.ask(package, "abandon", &json!({"disposal": "given to charity"})).await;
    for _ in 0..2 {
        place.ask(package, "notify", &json!({"channel": "call"})).await.expect(200);
    }
    refused(&abandon().await, &["not_held_long_enough", "contacts_required"], &allowed);
    place.harness.clock.advance(TimeDelta::days(45) - TimeDelta::microseconds(1));
    refused(&abandon().await, &["not_held_long_enough", "contacts_required"], &allowed);
    place.harness.clock.advance(TimeDelta::microseconds(1));
    refused(&abandon().await, &["contacts_required"], &allowed);
    place
        .run(&format!(
            "INSERT INTO notification (id, package_id, customer_id, channel, template, language, recipient, status, attempts, created_at, \
             sent_at) SELECT gen_random_uuid(), '{package}', '{ada}', 'sms', 'storage_reminder', 'es', '+573000000001', 'sent', 1, \
             p.received_at + interval '1 day', p.received_at + interval '1 day' FROM package p, generate_series(1, 3) WHERE p.id = '{package}'"
        ))
        .await;
    let abandoned = abandon().await.expect(200).json();
    assert_eq!((abandoned["status"].as_str(), &abandoned["slot"]), (Some("abandoned"), &json!(null)));
    let owed = "SELECT debits_minor - credits_minor FROM ledger_account WHERE code LIKE 'customer/%'";
    assert_eq!(place.text(owed).await, "0");
    let lost = "SELECT sum(amount_minor) FROM ledger_transfer WHERE code = 'write_off'";
    assert_eq!(place.text(lost).await, abandoned["fee"]["total"]["amount_minor"].to_string());
    let told = "SELECT data->>'disposal' FROM package_event WHERE kind = 'abandon'";
    assert_eq!(place.text(told).await, "given to charity");
    place.expect_chain(package, &["receive", "store", "notify", "call", "abandon"]).await;
}

#[tokio::test]
async fn a_cancellation_takes_the_announcement_back_and_gives_back_what_was_paid() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let announced = place.harness.announced(ada, "AAAA0001").await;
    let cancel =
        async |package: Uuid, body: &Json| place.ask_as(&place.staff.admin, package, "cancel", body).await;
    refused(
        &cancel(announced.package_id, &json!({})).await,
        &["reason_required"],
        &["receive", "cancel", "withdraw"],
    );
    let cancelled = cancel(announced.package_id, &json!({"reason": "typo"})).await.expect(200).json();
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(
        place.text(&format!("SELECT status FROM announcement WHERE id = '{}'", announced.id)).await,
        "cancelled"
    );
    refused(
        &cancel(announced.package_id, &json!({"reason": "typo"})).await,
        &["transition_not_allowed"],
        NOTHING,
    );
    place.expect_chain(announced.package_id, &["cancel"]).await;

    let package = place.received(ada, "AAAA0002").await;
    let path = format!("/v1/packages/{package}/payments");
    for amount_minor in [60_000, 30_000, 10_000] {
        let payment = json!({"method": "cash", "amount_minor": amount_minor, "currency": "COP"});
        place.harness.post(&path, &place.staff.operator, &payment).await.expect(201);
    }
    // However many payments there were, they are given back together.
    let cancelled = cancel(package, &json!({"reason": "not ours"})).await.expect(200).json();
    assert_eq!(cancelled["fee"]["paid"]["amount_minor"], 0);
    assert_eq!(cancelled["fee"]["total"]["amount_minor"], 0);
    let cash = "SELECT debits_minor - credits_minor FROM ledger_account WHERE code = 'cash'";
    assert_eq!(place.text(cash).await, "0");
    place.expect_chain(package, &["receive", "pay", "pay", "pay", "refund", "cancel"]).await;

    let stored = place.stored(ada, "AAAA0003").await;
    let late = cancel(stored, &json!({"reason": "typo"})).await;
    refused(
        &late,
        &["transition_not_allowed"],
        &["notify", "deliver", "return", "abandon", "lose", "damage", "identify"],
    );
}
