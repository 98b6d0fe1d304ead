//! Messages leave, and packages are notified by them.

use chrono::TimeDelta;
use serde_json::json;

use super::{code, customer, instant, lines, one, run, spooled, stored, wait_for, waiting};
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_of_a_ready_package_notifies_it_and_the_code_is_nowhere_but_in_it() {
    let harness = Harness::start().await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 10, "en", &["sms", "email"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    let code = code(&harness, &mut conn, package, ana).await;
    let at = harness.clock.now();
    let ids = [
        waiting(&mut conn, package, ana, "ready", "sms", at).await,
        waiting(&mut conn, package, ana, "ready", "email", at).await,
    ];
    wait_for(&mut conn, &format!("SELECT status FROM package WHERE id = '{package}'"), "notified").await;
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'sent'", "2").await;
    let step = "SELECT concat_ws(' ', from_status, to_status, actor_role, actor_id) AS line FROM package_event WHERE kind = 'notify'";
    assert_eq!(lines(&mut conn, step).await, ["stored notified system"]);
    assert_eq!(one(&mut conn, "SELECT version FROM package").await, "2");
    assert_eq!(one(&mut conn, "SELECT notified_at = received_at FROM package").await, "true");
    for id in ids {
        let message = spooled(&harness, &id.to_string()).unwrap();
        assert!(message["text"].as_str().unwrap().contains(&code), "{message}");
    }
    let tables = "SELECT relname::text AS line FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    for table in lines(&mut conn, tables).await {
        for text in [&code, &code.replace('-', "")] {
            let found = format!("SELECT count(*) FROM {table} t WHERE t::text ILIKE '%{text}%'");
            assert_eq!(one(&mut conn, &found).await, "0", "{table}");
        }
    }
    harness
        .wait_for_metric(
            "notification_attempts_total{service=\"package-ledger\",channel=\"sms\",outcome=\"sent\"} 1",
        )
        .await;
    harness.wait_for_metric("notifications_pending{service=\"package-ledger\"} 0").await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_so_any_more_is_not_said() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let (ana, other) =
        (customer(&mut conn, 11, "en", &["sms"]).await, customer(&mut conn, 12, "en", &["sms"]).await);
    let at = harness.clock.now();
    let (fetched, reassigned) = (stored(&mut conn, ana, at).await, stored(&mut conn, other, at).await);
    run(&mut conn, "UPDATE deadline SET cancelled_at = now()").await;
    let end = format!(
        "UPDATE package SET status = 'delivered', slot_id = NULL, ended_at = now(), stopped_at = now() WHERE id = '{fetched}'"
    );
    run(&mut conn, &end).await;
    let obsolete = [
        waiting(&mut conn, fetched, ana, "ready", "sms", at).await,
        waiting(&mut conn, reassigned, ana, "storage_reminder", "sms", at).await,
        waiting(&mut conn, reassigned, other, "code_reissued", "sms", at).await,
    ];
    let receipt = waiting(&mut conn, fetched, ana, "delivered", "sms", at).await;
    let replica = harness.replica("").await;
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'pending'", "0").await;
    for id in obsolete {
        let row = format!("SELECT concat_ws(' ', status, error_code) FROM notification WHERE id = '{id}'");
        assert_eq!(one(&mut conn, &row).await, "failed obsolete");
        assert!(spooled(&harness, &id.to_string()).is_none());
    }
    assert!(spooled(&harness, &receipt.to_string()).is_some());
    assert_eq!(
        one(&mut conn, &format!("SELECT status FROM package WHERE id = '{reassigned}'")).await,
        "stored"
    );
    replica.stop().await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_cut_off_is_made_again_and_the_third_is_the_last() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 13, "en", &["sms"]).await;
    let at = harness.clock.now();
    let package = stored(&mut conn, ana, at).await;
    let (again, given_up) = (
        waiting(&mut conn, package, ana, "announced", "sms", at).await,
        waiting(&mut conn, package, ana, "announced", "sms", at).await,
    );
    // As a process leaves it that died while it sent them.
    let claimed = format!(
        "UPDATE notification SET attempts = 2, next_attempt_at = '{lease}'; UPDATE notification SET attempts = 3 WHERE id = '{given_up}'",
        lease = at + TimeDelta::seconds(70),
    );
    run(&mut conn, &claimed).await;
    let replica = harness.replica("").await;
    // Not before its time.
    let waits = waiting(&mut conn, package, ana, "announced", "sms", at).await;
    wait_for(&mut conn, &format!("SELECT status FROM notification WHERE id = '{waits}'"), "sent").await;
    assert_eq!(one(&mut conn, &format!("SELECT attempts FROM notification WHERE id = '{again}'")).await, "2");
    harness.clock.advance(TimeDelta::seconds(71));
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'pending'", "0").await;
    let row = |id| {
        format!("SELECT concat_ws(' ', status, attempts, error_code) FROM notification WHERE id = '{id}'")
    };
    assert_eq!(one(&mut conn, &row(again)).await, "sent 3");
    assert_eq!(one(&mut conn, &row(given_up)).await, "failed 3 outcome_unknown");
    replica.stop().await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_written_to_on_the_channels_that_it_wants() {
    let harness = Harness::start().await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let staff = harness.staff().await;
    let ana = customer(&mut conn, 14, "en", &["sms", "whatsapp", "push"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    let path = format!("/v1/packages/{package}/notify");
    let refused = harness.post(&path, &staff.operator, &json!({"channel": "email"})).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/channel"]);
    harness.post(&path, &staff.operator, &json!({"channel": "push"})).await.expect(200);
    wait_for(&mut conn, "SELECT status FROM package", "notified").await;
    let push = "SELECT recipient FROM notification WHERE channel = 'push'";
    assert_eq!(one(&mut conn, push).await, ana.user_id.to_string());
    harness
        .post(&path, &staff.operator, &json!({"channel": "call", "note": "comes tomorrow"}))
        .await
        .expect(200);
    let call = "SELECT concat_ws(' ', status, recipient, data->>'note', created_by) FROM notification WHERE channel = 'call'";
    assert_eq!(
        one(&mut conn, call).await,
        format!("delivered {} comes tomorrow {}", ana.phone(), staff.operator_id)
    );
    // A day on, a reminder goes out on all three.
    harness.clock.advance(TimeDelta::hours(25));
    let reminders = "SELECT string_agg(channel, ',' ORDER BY channel) FROM notification WHERE template = 'storage_reminder'";
    wait_for(&mut conn, reminders, "push,sms,whatsapp").await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_cache_is_away_a_message_is_sent_once_and_its_package_notified_later() {
    let redis = test_harness::ChaosProxy::to_url(&test_harness::redis_url());
    let url = redis.rewrite(&test_harness::redis_url());
    let harness = Harness::with(&format!("[redis]\nurl = \"{url}\"")).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 15, "en", &["sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    redis.cut();
    waiting(&mut conn, package, ana, "ready", "sms", harness.clock.now()).await;
    wait_for(&mut conn, "SELECT concat_ws(' ', status, attempts) FROM notification", "sent 1").await;
    assert_eq!(one(&mut conn, "SELECT status FROM package").await, "stored");
    redis.restore();
    wait_for(&mut conn, "SELECT status FROM package", "notified").await;
    assert_eq!(one(&mut conn, "SELECT attempts FROM notification").await, "1");
    harness.stop().await;
}

/// The first in turn has a chain that cannot be gone on with, for its next event is there already.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_cannot_be_notified_holds_up_no_other() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 61, "es", &["sms"]).await;
    let (broken, sound) = (stored(&mut conn, ana, at).await, stored(&mut conn, ana, at).await);
    assert!(broken < sound);
    for package in [broken, sound] {
        waiting(&mut conn, package, ana, "ready", "sms", at).await;
    }
    let settled =
        "UPDATE notification SET status = 'sent', attempts = 1, next_attempt_at = NULL, sent_at = now()";
    run(&mut conn, settled).await;
    let event = format!(
        "INSERT INTO package_event (package_id, seq, kind, to_status, actor_role, occurred_at, data, digests, prev_hash, hash) \
         VALUES ('{broken}', 1, 'store', 'stored', 'system', now(), '{{}}', '{{}}', sha256('a'), sha256('b'))"
    );
    run(&mut conn, &event).await;
    let replica = harness.replica("").await;
    wait_for(&mut conn, &format!("SELECT status FROM package WHERE id = '{sound}'"), "notified").await;
    assert_eq!(one(&mut conn, &format!("SELECT status FROM package WHERE id = '{broken}'")).await, "stored");
    replica.stop().await;
    harness.stop().await;
}
