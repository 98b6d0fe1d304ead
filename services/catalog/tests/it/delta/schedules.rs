//! The main proof: eight writers and every kind of held transaction on one side, readers that follow tokens alone on the
//! other, and at the end one state (C-D1, T14).
//!
//! Every record that is made, changed, deleted or brought back is an operation. `ALDIA_DELTA_OPERATIONS` and
//! `ALDIA_DELTA_SEED` set their number and the random choices.

mod holders;
mod readers;
mod writers;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use rand::SeedableRng;
use rand::rngs::StdRng;
use test_harness::Database;
use uuid::Uuid;

use super::copy::ServerState;
use crate::harness::{Session, TestApp, config};

const WRITERS: u64 = 8;
const OPERATIONS: usize = 100_000;

/// What all writers, readers and holders share.
struct World {
    app: TestApp,
    admin: Session,
    breed: String,
    /// Ids of each model by its path, deleted ones among them.
    ids: BTreeMap<&'static str, Mutex<Vec<Uuid>>>,
    /// Operations still to be done.
    left: AtomicI64,
    /// Changes that the service said it made, by path.
    acknowledged: BTreeMap<&'static str, AtomicUsize>,
    /// Requests that changed something.
    requests: AtomicUsize,
    /// Acknowledged writes that were looked for in a delta begun before them.
    looked_for: AtomicUsize,
    /// The writers are done.
    done: AtomicBool,
}

/// Models that are written, with the share of the operations in a hundred.
const MODELS: [(&str, u32); 3] = [("diseases", 50), ("medications", 35), ("animals", 15)];
/// One more, changed by what happens to animals.
const CASES: &str = "animal-diseases";

impl World {
    async fn new(operations: usize) -> Self {
        let db = Database::create(catalog::app::migrations(), "catalog").await;
        let mut config = config(db.url(), "");
        // Publishing is another test's; here it would only take time.
        config.nats.url = "nats://127.0.0.1:1".to_owned();
        config.http.workers = 2;
        config.postgres.max_connections = 24;
        // A busy machine is no fault.
        config.postgres.lock_timeout_ms = 60_000;
        config.postgres.acquire_timeout_ms = 60_000;
        config.postgres.statement_timeout_ms = 60_000;
        let app = TestApp::with(db, config, catalog::model::registry::Registry::default()).await;
        let admin = app.sign_in("administrator").await;
        let breed = app.make_breed(&admin, "cattle").await;
        let paths = || MODELS.iter().map(|(path, _)| *path).chain([CASES]);
        Self {
            app,
            admin,
            breed,
            ids: paths().map(|path| (path, Mutex::default())).collect(),
            left: AtomicI64::new(i64::try_from(operations).unwrap()),
            acknowledged: paths().map(|path| (path, AtomicUsize::new(0))).collect(),
            requests: AtomicUsize::new(0),
            looked_for: AtomicUsize::new(0),
            done: AtomicBool::new(false),
        }
    }

    fn acknowledge(&self, path: &str, changes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.acknowledged[path].fetch_add(changes, Ordering::Relaxed);
    }
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_of_the_delta_end_with_exactly_the_servers_state() {
    let operations = from_environment("ALDIA_DELTA_OPERATIONS").unwrap_or(OPERATIONS);
    let seed = from_environment("ALDIA_DELTA_SEED").unwrap_or_else(rand::random::<u64>);
    eprintln!("{operations} operations, seed {seed}");
    let world = Arc::new(World::new(operations).await);
    let started = Instant::now();

    let rng = |n: u64| StdRng::seed_from_u64(seed.wrapping_add(n));
    let holders = [
        tokio::spawn(holders::hold_clocks(Arc::clone(&world), rng(100))),
        tokio::spawn(holders::hold_rows(Arc::clone(&world), rng(101))),
    ];
    let paths = world.ids.keys().copied();
    let steady: Vec<_> = paths
        .chain(["diseases"])
        .zip(200..)
        .map(|(path, n)| tokio::spawn(readers::follow(Arc::clone(&world), path, rng(n))))
        .collect();
    let restarting = tokio::spawn(readers::restart_at_random(Arc::clone(&world), "animals", rng(300)));
    let rewinding = tokio::spawn(readers::rewind_at_random(Arc::clone(&world), "animals", rng(301)));
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(writers::write(Arc::clone(&world), n, rng(n)))).collect();

    for writer in writers {
        writer.await.unwrap();
    }
    world.done.store(true, Ordering::Release);
    let written = started.elapsed();
    let mut held = 0;
    for holder in holders {
        held += holder.await.unwrap();
    }
    let mut readers = Vec::new();
    let mut pages = 0;
    for reader in steady {
        let (copy, requests) = reader.await.unwrap();
        pages += requests;
        readers.push(copy);
    }
    let (copy, restarts) = restarting.await.unwrap();
    readers.push(copy);
    let (copy, rewinds) = rewinding.await.unwrap();
    readers.push(copy);

    for path in world.ids.keys() {
        let state = ServerState::of(&world.app, &world.admin, path).await;
        readers.iter().filter(|copy| copy.path == *path).for_each(|copy| copy.expect_equal(&state));
    }
    let changes = expect_each_change_once(&world).await;
    eprintln!(
        "{changes} changes by {} requests in {:.1} s, {held} transactions held open, {} own writes looked for; \
         {pages} pages read by {} steady readers, {restarts} restarts, {rewinds} rewinds; {:.1} s in all",
        world.requests.load(Ordering::Relaxed),
        written.as_secs_f64(),
        world.looked_for.load(Ordering::Relaxed),
        readers.len() - 2,
        started.elapsed().as_secs_f64(),
    );
    assert!(changes >= operations, "{changes} changes of {operations} operations");
}

/// Positions are without a gap, and there are as many as changes were acknowledged: none was lost, none made twice.
async fn expect_each_change_once(world: &World) -> usize {
    #[derive(QueryableByName)]
    struct Log {
        #[diesel(sql_type = Text)]
        path: String,
        #[diesel(sql_type = BigInt)]
        changes: i64,
        #[diesel(sql_type = BigInt)]
        last: i64,
        /// What the changes were, for whoever reads the output.
        #[diesel(sql_type = Text)]
        kinds: String,
    }
    let mut conn = world.app.db.connect().await;
    let query = diesel::sql_query(
        "SELECT CASE c.model WHEN 'animal_disease' THEN 'animal-diseases' ELSE c.model || 's' END AS path, c.version AS last, coalesce(sum(l.count), 0)::bigint AS changes, coalesce(string_agg(l.count || ' ' || l.change, ', ' ORDER BY l.change), '') AS kinds \
         FROM model_clock c LEFT JOIN (SELECT model, change, count(*) FROM change_log GROUP BY model, change) l ON l.model = c.model GROUP BY c.model, c.version",
    );
    let log: Vec<Log> = diesel_async::RunQueryDsl::load(query, &mut conn).await.unwrap();
    let mut total = 0;
    for Log { path, changes, last, kinds } in log {
        let Some(acknowledged) = world.acknowledged.get(path.as_str()) else { continue };
        eprintln!("{path}: {kinds}");
        assert_eq!(changes, last, "{path}: positions have gaps");
        let acknowledged = acknowledged.load(Ordering::Relaxed);
        // Cases that are closed because their animal leaves are changes that no request names.
        let unnamed = path == CASES;
        let changes = usize::try_from(changes).unwrap();
        assert!(changes == acknowledged || (unnamed && changes > acknowledged), "{path}: {changes} changes");
        total += changes;
    }
    total
}
