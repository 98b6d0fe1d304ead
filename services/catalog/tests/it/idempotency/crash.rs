//! The real process killed in the middle of its work (X-D2): one effect, one answer, whenever it dies.

use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use serde_json::{Value as Json, json};
use test_harness::{Database, Process, wait_until};

use super::{Farm, Lasting, lasting};
use crate::harness::{ConfigFile, animal, config_text, number, wait_for_blocked};

const PATIENCE: Duration = Duration::from_secs(20);
/// Rounds that die after a random delay; two for each chosen place follow.
const RANDOM_ROUNDS: u32 = 20;
const ROUNDS: u32 = RANDOM_ROUNDS + 6;
/// Records of a bulk request.
const MANY: usize = 3;

/// Where a round's process dies.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// So long after the request was sent.
    After(Duration),
    /// In its transaction, waiting for the model's clock.
    AtTheClock,
    /// Everything is written, `COMMIT` is not sent yet.
    BeforeCommit,
    /// `COMMIT` is sent and not answered yet: the server goes through with it.
    InCommit,
}

/// Halts a transaction where it stores its answer, or where it commits, for as long as a test holds the lock of that place.
const GATES: &str = "
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711, TG_ARGV[0]::int); RETURN NULL; END $$;
CREATE TRIGGER before_commit AFTER INSERT ON idempotency_key FOR EACH ROW EXECUTE FUNCTION gate('1');
CREATE CONSTRAINT TRIGGER in_commit AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION gate('2')";

impl Point {
    /// What a test does to make a request stop there.
    fn hold(self) -> Option<&'static str> {
        match self {
            Self::After(_) => None,
            Self::AtTheClock => Some("BEGIN; SELECT 1 FROM model_clock WHERE model = 'animal' FOR UPDATE"),
            Self::BeforeCommit => Some("BEGIN; SELECT pg_advisory_xact_lock(4711, 1)"),
            Self::InCommit => Some("BEGIN; SELECT pg_advisory_xact_lock(4711, 2)"),
        }
    }

    /// Whether the request that died has had its effect, where that is certain.
    fn effect(self) -> Option<bool> {
        match self {
            Self::After(_) => None,
            Self::AtTheClock | Self::BeforeCommit => Some(false),
            Self::InCommit => Some(true),
        }
    }
}

/// SplitMix64: the same points for the same seed.
struct Seeded(u64);

impl Seeded {
    /// A number from 0 up to, not including, 1000.
    fn permille(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % 1000).unwrap()
    }
}

/// A catalog as a process of its own.
struct Served {
    process: Process,
    base: String,
}

impl Served {
    async fn start(config: &ConfigFile) -> Self {
        let binary = env!("CARGO_BIN_EXE_catalog");
        let mut process = Process::spawn_at(binary, &["serve", "--config", config.path()], &[]);
        let line = process.wait_for_log("the catalog serves", PATIENCE).await;
        let line: Json = serde_json::from_str(&line).unwrap();
        let addr = line["addr"].as_str().or(line["fields"]["addr"].as_str()).unwrap();
        Self { base: format!("http://{addr}"), process }
    }
}

/// One request with its key, as often as it takes.
#[derive(Clone)]
struct Attempt {
    http: reqwest::Client,
    token: String,
    path: &'static str,
    key: String,
    body: Json,
    records: Vec<String>,
}

/// An answer, and whether it said that it was a replay.
type Answered = (Lasting, bool);

impl Attempt {
    async fn send(&self, base: &str) -> Result<Answered, reqwest::Error> {
        let request = self.http.post(format!("{base}{}", self.path)).bearer_auth(&self.token);
        let answer = request.header("Idempotency-Key", &self.key).json(&self.body).send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await?;
        let replayed = headers.get("idempotency-replayed").is_some_and(|value| value == "true");
        Ok((lasting(status, &headers, &body), replayed))
    }

    /// Again and again until it is made: the dead request's transaction may still hold the key for a moment.
    async fn until_made(&self, base: &str) -> Answered {
        let mut made = None;
        wait_until("the record is made", PATIENCE, async || {
            let answered = self.send(base).await.unwrap();
            match answered.0.0 {
                201 => made = Some(answered),
                409 => assert!(String::from_utf8_lossy(&answered.0.2).contains("idempotency_key_in_use")),
                _ => panic!("{}", String::from_utf8_lossy(&answered.0.2)),
            }
            made.is_some()
        })
        .await;
        made.unwrap()
    }

    /// Rows, entries in the history, and events of its records; each must be there once.
    async fn effects(&self, conn: &mut AsyncPgConnection) -> [i64; 3] {
        let records = format!("ARRAY['{}']", self.records.join("','"));
        let of = |from: &str| format!("SELECT count(*) AS number FROM {from} a.record = ANY ({records})");
        [
            number(conn, &of("animal a WHERE")).await,
            number(conn, &of("animal a JOIN change_log c ON c.record_id = a.id WHERE")).await,
            number(conn, &of("animal a JOIN outbox o ON o.aggregate = 'animal/' || a.id WHERE")).await,
        ]
    }
}

struct Trial {
    db: Database,
    config: ConfigFile,
    http: reqwest::Client,
    token: String,
    breed: String,
}

impl Trial {
    async fn prepare() -> Self {
        let Farm { app, admin, breed } = Farm::start().await;
        let db = app.stop().await;
        db.connect().await.batch_execute(GATES).await.unwrap();
        let config = ConfigFile::new(&config_text(db.url(), ""));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { db, config, http, token: admin.token, breed }
    }

