//! Transactions of others that stay open: on the row that orders the writers, and on records, some with changes that are
//! never committed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::run;
use super::World;
use super::writers::HOT;

/// Tables by path; those that have something to write a ghost into.
const TABLES: [(&str, &str, &str); 3] = [
    ("diseases", "disease", "symptoms"),
    ("medications", "medication", "details"),
    ("animals", "animal", "notes"),
];

async fn pause(rng: &mut StdRng, millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(rng.random_range(millis))).await;
}

/// Takes the clocks for some milliseconds; half of the time as a writer that then fails. Returns how often.
pub(super) async fn hold_clocks(world: Arc<World>, mut rng: StdRng) -> usize {
    let mut conn = world.app.db.connect().await;
    let mut held = 0;
    while !world.done.load(Ordering::Acquire) {
        pause(&mut rng, 20..200).await;
        let (_, table, field) = TABLES[rng.random_range(0..TABLES.len())];
        run(&mut conn, &format!("BEGIN; SELECT version FROM model_clock WHERE model = '{table}' FOR UPDATE"))
            .await;
        if rng.random_bool(0.5) {
            let ghost = format!(
                "UPDATE model_clock SET version = version + 1 WHERE model = '{table}'; \
                 UPDATE \"{table}\" SET \"{field}\" = 'ghost', version = (SELECT version FROM model_clock WHERE model = '{table}') \
                 WHERE id = (SELECT id FROM \"{table}\" ORDER BY version DESC LIMIT 1)"
            );
            run(&mut conn, &ghost).await;
        }
        pause(&mut rng, 1..15).await;
        run(&mut conn, "ROLLBACK").await;
        held += 1;
    }
    held
}

/// Locks a record that is much written to for some milliseconds, so that a writer waits in the middle of its
/// transaction. Returns how often.
pub(super) async fn hold_rows(world: Arc<World>, mut rng: StdRng) -> usize {
    let mut conn = world.app.db.connect().await;
    let mut held = 0;
    while !world.done.load(Ordering::Acquire) {
        pause(&mut rng, 5..60).await;
        let (path, table, field) = TABLES[rng.random_range(0..TABLES.len())];
        let id = {
            let ids = world.ids[path].lock().unwrap();
            if ids.is_empty() {
                continue;
            }
            ids[rng.random_range(0..ids.len().min(HOT))]
        };
        let (begin, end) = match rng.random_range(0..3) {
            0 => (format!("SELECT id FROM \"{table}\" WHERE id = '{id}' FOR UPDATE"), "COMMIT"),
            1 => (format!("SELECT id FROM \"{table}\" WHERE id = '{id}' FOR SHARE"), "COMMIT"),
            _ => (format!("UPDATE \"{table}\" SET \"{field}\" = 'ghost' WHERE id = '{id}'"), "ROLLBACK"),
        };
        run(&mut conn, &format!("BEGIN; {begin}")).await;
        pause(&mut rng, 1..15).await;
        run(&mut conn, end).await;
        held += 1;
    }
    held
}
