//! `Idempotency-Key` (X-B2): one effect and one answer, however often a request comes.

mod crash;

use std::collections::BTreeMap;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::{Value as Json, json};
use test_harness::{Database, wait_until};

use crate::harness::{Answer, Session, TestApp, animal, config, number, wait_for_blocked};

/// Header fields that belong to one exchange and not to the answer.
const OF_ONE_EXCHANGE: [&str; 5] =
    ["date", "x-request-id", "x-process-time", "server-timing", "idempotency-replayed"];

/// An answer without what differs between two exchanges: status, header fields, body.
type Lasting = (u16, BTreeMap<String, String>, Vec<u8>);

fn lasting(status: u16, headers: &reqwest::header::HeaderMap, body: &[u8]) -> Lasting {
    let fields = headers.iter().filter(|(name, _)| !OF_ONE_EXCHANGE.contains(&name.as_str()));
    let fields = fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (status, fields.collect(), body.to_vec())
}

fn same(first: &Answer, replay: &Answer) {
    assert_eq!(first.header("idempotency-replayed"), "", "the first answer is no replay");
    assert_eq!(replay.header("idempotency-replayed"), "true");
    let lasting = |answer: &Answer| lasting(answer.status.as_u16(), &answer.headers, &answer.body);
    assert_eq!(lasting(first), lasting(replay));
}

/// A catalog with an administrator and a breed.
struct Farm {
    app: TestApp,
    admin: Session,
    breed: String,
}

impl Farm {
    async fn start() -> Self {
        Self::with(TestApp::start().await).await
    }

    async fn with(app: TestApp) -> Self {
        let admin = app.sign_in("administrator").await;
        let breed = app.make_breed(&admin, "cattle").await;
        Self { app, admin, breed }
    }

    fn animal(&self, record: &str) -> Json {
        animal(record, "female", "2020-01-01", &self.breed)
    }

    async fn post(&self, key: &str, body: &Json) -> Answer {
        self.post_as(&self.admin, key, "/v1/animals", body).await
    }

    async fn post_as(&self, session: &Session, key: &str, path: &str, body: &Json) -> Answer {
        let request = self.app.request(Method::POST, path, Some(session)).header("Idempotency-Key", key);
        self.app.send(request.json(body)).await
    }

    /// A change of the record at `path` as `tag` names it, sent twice with one key; both answers.
    async fn twice(
        &self,
        method: Method,
        path: &str,
        tag: Option<&str>,
        body: Option<&Json>,
    ) -> (Answer, Answer) {
        let request = || {
            let request = self.app.request(method.clone(), path, Some(&self.admin));
            let request = request.header("Idempotency-Key", format!("\"{method} {path}\""));
            let request = tag.iter().fold(request, |request, tag| request.header("If-Match", *tag));
            body.iter().fold(request, |request, body| request.json(body))
        };
        (self.app.send(request()).await, self.app.send(request()).await)
    }

    async fn count(&self, sql: &str) -> i64 {
        number(&mut self.app.db.connect().await, sql).await
    }

