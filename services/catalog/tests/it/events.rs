//! What the catalog tells others: a real consumer on the real stream, and what becomes of events nobody could handle.
//!
//! All tests of a run share the stream, so each looks only at the records it made.

mod observer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contracts::catalog::v1::{Change, RecordChanged};
use event_bus::HandlerError;
use reqwest::Method;
use serde_json::{Value as Json, json};
use test_harness::{Database, wait_until};

use self::observer::{Event, Observer};
use crate::harness::{Answer, ConfigFile, PASSWORD, Session, TestApp, animal, config, config_text, number};

const PATIENCE: Duration = Duration::from_secs(30);

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// One model, a record of it that nothing points at, and a change.
struct Life {
    model: &'static str,
    path: &'static str,
    create: Json,
    change: Json,
}

/// A life in each model.
async fn lives(app: &TestApp, admin: &Session) -> Vec<Life> {
    let species = text(&app.make("species", admin, json!({"name": "cattle"})).await["id"]);
    let breed = text(&app.make("breeds", admin, json!({"name": "Plain", "species_id": species})).await["id"]);
    let cow = text(&app.make("animals", admin, animal("COW", "female", "2019-01-01", &breed)).await["id"]);
    let disease = text(&app.make("diseases", admin, json!({"name": "mastitis"})).await["id"]);
    let remedy = json!({"name": "penicillin", "withdrawal_days": 5});
    let remedy = text(&app.make("medications", admin, remedy).await["id"]);
    let life = |model, path, create, change| Life { model, path, create, change };
    vec![
        life("species", "species", json!({"name": "goat"}), json!({"breeding_age_days": 200})),
        life("breed", "breeds", json!({"name": "Red", "species_id": species}), json!({"name": "Deep Red"})),
        life("animal", "animals", animal("CALF", "male", "2024-01-01", &breed), json!({"mother_id": cow})),
        life("disease", "diseases", json!({"name": "scours"}), json!({"symptoms": "weak calves"})),
        life(
            "animal_disease",
            "animal-diseases",
            json!({"animal_id": cow, "disease_id": disease, "diagnosis_date": "2024-03-01"}),
            json!({"status": "chronic"}),
        ),
        life(
            "medication",
            "medications",
            json!({"name": "iodine", "withdrawal_days": 0}),
            json!({"withdrawal_days": 1}),
        ),
        life(
            "treatment",
            "treatments",
            json!({"animal_id": cow, "medication_id": remedy, "given_on": "2024-03-01"}),
            json!({"notes": "left side"}),
        ),
        life(
            "user",
            "users",
            json!({"identification": "X-1", "fullname": "Mara", "email": "mara@example.org", "password": PASSWORD}),
            json!({"role": "instructor"}),
        ),
    ]
}

/// Makes, changes, deletes and brings back a record; what the API said of each.
async fn live(app: &TestApp, admin: &Session, life: &Life) -> Vec<(Change, Json)> {
    let list = format!("/v1/{}", life.path);
    let mut create = life.create.clone();
    create["client_mutation_id"] = json!("mark-1");
    let created = app.post(&list, Some(admin), &create).await.expect(201).json();
    let path = format!("{list}/{}", text(&created["id"]));
    let updated = app.patch(&path, Some(admin), &life.change).await.expect(200).json();
    let deleted = app.delete(&path, Some(admin)).await.expect(200).json();
    let undelete = app.request(Method::POST, &format!("{path}/undelete"), Some(admin));
    let restored = app.send(undelete).await.expect(200).json();
    assert_eq!(app.get(&path, Some(admin)).await.expect(200).json(), restored);
    vec![
        (Change::Created, created),
        (Change::Updated, updated),
        (Change::Deleted, deleted),
        (Change::Restored, restored),
    ]
}

/// What others are told of a record: all that the API says, but what is nobody else's business.
fn as_told(model: &str, json: &Json) -> Json {
    let private: &[&str] =
        if model == "user" { &["identification", "email", "phone", "address"] } else { &[] };
    let mut told = json.as_object().unwrap().clone();
    for name in private {
        assert!(told.remove(*name).is_some(), "the API shows {name}");
    }
    Json::Object(told)
}

