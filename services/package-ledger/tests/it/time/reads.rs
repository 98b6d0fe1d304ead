//! Customers see what time will do, and what they were told.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{POLICY, customer, instant, run, stored, waiting};
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_the_deadlines_of_its_packages_beforehand_and_nobody_elses() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let received_at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(received_at);
    let mut conn = harness.db.connect().await;
    let staff = harness.staff().await;
    let (ana, other) = (customer(&mut conn, 50, "es", &[]).await, customer(&mut conn, 51, "es", &[]).await);
    let package = stored(&mut conn, ana, received_at).await;
    let path = format!("/v1/packages/{package}/deadlines");
    let listed = harness.get(&path, &harness.token(ana.user_id)).await.expect(200).json();
    let found: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["kind"].as_str().unwrap(),
                item["ordinal"].as_i64().unwrap(),
                item["due_at"].as_str().unwrap(),
                item["status"].as_str().unwrap(),
            )
        })
        .collect();
    let due: Vec<String> = POLICY
        .iter()
        .map(|(_, _, hours)| {
            (received_at + TimeDelta::hours(*hours)).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        })
        .collect();
    let expected: Vec<_> = POLICY
        .iter()
        .zip(&due)
        .map(|((kind, ordinal, _), due)| (*kind, i64::from(*ordinal), due.as_str(), "pending"))
        .collect();
    assert_eq!(found, expected);
    for path in [path.clone(), format!("/v1/packages/{}/deadlines", Uuid::now_v7())] {
        harness.get(&path, &harness.token(other.user_id)).await.expect_problem(404, "not_found");
    }
    harness.get(&path, &staff.auditor).await.expect(200);
    harness.get(&format!("{path}?limit=1"), &staff.auditor).await.expect_problem(400, "invalid_parameter");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_its_own_messages_without_what_is_the_desks_business() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let staff = harness.staff().await;
    let (ana, before) = (customer(&mut conn, 52, "es", &[]).await, customer(&mut conn, 53, "es", &[]).await);
    let package = stored(&mut conn, ana, at).await;
    // Somebody else's, before it was found out whose the package is.
    waiting(&mut conn, package, before, "ready", "sms", at).await;
    let mut own = Vec::new();
    for channel in ["sms", "email"] {
        own.push(waiting(&mut conn, package, ana, "ready", channel, at).await);
    }
    run(&mut conn, "UPDATE notification SET status = 'failed', next_attempt_at = NULL, error_code = 'timeout', cost_minor = 7").await;
    let path = format!("/v1/packages/{package}/notifications");
    let seen = harness.get(&path, &harness.token(ana.user_id)).await.expect(200).json();
    let ids: Vec<_> = seen["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!(own[0]), json!(own[1])]);
    assert!(seen["items"].as_array().unwrap().iter().all(|item| item.get("for_staff").is_none()));
    assert_eq!(seen["items"][1]["recipient"], ana.email());
    let first = harness.get(&format!("{path}?limit=2"), &staff.operator).await.expect(200).json();
    assert_eq!(first["items"][0]["for_staff"]["error_code"], "timeout");
    assert_eq!(first["items"][0]["for_staff"]["cost_minor"], 7);
    let cursor = first["next"].as_str().unwrap();
    let rest =
        harness.get(&format!("{path}?limit=2&cursor={cursor}"), &staff.operator).await.expect(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
    harness.get(&path, &harness.token(before.user_id)).await.expect_problem(404, "not_found");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_sent_arrives_once_and_one_that_was_not_never_does() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let staff = harness.staff().await;
    let ana = customer(&mut conn, 54, "es", &[]).await;
    let package = stored(&mut conn, ana, at).await;
    let (sent, pending) = (
        waiting(&mut conn, package, ana, "ready", "sms", at).await,
        waiting(&mut conn, package, ana, "ready", "email", at).await,
    );
    run(
        &mut conn,
        &format!(
            "UPDATE notification SET status = 'sent', next_attempt_at = NULL, sent_at = '{at}' WHERE id = '{sent}'"
        ),
    )
    .await;
    let report = async |id: Uuid, token: &str| {
        let path = format!("/v1/notifications/{id}/delivered");
        harness.send(harness.request(reqwest::Method::POST, &path, Some(token))).await
    };
    let arrived = report(sent, &staff.operator).await.expect(200).json();
    assert_eq!(
        (&arrived["status"], &arrived["delivered_at"]),
        (&json!("delivered"), &json!("2026-11-02T15:00:00Z"))
    );
    harness.clock.advance(TimeDelta::hours(1));
    assert_eq!(report(sent, &staff.operator).await.expect(200).json(), arrived);
    report(pending, &staff.operator).await.expect_problem(409, "conflict");
    report(Uuid::now_v7(), &staff.operator).await.expect_problem(404, "not_found");
    report(sent, &harness.token(ana.user_id)).await.expect_problem(403, "forbidden");
    report(sent, &staff.auditor).await.expect_problem(403, "forbidden");
    harness.stop().await;
}
