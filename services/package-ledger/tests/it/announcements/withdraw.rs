//! An announcement is taken back, as long as its parcel has not come.

use serde_json::json;
use uuid::Uuid;

use super::{Counter, path};

#[tokio::test]
async fn its_customer_or_the_desk_takes_it_back_and_its_package_ends() {
    let counter = Counter::open().await;
    let (app, staff) = (&counter.app, &counter.staff);
    for (guide, token) in
        [("TIENDA1", &counter.token), ("TIENDA2", &staff.operator), ("TIENDA3", &staff.admin)]
    {
        let one = counter.announced(guide).await;
        let cancel = format!("{}/cancel", path(&one));
        let gone = app.post(&cancel, token, &json!({"reason": "sold out"})).await.expect(200).json();
        assert_eq!((&gone["status"], &gone["version"]), (&json!("cancelled"), &json!(2)));
        assert_eq!(gone["package"]["status"], "cancelled");
        let package = format!("/v1/packages/{}", one["package_id"].as_str().unwrap());
        let package = app.get(&package, &counter.token).await.expect(200).json();
        assert_eq!(package["status"], "cancelled");
        assert!(package["ended_at"].is_string());
        let again = app.post(&cancel, token, &json!({})).await;
        again.expect_problem(409, "step_refused");
        assert_eq!(again.json()["missing"], json!(["transition_not_allowed"]));
    }
    assert_eq!(
        counter.count("package_event WHERE kind = 'withdraw' AND data->>'reason' = 'sold out'").await,
        3
    );
    counter.app.stop().await;
}

#[tokio::test]
async fn nobody_else_takes_it_back() {
    let counter = Counter::open().await;
    let (app, one) = (&counter.app, counter.announced("TIENDA1").await);
    let cancel = format!("{}/cancel", path(&one));
    let (_, eve) = counter.other("Eve", "+573110000000").await;
    for token in [&eve, &app.token(Uuid::now_v7())] {
        app.post(&cancel, token, &json!({})).await.expect_problem(404, "not_found");
    }
    app.post(&cancel, &counter.staff.auditor, &json!({})).await.expect_problem(403, "forbidden");
    let long = json!({"reason": "x".repeat(501)});
    let faults = app.post(&cancel, &counter.token, &long).await.expect_problem(422, "validation_failed");
    assert_eq!(faults, ["/reason"]);
    let nowhere = format!("/v1/announcements/{}/cancel", Uuid::now_v7());
    app.post(&nowhere, &counter.token, &json!({})).await.expect_problem(404, "not_found");
    // What an admin alone may do with a package stays so.
    let package = format!("/v1/packages/{}/cancel", one["package_id"].as_str().unwrap());
    app.post(&package, &counter.token, &json!({"reason": "mine"})).await.expect_problem(403, "forbidden");
    assert_eq!(counter.count("announcement WHERE status = 'pending'").await, 1);
    counter.app.stop().await;
}

#[tokio::test]
async fn a_parcel_that_has_come_is_not_taken_back() {
    let counter = Counter::open().await;
    let (app, one) = (&counter.app, counter.announced("TIENDA1").await);
    let photos = [Uuid::now_v7(), Uuid::now_v7()];
    let body = json!({"size_class": "small", "condition": "good", "photos": photos});
    let package = format!("/v1/packages/{}/receive", one["package_id"].as_str().unwrap());
    app.post(&package, &counter.staff.operator, &body).await.expect(200);
    let cancel = format!("{}/cancel", path(&one));
    let answer = app.post(&cancel, &counter.token, &json!({})).await;
    answer.expect_problem(409, "step_refused");
    assert_eq!(app.get(&path(&one), &counter.token).await.expect(200).json()["status"], "matched");
    counter.app.stop().await;
}

/// Either the parcel is here and matched, or nobody waits for it: never both.
#[tokio::test(flavor = "multi_thread")]
async fn taken_back_while_it_is_received_it_is_one_of_both() {
    let counter = Counter::open().await;
    let app = &counter.app;
    for number in 0..8 {
        let one = counter.announced(&format!("TIENDA{number}")).await;
        let photos = [Uuid::now_v7(), Uuid::now_v7()];
        let body = json!({"size_class": "small", "condition": "good", "photos": photos});
        let receive = format!("/v1/packages/{}/receive", one["package_id"].as_str().unwrap());
        let (cancel, nothing) = (format!("{}/cancel", path(&one)), json!({}));
        let (received, withdrawn) = tokio::join!(
            app.post(&receive, &counter.staff.operator, &body),
            app.post(&cancel, &counter.token, &nothing)
        );
        assert_ne!(
            received.status == 200,
            withdrawn.status == 200,
            "{} {}",
            received.text(),
            withdrawn.text()
        );
        let shown = app.get(&path(&one), &counter.token).await.expect(200).json();
        let expected =
            if received.status == 200 { ["matched", "received"] } else { ["cancelled", "cancelled"] };
        assert_eq!([&shown["status"], &shown["package"]["status"]], expected);
    }
    counter.app.stop().await;
}