    async fn keys(&self) -> i64 {
        self.count("SELECT count(*) AS number FROM idempotency_key").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_first_answer_byte_for_byte_and_says_so() {
    let farm = Farm::start().await;
    let body = farm.animal("A1");
    let first = farm.post("\"one\"", &body).await.expect(201);
    assert!(!first.header("etag").is_empty() && first.header("location").starts_with("/v1/animals/"));
    // The bare token is the same key as the quoted string.
    for key in ["\"one\"", "one"] {
        same(&first, &farm.post(key, &body).await);
    }
    // What is replayed is what was answered, not what has become of it.
    let path = first.header("location").to_owned();
    farm.app.patch(&path, Some(&farm.admin), &json!({"weight_g": 7})).await.expect(200);
    same(&first, &farm.post("one", &body).await);
    assert_eq!(farm.count("SELECT count(*) AS number FROM animal").await, 1);
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_request_of_one_principal() {
    let farm = Farm::start().await;
    let first = farm.post("k", &farm.animal("A1")).await.expect(201);
    farm.post("k", &farm.animal("A2")).await.expect_problem(422, "idempotency_key_reused");
    // Even the same value written otherwise: bytes are compared, nothing is guessed.
    let request = farm.app.request(Method::POST, "/v1/animals", Some(&farm.admin));
    let request = request.header("Idempotency-Key", "k").header("Content-Type", "application/json");
    let spaced = farm.app.send(request.body(format!(" {}", farm.animal("A1")))).await;
    spaced.expect_problem(422, "idempotency_key_reused");

    let other = farm.app.sign_in("instructor").await;
    let theirs = farm.post_as(&other, "k", "/v1/animals", &farm.animal("A2")).await.expect(201);
    assert_ne!(theirs.json()["id"], first.json()["id"]);
    // Another operation is another scope.
    let breeds = json!({"name": "Small", "species_id": farm.app.get(&format!("/v1/breeds/{}", farm.breed), None).await.json()["species_id"]});
    farm.post_as(&farm.admin, "k", "/v1/breeds", &breeds).await.expect(201);
    same(&first, &farm.post("k", &farm.animal("A1")).await);
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_first_request_runs_the_second_is_told_so() {
    let farm = Farm::start().await;
    let body = farm.animal("A1");
    let mut holder = farm.app.db.connect().await;
    holder.batch_execute("BEGIN; SELECT 1 FROM model_clock WHERE model = 'animal' FOR UPDATE").await.unwrap();
    let first = farm.post("k", &body);
    let second = async {
        wait_for_blocked(&farm.app.db, 1).await;
        let refused = farm.post("k", &body).await;
        holder.batch_execute("ROLLBACK").await.unwrap();
        refused
    };
    let (first, second) = tokio::join!(first, second);
    second.expect_problem(409, "idempotency_key_in_use");
    let first = first.expect(201);
    same(&first, &farm.post("k", &body).await);
    assert_eq!(farm.count("SELECT count(*) AS number FROM animal").await, 1);
    farm.app.stop().await;
}

/// Section 2.6 of the draft would have errors kept and repeated as well. Here they are not: what failed had no effect, so a
/// second attempt has nothing to repeat, and the client may correct its request under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_uses_no_key_up() {
    let farm = Farm::start().await;
    farm.app.make("animals", &farm.admin, farm.animal("TAKEN")).await;
    let mut wrong = farm.animal("A1");
    wrong["sex"] = json!("unknown");
    assert_eq!(farm.post("k", &wrong).await.expect_problem(422, "validation_failed"), ["/sex"]);
    // These two fail inside of the transaction, after the key was claimed.
    farm.post("k", &farm.animal("TAKEN")).await.expect_problem(409, "not_unique");
    let mut orphan = farm.animal("A1");
    orphan["father_id"] = json!(uuid::Uuid::now_v7());
    farm.post("k", &orphan).await.expect_problem(422, "validation_failed");
    assert_eq!(farm.keys().await, 0);
    let made = farm.post("k", &farm.animal("A1")).await.expect(201);
    // From now on it is that request's.
    farm.post("k", &farm.animal("TAKEN")).await.expect_problem(422, "idempotency_key_reused");

    let path = made.header("location").to_owned();
    let (stale, again) = farm.twice(Method::PATCH, &path, Some("\"0\""), Some(&json!({"weight_g": 5}))).await;
    stale.expect_problem(412, "precondition_failed");
    again.expect_problem(412, "precondition_failed");
    assert_eq!(farm.keys().await, 1);
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_ten_keys_at_once_make_ten_records() {
    let farm = Farm::start().await;
    let submit = async |n: usize| {
        let (key, body) = (format!("k{}", n % 10), farm.animal(&format!("A{}", n % 10)));
        let answer = farm.post(&key, &body).await;
        match answer.status.as_u16() {
            201 => (n, Some(answer)),
            _ => {
                answer.expect_problem(409, "idempotency_key_in_use");
                (n, None)
            }
        }
    };
    let answers = futures_util::future::join_all((0..50).map(submit)).await;
    let mut firsts: BTreeMap<usize, Answer> = BTreeMap::new();
    let mut replays = Vec::new();
    for (n, answer) in answers {
        match answer {
            Some(answer) if answer.header("idempotency-replayed").is_empty() => {
                assert!(firsts.insert(n % 10, answer).is_none(), "key {} worked twice", n % 10);
            }
            Some(answer) => replays.push((n % 10, answer)),
            None => {}
        }
    }
    assert_eq!(firsts.len(), 10);
    for (key, first) in &firsts {
        replays.push((*key, farm.post(&format!("k{key}"), &farm.animal(&format!("A{key}"))).await));
        for (_, replay) in replays.iter().filter(|(of, _)| of == key) {
            same(first, replay);
        }
    }
    for table in ["animal", "outbox WHERE aggregate LIKE 'animal/%'", "change_log WHERE model = 'animal'"] {
        let sql = format!("SELECT count(*) AS number FROM {table}");
        assert_eq!(farm.count(&sql).await, 10, "{table}");
    }
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_deletions_and_undeletions_are_replayed_too() {
    let farm = Farm::start().await;
    let made = farm.app.post("/v1/animals", Some(&farm.admin), &farm.animal("A1")).await.expect(201);
    let path = made.header("location").to_owned();
    let tag = made.header("etag").to_owned();

    // The replay carries the tag of the state before: it is answered, not refused as stale.
    let (first, replay) = farm.twice(Method::PATCH, &path, Some(&tag), Some(&json!({"weight_g": 5}))).await;
    same(&first.expect(200), &replay);
    let tag = replay.header("etag").to_owned();
    let mut whole = farm.animal("A1");
    whole["notes"] = json!("whole");
    let (first, replay) = farm.twice(Method::PUT, &path, Some(&tag), Some(&whole)).await;
    same(&first.expect(200), &replay);
    let tag = replay.header("etag").to_owned();
    let (first, replay) = farm.twice(Method::DELETE, &path, Some(&tag), None).await;
    same(&first.expect(200), &replay);
    let (first, replay) = farm.twice(Method::POST, &format!("{path}/undelete"), None, None).await;
    same(&first.expect(200), &replay);

    let changes = "SELECT count(*) AS number FROM change_log WHERE model = 'animal'";
    assert_eq!(farm.count(changes).await, 5, "created, updated twice, deleted, restored: each once");
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimal_answer_is_replayed_as_it_was() {
    let farm = Farm::start().await;
    let request = |method: Method, path: &str, body: &Json| {
        let request = farm.app.request(method, path, Some(&farm.admin)).header("If-Match", "*").json(body);
        request.header("Idempotency-Key", "k").header("Prefer", "return=minimal")
    };
    // OpenAPI cannot say that the body of a 201 may be left out, so these are not checked against it.
    let create = || farm.app.send_unchecked(request(Method::POST, "/v1/animals", &farm.animal("A1")));
    let first = create().await;
    assert_eq!((first.status.as_u16(), first.body.len()), (201, 0));
    same(&first, &create().await);
    let path = first.header("location").to_owned();
    let change = || farm.app.send(request(Method::PATCH, &path, &json!({"weight_g": 5})));
    let first = change().await.expect(204);
    same(&first, &change().await);
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_the_key_to_the_request_that_is_meant() {
    let farm = Farm::start().await;
    let body = farm.animal("A1");
    let dry = "/v1/animals?validate_only=true";
    for _ in 0..2 {
        let answer = farm.post_as(&farm.admin, "k", dry, &body).await.expect(200);
        assert_eq!((answer.json()["valid"] == true, answer.header("idempotency-replayed")), (true, ""));
    }
    let many = |validate_only| json!({"items": [farm.animal("B1")], "validate_only": validate_only});
    farm.post_as(&farm.admin, "k", "/v1/animals/bulk", &many(true)).await.expect(200);
    assert_eq!((farm.keys().await, farm.count("SELECT count(*) AS number FROM animal").await), (0, 0));
    farm.post("k", &body).await.expect(201);
    farm.post_as(&farm.admin, "k", "/v1/animals/bulk", &many(false)).await.expect(201);
    // Checked anew each time: an answer of before would say that the tag is still free.
    farm.post_as(&farm.admin, "k", dry, &body).await.expect_problem(409, "not_unique");
    farm.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_forgotten_after_their_retention() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut settings = config(db.url(), "");
    settings.records.idempotency_retention_hours = 2;
    settings.records.purge_interval_secs = 1;
    let registry = catalog::model::registry::Registry::default();
    let farm = Farm::with(TestApp::with(db, settings, registry).await).await;
    let (old, young) = (farm.animal("OLD"), farm.animal("YOUNG"));
    let first = farm.post("young", &young).await.expect(201);
    farm.post("old", &old).await.expect(201);
    let age = |key: &str, hours: u8| {
        format!(
            "UPDATE idempotency_key SET created_at = now() - interval '{hours} hours' WHERE key = '{key}'"
        )
    };
    let mut conn = farm.app.db.connect().await;
    conn.batch_execute(&format!("{};{}", age("young", 1), age("old", 3))).await.unwrap();
    wait_until("the old answer is gone", Duration::from_secs(20), async || farm.keys().await == 1).await;
    same(&first, &farm.post("young", &young).await);
    farm.post("old", &old).await.expect_problem(409, "not_unique");
    farm.app.stop().await;
}
