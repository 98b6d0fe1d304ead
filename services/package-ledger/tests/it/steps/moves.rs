//! Stored, notified, and who may do any of it.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Place, parcel, parcel_with, refused};

#[tokio::test]
async fn a_stored_package_has_a_code_and_a_call_makes_it_notified() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.stored(ada, "AAAA0001").await;
    assert_eq!(place.count(&format!("pickup_code WHERE package_id = '{package}'")).await, 1);
    let call = json!({"channel": "call", "note": "comes tomorrow"});
    let notified = place.ask(package, "notify", &call).await.expect(200).json();
    assert_eq!(notified["status"], "notified");
    let first = notified["notified_at"].clone();
    // Another call is another contact, and no other status.
    let again = place.ask(package, "notify", &call).await.expect(200).json();
    assert_eq!((again["status"].as_str(), &again["notified_at"]), (Some("notified"), &first));
    assert_eq!(place.count("notification WHERE channel = 'call' AND status = 'delivered'").await, 2);
    place.expect_chain(package, &["receive", "store", "notify", "call"]).await;
}

#[tokio::test]
async fn a_message_is_written_and_counts_when_it_has_arrived() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    place.run("UPDATE customer SET by_sms = true").await;
    let package = place.stored(ada, "AAAA0001").await;
    assert_eq!(place.count("notification WHERE template = 'ready' AND channel = 'sms'").await, 1);
    let written = place.ask(package, "notify", &json!({"channel": "sms"})).await.expect(200).json();
    assert_eq!(written["status"], "stored");
    assert_eq!(place.count("notification WHERE channel = 'sms' AND status = 'pending'").await, 2);
    let mail = place.ask(package, "notify", &json!({"channel": "email"})).await;
    assert_eq!(mail.expect_problem(422, "validation_failed"), ["/channel"]);
    place.expect_chain(package, &["receive", "store", "message"]).await;
}

#[tokio::test]
async fn nobody_is_told_of_what_is_nobodys_or_does_not_wait() {
    let place = Place::open().await;
    place.shelf(&["A-1"], "small").await;
    let body = parcel_with(json!({"guide": "8009876543"}));
    let reception = place.harness.post("/v1/packages", &place.staff.operator, &body).await.expect(201).json();
    let package: Uuid = reception["package"]["id"].as_str().unwrap().parse().unwrap();
    for channel in ["call", "sms"] {
        let early = place.ask(package, "notify", &json!({"channel": channel})).await;
        refused(&early, &["transition_not_allowed"], &["store", "cancel", "lose", "damage", "identify"]);
    }
    place.ask(package, "store", &json!({})).await.expect(200);
    assert_eq!(place.count("pickup_code").await + place.count("notification").await, 0);
    for channel in ["call", "sms"] {
        let answer = place.ask(package, "notify", &json!({"channel": channel})).await;
        refused(
            &answer,
            &["customer_unidentified"],
            &["notify", "deliver", "return", "abandon", "lose", "damage", "identify"],
        );
    }
}

#[tokio::test]
async fn steps_are_for_operators_and_cancellations_for_administrators() {
    let place = Place::open().await;
    let user = Uuid::now_v7();
    let ada = place.harness.enrolled(user, "Ada Luz", "+573000000001").await;
    let package = place.harness.announced(ada, "AAAA0001").await.package_id;
    let bodies: [(&str, Json); 9] = [
        ("receive", parcel()),
        ("identify", json!({"customer_id": ada})),
        ("store", json!({})),
        ("notify", json!({"channel": "call"})),
        ("return", json!({"to": "sender", "reason": "refused"})),
        ("abandon", json!({"disposal": "given away"})),
        ("cancel", json!({"reason": "mistake"})),
        ("incidents", json!({"kind": "lost", "description": "gone"})),
        ("files", json!({"kind": "photo", "asset_ids": [Uuid::now_v7()]})),
    ];
    for (step, body) in &bodies {
        for token in [&place.harness.token(user), &place.staff.auditor] {
            place.ask_as(token, package, step, body).await.expect_problem(403, "forbidden");
        }
        let path = format!("/v1/packages/{package}/{step}");
        let nobody = place.harness.request(Method::POST, &path, None).json(body);
        place.harness.send(nobody).await.expect_problem(401, "unauthenticated");
        place.ask_as(&place.staff.admin, Uuid::now_v7(), step, body).await.expect_problem(404, "not_found");
        let unknown = place.harness.request(Method::POST, &path, Some(&place.staff.admin));
        let mut more = body.clone();
        more["surprise"] = json!(1);
        let answer = place.harness.send_unchecked(unknown.json(&more)).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), ["/surprise"], "{step}");
    }
    place.ask(package, "cancel", &json!({"reason": "mistake"})).await.expect_problem(403, "forbidden");
    assert_eq!(place.count("package_event").await, 0);
}
