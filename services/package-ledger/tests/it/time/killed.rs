//! The real process, killed in the middle of its work.

use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use test_harness::Process;

use super::{PATIENCE, POLICY, WATCH, customer, fired_in_order, one, run, spooled, stored, wait_for};
use crate::harness::Harness;

const FIRED: &str = "SELECT count(*) FROM deadline WHERE fired_at IS NOT NULL";
const OPEN: &str = "SELECT count(*) FROM deadline WHERE fired_at IS NULL AND cancelled_at IS NULL";

/// Halts a transaction where it writes a message, as long as a test holds this lock: everything else of it is written by then.
const GATE: &str = "
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711, 1); RETURN NULL; END $$;
CREATE TRIGGER gate AFTER INSERT ON notification FOR EACH ROW EXECUTE FUNCTION gate();";

struct ConfigFile(tempfile::NamedTempFile);

impl ConfigFile {
    /// That of a harness, whose own jobs do not run, with jobs.
    fn of(harness: &Harness) -> Self {
        let mut config: toml::Table = toml::from_str(&harness.config).unwrap();
        config["jobs"].as_table_mut().unwrap().insert("enabled".to_owned(), true.into());
        let telemetry = "[telemetry]\nlog = \"debug\"\n".parse::<toml::Table>().unwrap();
        config.extend(telemetry);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config.to_string()).unwrap();
        Self(file)
    }

    fn serve(&self) -> Process {
        let path = self.0.path().to_str().unwrap();
        Process::spawn_at(env!("CARGO_BIN_EXE_package-ledger"), &["serve", "--config", path], &[])
    }
}

async fn fired(conn: &mut AsyncPgConnection) -> usize {
    one(conn, FIRED).await.parse().unwrap()
}

async fn wait_for_more(conn: &mut AsyncPgConnection, than: usize) {
    test_harness::wait_until("more deadlines fire", PATIENCE, async || fired(conn).await > than).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_each_deadline_fires_once_and_in_order() {
    let harness = Harness::with("[jobs]\nenabled = false\n[messages]\ntimeout_ms = 1000").await;
    let config = ConfigFile::of(&harness);
    let mut conn = harness.db.connect().await;
    run(&mut conn, WATCH).await;
    let ana = customer(&mut conn, 5, "es", &["sms"]).await;
    let began = harness.clock.now() - TimeDelta::days(60);
    let mut packages = Vec::new();
    for hours in 0..20 {
        packages.push(stored(&mut conn, ana, began + TimeDelta::hours(hours)).await);
    }
    let (mut kills, all) = (0, packages.len() * POLICY.len());
    while kills < 6 {
        let before = fired(&mut conn).await;
        let mut process = config.serve();
        wait_for_more(&mut conn, before + 5).await;
        process.kill9();
        kills += 1;
        assert!(fired(&mut conn).await < all, "it was killed before it was through");
    }
    let mut process = config.serve();
    wait_for(&mut conn, OPEN, "0").await;
    let (fired, due) = fired_in_order(&mut conn).await;
    assert_eq!(fired.len(), all);
    assert_eq!(fired, due);
    let events = "SELECT concat_ws(' ', count(*), count(DISTINCT (package_id, data->>'kind', data->>'ordinal'))) \
                  FROM package_event WHERE kind = 'deadline'";
    assert_eq!(one(&mut conn, events).await, format!("{all} {all}"));
    let gapless = "SELECT count(*) FROM package p WHERE event_count <> (SELECT count(*) FROM package_event e WHERE e.package_id = p.id)";
    assert_eq!(one(&mut conn, gapless).await, "0");
    // Five reminders and the end of its hold, for each.
    let written = "SELECT count(*) FROM notification WHERE template IN ('storage_reminder', 'hold_ended')";
    assert_eq!(one(&mut conn, written).await, (packages.len() * 6).to_string());
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'pending'", "0").await;
    assert!(process.terminate(Duration::from_secs(20)).await.success());
    let logs = process.logs();
    assert!(logs.contains("sent") && !logs.contains(&ana.phone()) && !logs.contains("Ana Pérez"), "{logs}");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_its_commit_it_leaves_nothing_and_the_next_one_fires_it() {
    let harness = Harness::with("[jobs]\nenabled = false").await;
    let config = ConfigFile::of(&harness);
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 6, "en", &["sms"]).await;
    stored(&mut conn, ana, harness.clock.now() - TimeDelta::hours(25)).await;
    run(&mut conn, GATE).await;
    let mut holder = harness.db.connect().await;
    run(&mut holder, "BEGIN; SELECT pg_advisory_xact_lock(4711, 1)").await;
    let mut process = config.serve();
    let halted = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 4711 AND NOT granted \
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_for(&mut conn, halted, "1").await;
    assert_eq!(one(&mut conn, FIRED).await, "1", "the end of the free time, which tells nobody");
    process.kill9();
    run(&mut holder, "ROLLBACK").await;
    wait_for(&mut conn, halted, "0").await;
    assert_eq!(one(&mut conn, "SELECT count(*) FROM package_event WHERE kind = 'deadline'").await, "1");
    assert_eq!(one(&mut conn, "SELECT count(*) FROM notification").await, "0");

    let _process = config.serve();
    wait_for(&mut conn, FIRED, "2").await;
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'sent'", "1").await;
    let id = one(&mut conn, "SELECT id FROM notification").await;
    assert_eq!(spooled(&harness, &id).unwrap()["recipient"], ana.phone());
    harness.stop().await;
}
