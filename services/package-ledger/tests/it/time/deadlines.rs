//! Deadlines fire once each, in order, whoever fires them.

use chrono::TimeDelta;
use serde_json::json;

use super::{POLICY, WATCH, customer, fired_in_order, instant, lines, one, run, spooled, stored, wait_for};
use crate::harness::Harness;

const FIRED: &str = "SELECT count(*) FROM deadline WHERE fired_at IS NOT NULL";
const OPEN: &str = "SELECT count(*) FROM deadline WHERE fired_at IS NULL AND cancelled_at IS NULL";

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_60_days_fires_each_once_and_in_order_over_two_replicas() {
    let harness = Harness::start().await;
    let received_at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(received_at);
    let other = harness.replica("").await;
    let mut conn = harness.db.connect().await;
    run(&mut conn, WATCH).await;
    let ana = customer(&mut conn, 1, "es", &["sms", "email"]).await;
    let mut packages = Vec::new();
    for hours in [0, 7, 24] {
        packages.push(stored(&mut conn, ana, received_at + TimeDelta::hours(hours)).await);
    }
    assert_eq!(one(&mut conn, FIRED).await, "0");
    harness.clock.advance(TimeDelta::days(60));
    wait_for(&mut conn, OPEN, "0").await;

    let (fired, due) = fired_in_order(&mut conn).await;
    assert_eq!(fired.len(), packages.len() * POLICY.len());
    assert_eq!(fired, due);
    for package in &packages {
        let chain = format!(
            "SELECT concat_ws(' ', data->>'kind', data->>'ordinal', actor_role) AS line FROM package_event \
             WHERE package_id = '{package}' AND kind = 'deadline' ORDER BY seq"
        );
        let expected: Vec<String> =
            POLICY.iter().map(|(kind, ordinal, _)| format!("{kind} {ordinal} system")).collect();
        assert_eq!(lines(&mut conn, &chain).await, expected);
        let told = format!(
            "SELECT string_agg(concat_ws(' ', template, channel, n), ', ' ORDER BY template, channel) FROM \
             (SELECT template, channel, count(*) AS n FROM notification WHERE package_id = '{package}' GROUP BY 1, 2) x"
        );
        let expected =
            "hold_ended email 1, hold_ended sms 1, storage_reminder email 5, storage_reminder sms 5";
        assert_eq!(one(&mut conn, &told).await, expected);
    }
    let counted = |text: &str, name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (mine, others) = (harness.metrics().await, other.metrics().await);
    for (kind, expected) in
        [("free_time_ends", 3.0), ("reminder", 15.0), ("hold_ends", 3.0), ("abandonment_due", 3.0)]
    {
        let name = format!("deadlines_fired_total{{service=\"package-ledger\",kind=\"{kind}\"}}");
        assert_eq!(counted(&mine, &name) + counted(&others, &name), expected, "{kind}");
    }
    other.stop().await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_says_what_is_due_at_its_instant_and_when_that_rises() {
    let harness = Harness::start().await;
    let received_at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(received_at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 2, "es", &["sms"]).await;
    let package = stored(&mut conn, ana, received_at).await;
    // Three whole days are over, and the fourth has begun: 1,500 and three further days.
    harness.clock.set(received_at + TimeDelta::days(3) + TimeDelta::seconds(1));
    let sent =
        format!("SELECT count(*) FROM notification WHERE package_id = '{package}' AND status = 'sent'");
    wait_for(&mut conn, &sent, "2").await;
    let id = one(&mut conn, "SELECT id FROM notification ORDER BY id DESC LIMIT 1").await;
    let message = spooled(&harness, &id).unwrap();
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("Debe 4.500,00 COP (05/11/2026 10:00, hora de Colombia)."), "{text}");
    assert!(text.contains("Desde el 06/11/2026 10:00, hora de Colombia serán 5.500,00 COP."), "{text}");
    let fee =
        harness.get(&format!("/v1/packages/{package}/fee"), &harness.token(ana.user_id)).await.expect(200);
    assert_eq!(fee.json()["total"]["text"], "4,500.00 COP");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_never_fires() {
    let harness = Harness::start().await;
    let received_at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(received_at + TimeDelta::hours(30));
    let mut conn = harness.db.connect().await;
    let staff = harness.staff().await;
    let ana = customer(&mut conn, 3, "en", &["sms"]).await;
    let returned = stored(&mut conn, ana, received_at).await;
    let delivered = stored(&mut conn, ana, received_at).await;
    wait_for(&mut conn, FIRED, "4").await;
    let body = json!({"to": "sender", "reason": "the sender wants it back"});
    harness.post(&format!("/v1/packages/{returned}/return"), &staff.operator, &body).await.expect(200);
    // One that has ended by another way, and whose deadlines nobody has cancelled.
    let end = format!(
        "UPDATE package SET status = 'delivered', slot_id = NULL, ended_at = now(), stopped_at = now() WHERE id = '{delivered}'"
    );
    run(&mut conn, &end).await;
    let listed = harness.get(&format!("/v1/packages/{returned}/deadlines"), &staff.auditor).await.expect(200);
    let statuses: Vec<_> =
        listed.json()["items"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses[..3], ["fired", "fired", "cancelled"]);
    harness.clock.advance(TimeDelta::days(60));
    wait_for(&mut conn, OPEN, "0").await;
    assert_eq!(one(&mut conn, FIRED).await, "4");
    let late = "SELECT count(*) FROM notification WHERE template IN ('storage_reminder', 'hold_ended')";
    assert_eq!(one(&mut conn, late).await, "2", "the first reminder of each, and no other");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_with_which_something_is_wrong_holds_up_no_other() {
    let harness = Harness::start().await;
    let received_at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(received_at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 4, "en", &[]).await;
    let broken = stored(&mut conn, ana, received_at - TimeDelta::hours(1)).await;
    let sound = stored(&mut conn, ana, received_at).await;
    // A link of its chain that is there already: the next one cannot be appended.
    let link = format!(
        "INSERT INTO package_event (package_id, seq, kind, to_status, actor_role, occurred_at, data, prev_hash, hash) \
         VALUES ('{broken}', 1, 'receive', 'received', 'system', now(), '{{}}', decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))"
    );
    run(&mut conn, &link).await;
    harness.clock.advance(TimeDelta::days(60));
    let of = |package| {
        format!("SELECT count(*) FROM deadline WHERE fired_at IS NOT NULL AND package_id = '{package}'")
    };
    wait_for(&mut conn, &of(sound), "8").await;
    assert_eq!(one(&mut conn, &of(broken)).await, "0");
    let metrics = harness.metrics().await;
    let failed = metrics.lines().find(|line| line.starts_with("deadlines_failed_total")).unwrap();
    assert!(!failed.ends_with(" 0"), "{failed}");
    harness.stop().await;
}