/// The envelope is CloudEvents 1.0 in binary mode, and says what the contract says.
fn check_envelope(event: &Event, model: &str, word: &str) {
    let Event { delivery, changed } = event;
    let header = |name| delivery.headers.get(name).unwrap_or_default();
    assert_eq!(delivery.subject, format!("catalog.{model}.{word}"));
    assert_eq!(delivery.attempt, 1);
    assert_eq!(header("ce-specversion"), "1.0");
    assert_eq!(header("ce-source"), "/catalog");
    assert_eq!(header("ce-type"), "aldia.catalog.v1.RecordChanged");
    assert_eq!(header("ce-dataschema"), "/proto/events/aldia/catalog/v1#RecordChanged");
    assert_eq!(header("ce-subject"), format!("{model}/{}", changed.record_id));
    assert_eq!(header("content-type"), "application/protobuf");
    assert_eq!((header("ce-id"), header("Nats-Msg-Id")), (changed.id.as_str(), changed.id.as_str()));
    let time = chrono::DateTime::parse_from_rfc3339(header("ce-time")).unwrap();
    let occurred = changed.occurred_at.unwrap();
    assert_eq!(
        (time.timestamp(), time.timestamp_subsec_nanos()),
        (occurred.seconds, occurred.nanos.cast_unsigned())
    );
    assert!(header("ce-time").ends_with('Z'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_sees_the_whole_life_of_a_record_of_each_model_in_order() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    for life in lives(&app, &admin).await {
        let mut observer = Observer::of(life.model, |_| Ok(())).await;
        let said = live(&app, &admin, &life).await;
        let id = text(&said[0].1["id"]);
        let mut ids = Vec::new();
        for ((change, json), word) in said.iter().zip(["created", "updated", "deleted", "restored"]) {
            let event = observer.next_of(&id).await;
            check_envelope(&event, life.model, word);
            let Event { changed, .. } = event;
            assert_eq!(changed.change(), *change, "{}", life.model);
            assert_eq!((changed.model.as_str(), changed.actor.as_str()), (life.model, admin.id.as_str()));
            assert_eq!(json["version"], changed.version, "{}", life.model);
            // The mark is that of the change, and the next change gives another, or none.
            assert_eq!(changed.mutation_id, if *change == Change::Created { "mark-1" } else { "" });
            if *change == Change::Deleted {
                assert_eq!((changed.record_json.as_str(), &json["deleted_id"]), ("", &json!(id)));
            } else {
                let record: Json = serde_json::from_str(&changed.record_json).unwrap();
                assert_eq!(record, as_told(life.model, json), "{}", life.model);
            }
            assert!(!changed.record_json.contains("password"), "{}", changed.record_json);
            ids.push(changed.id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 4, "each event has an id of its own");
        observer.end().await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_a_bulk_and_every_case_closed_by_a_rule_is_told() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let mut animals = Observer::of("animal", |_| Ok(())).await;
    let mut cases = Observer::of("animal_disease", |_| Ok(())).await;
    let items: Vec<Json> = (0..3).map(|n| animal(&format!("B{n}"), "female", "2020-01-01", &breed)).collect();
    let made = app.post("/v1/animals/bulk", Some(&admin), &json!({"items": items})).await.expect(201).json();
    for record in made["items"].as_array().unwrap() {
        let Event { changed, .. } = animals.next_of(&text(&record["id"])).await;
        assert_eq!(serde_json::from_str::<Json>(&changed.record_json).unwrap(), *record);
    }

    let cow = text(&made["items"][0]["id"]);
    let disease = app.make("diseases", &admin, json!({"name": "mastitis"})).await;
    let case = json!({"animal_id": cow, "disease_id": disease["id"], "diagnosis_date": "2024-03-01"});
    let case = text(&app.make("animal-diseases", &admin, case).await["id"]);
    assert_eq!(cases.next_of(&case).await.changed.change(), Change::Created);
    app.patch(&format!("/v1/animals/{cow}"), Some(&admin), &json!({"status": "dead"})).await.expect(200);
    let closed = cases.next_of(&case).await.changed;
    let now = app.get(&format!("/v1/animal-diseases/{case}"), Some(&admin)).await.expect(200).json();
    assert_eq!(closed.change(), Change::Updated);
    assert_eq!(serde_json::from_str::<Json>(&closed.record_json).unwrap(), now);
    assert!(now["closed_on"].is_string(), "{now}");
    animals.end().await;
    cases.end().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_that_did_not_happen() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let body = animal("A1", "female", "2020-01-01", &breed);
    let post = async |path: &str, body: &Json| -> Answer {
        let request = app.request(Method::POST, path, Some(&admin)).header("Idempotency-Key", "k");
        app.send(request.json(body)).await
    };
    let made = post("/v1/animals", &body).await.expect(201);
    let path = made.header("location").to_owned();
    let mut conn = app.db.connect().await;
    let outbox = "SELECT count(*) AS number FROM outbox";
    let before = number(&mut conn, outbox).await;

    post("/v1/animals", &body).await.expect(201);
    app.post("/v1/animals?validate_only=true", Some(&admin), &animal("A2", "male", "2020-01-01", &breed))
        .await
        .expect(200);
    app.post("/v1/animals", Some(&admin), &body).await.expect_problem(409, "not_unique");
    let one_bad = json!({"items": [animal("A3", "male", "2020-01-01", &breed), body]});
    app.post("/v1/animals/bulk", Some(&admin), &one_bad).await.expect_problem(409, "not_unique");
    let stale = app.request(Method::DELETE, &path, Some(&admin)).header("If-Match", "\"0\"");
    app.send(stale).await.expect_problem(412, "precondition_failed");
    assert_eq!(number(&mut conn, outbox).await, before);
    app.stop().await;
}

/// Runs `catalog dead-letters …`; exit code, standard output, standard error.
async fn dead_letters(config: &ConfigFile, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_catalog"));
    command.arg("dead-letters").args(args).args(["--config", config.path()]);
    let out = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

/// The dead letter of this event, if there is one: other tests have theirs in the same stream.
async fn letter_of(config: &ConfigFile, event: &str) -> Option<Json> {
    let (code, out, errors) = dead_letters(config, &["list", "--format", "json", "--limit", "1000000"]).await;
    assert_eq!(code, Some(0), "{errors}");
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|letter: &Json| letter["message_id"] == event)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_listed_and_its_replay_reaches_a_healthy_handler_once() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let config = ConfigFile::new(&config_text(app.db.url(), ""));
    let id = uuid::Uuid::now_v7().to_string();
    let poisoned = Arc::new(AtomicBool::new(true));
    let (of, broken) = (id.clone(), Arc::clone(&poisoned));
    let answer = move |changed: &RecordChanged| {
        let refuse = changed.record_id == of && broken.load(Ordering::SeqCst);
        if refuse { Err(HandlerError::reject("no feed for this animal")) } else { Ok(()) }
    };
    let mut observer = Observer::of("species", answer).await;
    app.make("species", &admin, json!({"id": id, "name": "yak"})).await;
    let event = observer.next_of(&id).await;

    let mut letter = None;
    wait_until("the dead letter is there", PATIENCE, async || {
        letter = letter_of(&config, &event.changed.id).await;
        letter.is_some()
    })
    .await;
    let letter = letter.unwrap();
    assert_eq!(letter["subject"], "catalog.species.created");
    assert_eq!(letter["event_type"], "aldia.catalog.v1.RecordChanged");
    assert_eq!((&letter["consumer"], &letter["attempts"]), (&json!(observer.durable), &json!(1)));
    assert_eq!((&letter["cause"], &letter["stream"]), (&json!("no feed for this animal"), &json!("CATALOG")));

    poisoned.store(false, Ordering::SeqCst);
    let sequence = letter["sequence"].to_string();
    let replay = ["replay", "--sequence", &sequence];
    let (code, out, errors) = dead_letters(&config, &replay).await;
    assert_eq!((code, out.as_str()), (Some(0), "replayed: 1\n"), "{errors}");
    let again = observer.next_of(&id).await;
    assert_eq!(again.changed, event.changed);
    for name in ["ce-id", "ce-time", "ce-type", "ce-source", "ce-subject"] {
        assert_eq!(again.delivery.headers.get(name), event.delivery.headers.get(name), "{name}");
    }
    assert_eq!(again.delivery.message_id, event.changed.id);
    // What comes next of the record is the next change, so the replay came once.
    app.patch(&format!("/v1/species/{id}"), Some(&admin), &json!({"name": "yaks"})).await.expect(200);
    assert_eq!(observer.next_of(&id).await.changed.change(), Change::Updated);

    assert_eq!(letter_of(&config, &event.changed.id).await, None);
    let (code, _, errors) = dead_letters(&config, &replay).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains(&sequence), "{errors}");
    observer.end().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_nats_was_away_is_told_when_it_is_back() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut settings = config(db.url(), "");
    settings.nats.url = format!("nats://127.0.0.1:{}", test_harness::free_port());
    let registry = catalog::model::registry::Registry::default();
    let app = TestApp::with(db, settings, registry).await;
    let admin = app.sign_in("administrator").await;
    let made = app.make("species", &admin, json!({"name": "yak"})).await;
    let path = format!("/v1/species/{}", text(&made["id"]));
    for name in ["yak of the hills", "yak of the plains"] {
        app.patch(&path, Some(&admin), &json!({"name": name})).await.expect(200);
    }
    let ready = app.send_unchecked(app.request(Method::GET, "/readyz", None)).await;
    assert_eq!(ready.status, 200, "a catalog without NATS goes on serving");
    let sql =
        "SELECT count(*) AS number FROM outbox WHERE aggregate LIKE 'species/%' AND published_at IS NULL";
    let mut conn = app.db.connect().await;
    assert_eq!(number(&mut conn, sql).await, 3);
    let db = app.stop().await;

    let mut observer = Observer::of("species", |_| Ok(())).await;
    let app = TestApp::on(db).await;
    let mut versions = Vec::new();
    for _ in 0..3 {
        versions.push(observer.next_of(&text(&made["id"])).await.changed.version);
    }
    let first = made["version"].as_i64().unwrap();
    assert_eq!(versions, [first, first + 1, first + 2]);
    wait_until("the outbox is empty", PATIENCE, async || number(&mut conn, sql).await == 0).await;
    observer.end().await;
    app.stop().await;
}
