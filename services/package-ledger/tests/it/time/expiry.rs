//! What was announced and does not come, and what is forgotten.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{TARIFF, customer, instant, lines, one, run, wait_for};
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_expires_with_its_package_and_not_before_its_time() {
    let harness = Harness::start().await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 40, "es", &["sms"]).await;
    let mut packages = Vec::new();
    for (number, days) in [("GUIDE1", 10), ("GUIDE2", 20)] {
        let (announcement, package) = (Uuid::now_v7(), Uuid::now_v7());
        let sql = format!(
            "INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, expires_at, announced_by, \
             created_at, updated_at) VALUES ('{announcement}', '{}', 'Ana Pérez', '{}', '{number}', 'T{number}', '{TARIFF}', '{}', '{}', \
             '{at}', '{at}'); \
             INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, status, tariff_id, announced_at, created_at, \
             updated_at) VALUES ('{package}', 'P{number}', '{number}', '{}', '{announcement}', 'announced', '{TARIFF}', '{at}', '{at}', '{at}')",
            ana.id,
            ana.phone(),
            at + TimeDelta::days(days),
            ana.user_id,
            ana.id,
        );
        run(&mut conn, &sql).await;
        packages.push(package);
    }
    let other = harness.replica("").await;
    harness.clock.set(at + TimeDelta::days(10));
    let statuses = "SELECT string_agg(a.status || ' ' || p.status, ', ' ORDER BY p.guide_number) \
                    FROM package p JOIN announcement a ON a.id = p.announcement_id";
    wait_for(&mut conn, statuses, "expired cancelled, pending announced").await;
    harness.clock.set(at + TimeDelta::days(20));
    wait_for(&mut conn, statuses, "expired cancelled, expired cancelled").await;
    let chain = "SELECT concat_ws(' ', from_status, to_status, actor_role, data->>'reason') AS line FROM package_event WHERE kind = 'cancel'";
    assert_eq!(lines(&mut conn, chain).await, ["announced cancelled system expired"; 2]);
    assert_eq!(one(&mut conn, "SELECT string_agg(DISTINCT version::text, ',') FROM announcement").await, "2");
    let shown =
        harness.get(&format!("/v1/packages/{}", packages[0]), &harness.token(ana.user_id)).await.expect(200);
    assert_eq!(shown.json()["status"], "cancelled");
    other.stop().await;
    harness.stop().await;
}

/// A customer's announcement that was waited for until then, with its package; says which package.
async fn announced(
    conn: &mut diesel_async::AsyncPgConnection,
    ana: super::Customer,
    number: &str,
    expires_at: chrono::DateTime<chrono::Utc>,
) -> Uuid {
    let (announcement, package) = (Uuid::now_v7(), Uuid::now_v7());
    let sql = format!(
        "INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, expires_at, announced_by, \
         created_at, updated_at) VALUES ('{announcement}', '{0}', 'Ana Pérez', '{1}', '{number}', 'T{number}', '{TARIFF}', '{expires_at}', \
         '{0}', now(), now()); \
         INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, status, tariff_id, announced_at, created_at, \
         updated_at) VALUES ('{package}', 'P{number}', '{number}', '{0}', '{announcement}', 'announced', '{TARIFF}', now(), now(), now())",
        ana.id,
        ana.phone(),
    );
    run(conn, &sql).await;
    package
}

/// The first in turn has a chain that cannot be gone on with, for its next event is there already.
#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_cannot_expire_holds_up_no_other() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 42, "es", &[]).await;
    let broken = announced(&mut conn, ana, "GUIDE1", at - TimeDelta::days(3)).await;
    let sound = announced(&mut conn, ana, "GUIDE2", at - TimeDelta::days(2)).await;
    let event = format!(
        "INSERT INTO package_event (package_id, seq, kind, to_status, actor_role, occurred_at, data, digests, prev_hash, hash) \
         VALUES ('{broken}', 1, 'announce', 'announced', 'system', now(), '{{}}', '{{}}', sha256('a'), sha256('b'))"
    );
    run(&mut conn, &event).await;
    let replica = harness.replica("").await;
    wait_for(&mut conn, &format!("SELECT status FROM package WHERE id = '{sound}'"), "cancelled").await;
    assert_eq!(
        one(&mut conn, &format!("SELECT status FROM package WHERE id = '{broken}'")).await,
        "announced"
    );
    replica.stop().await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_forgotten_after_an_hour() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let at = instant("2026-11-02T15:00:00Z");
    harness.clock.set(at);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 41, "es", &[]).await;
    for minutes in [0, 59, 61, 600] {
        let sql = format!(
            "INSERT INTO wrong_guess (customer_id, guessed_at, id) VALUES ('{}', '{}', '{}')",
            ana.id,
            at - TimeDelta::minutes(minutes),
            Uuid::now_v7(),
        );
        run(&mut conn, &sql).await;
    }
    let replica = harness.replica("").await;
    wait_for(&mut conn, "SELECT count(*) FROM wrong_guess", "2").await;
    replica.stop().await;
    harness.stop().await;
}