    fn attempt(&self, name: &str, many: bool) -> Attempt {
        let count = if many { MANY } else { 1 };
        let records: Vec<String> = (0..count).map(|n| format!("{name}-{n}")).collect();
        let mut animals = records.iter().map(|tag| animal(tag, "female", "2020-01-01", &self.breed));
        let (path, body) = if many {
            ("/v1/animals/bulk", json!({"items": animals.collect::<Vec<_>>()}))
        } else {
            ("/v1/animals", animals.next().unwrap())
        };
        let key = format!("\"key of {name}\"");
        Attempt { http: self.http.clone(), token: self.token.clone(), path, key, body, records }
    }

    /// How long a request takes on a warm process: the middle one of some.
    async fn usual_duration(&self, served: &Served, many: bool) -> Duration {
        let mut took = Vec::new();
        for n in 0..7 {
            let started = Instant::now();
            self.attempt(&format!("warm-{many}-{n}"), many).until_made(&served.base).await;
            took.push(started.elapsed());
        }
        took.sort();
        took[took.len() / 2]
    }

    /// Sends a request, kills the process at `point`, and gives the answer if it came before.
    async fn die_at(&self, served: &mut Served, attempt: &Attempt, point: Point) -> Option<Answered> {
        let (base, sent) = (served.base.clone(), attempt.clone());
        let mut holder = self.db.connect().await;
        if let Some(hold) = point.hold() {
            holder.batch_execute(hold).await.unwrap();
        }
        let dying = tokio::spawn(async move { sent.send(&base).await });
        match point {
            Point::After(delay) => tokio::time::sleep(delay).await,
            _ => wait_for_blocked(&self.db, 1).await,
        }
        served.process.kill9();
        if point.hold().is_some() {
            holder.batch_execute("ROLLBACK").await.unwrap();
        }
        dying.await.unwrap().ok()
    }

    /// Until the server has noticed that the process is gone, and has ended its transactions.
    async fn settle(&self, conn: &mut AsyncPgConnection) {
        let sql = "SELECT count(*) AS number FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'catalog'";
        wait_until("its sessions end", PATIENCE, async || number(conn, sql).await == 0).await;
    }
}

/// The plan of a round: the point of death, and whether the request is one for many records.
fn plan(round: u32, random: &mut Seeded, usual: [Duration; 2]) -> (Point, bool) {
    let many = round % 3 == 2;
    let point = match round.checked_sub(RANDOM_ROUNDS) {
        None => {
            // One in each of so many equal parts of the request's time, and a little beyond it.
            let part = round * 1000 + random.permille();
            Point::After(
                usual[usize::from(many)].mul_f64(f64::from(part) / 1000.0 * 1.15 / f64::from(RANDOM_ROUNDS)),
            )
        }
        Some(0 | 1) => Point::AtTheClock,
        Some(2 | 3) => Point::BeforeCommit,
        Some(_) => Point::InCommit,
    };
    (point, many)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_twenty_random_points_and_three_chosen_ones_a_retry_has_one_effect_and_one_answer() {
    let trial = Trial::prepare().await;
    let mut admin = trial.db.admin().await;
    let mut served = Served::start(&trial.config).await;
    let usual = [trial.usual_duration(&served, false).await, trial.usual_duration(&served, true).await];
    let seed = uuid::Uuid::new_v4().as_u64_pair().0;
    let mut random = Seeded(seed);
    eprintln!("seed {seed}; a request takes {:?}, one for {MANY} records {:?}", usual[0], usual[1]);

    for round in 0..ROUNDS {
        let (point, many) = plan(round, &mut random, usual);
        let attempt = trial.attempt(&format!("round-{round}"), many);
        let lost = trial.die_at(&mut served, &attempt, point).await;
        // Every other client is so quick that it comes back before the server knows of the death.
        if round % 2 == 0 || point.effect().is_some() {
            trial.settle(&mut admin).await;
        }
        served = Served::start(&trial.config).await;
        let (first, replayed) = attempt.until_made(&served.base).await;
        let known = if lost.is_some() { "answered" } else { "unanswered" };
        eprintln!(
            "round {round:2}: {point:?}, {} records: died {known}, had its effect: {replayed}",
            attempt.records.len()
        );
        if let Some(effect) = point.effect() {
            assert_eq!(replayed, effect, "round {round}");
        }
        if let Some((answer, was_replay)) = lost {
            assert!(!was_replay && replayed, "round {round}: what was answered has happened");
            assert_eq!(answer, first, "round {round}");
        }
        for _ in 0..2 {
            assert_eq!(attempt.until_made(&served.base).await, (first.clone(), true), "round {round}");
        }
        if !many {
            assert!(first.1.contains_key("etag") && first.1.contains_key("location"), "{:?}", first.1);
        }
        let expected = i64::try_from(attempt.records.len()).unwrap();
        assert_eq!(attempt.effects(&mut admin).await, [expected; 3], "round {round}: rows, history, events");
    }
    nothing_is_left_over(&mut admin).await;
    assert!(served.process.terminate(PATIENCE).await.success());
}

/// Counts agree over the whole database, no position was skipped, and every event leaves in the end.
async fn nothing_is_left_over(conn: &mut AsyncPgConnection) {
    let rows = number(conn, "SELECT count(*) AS number FROM animal").await;
    for (what, sql) in [
        ("positions", "SELECT version AS number FROM model_clock WHERE model = 'animal'"),
        ("live records", "SELECT live_count AS number FROM model_clock WHERE model = 'animal'"),
        ("history", "SELECT count(*) AS number FROM change_log WHERE model = 'animal'"),
        ("events", "SELECT count(*) AS number FROM outbox WHERE aggregate LIKE 'animal/%'"),
    ] {
        assert_eq!(number(conn, sql).await, rows, "{what}");
    }
    let unpublished = "SELECT count(*) AS number FROM outbox WHERE published_at IS NULL";
    wait_until("every event is published", PATIENCE, async || number(conn, unpublished).await == 0).await;
}
