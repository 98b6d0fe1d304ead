//! A write clears what it changes, all of it, and nothing that it does not.

use reqwest::Method;
use serde_json::{Value as Json, json};
use test_harness::Process;

use super::{make_disease, start, warm};
use crate::harness::{ConfigFile, Session, TestApp, animal, config_text};

/// Ways to ask for diseases.
const LISTS: [&str; 6] = [
    "/v1/diseases",
    "/v1/diseases?limit=3&sort_by=name",
    "/v1/diseases?search=scours",
    "/v1/diseases?since=beginning",
    "/v1/diseases/metadata",
    "/v1/diseases/stats",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_record_leaves_the_answers_about_others() {
    let (app, admin) = start().await;
    let mut paths = Vec::new();
    for n in 0..20 {
        paths.push(make_disease(&app, &admin, &format!("Scours {n}")).await);
    }
    let breed = app.make_breed(&admin, "cattle").await;
    let breed = format!("/v1/breeds/{breed}?include=species");
    for path in paths.iter().map(String::as_str).chain(LISTS).chain([breed.as_str()]) {
        warm(&app, path, None).await;
    }
    app.patch(&paths[7], Some(&admin), &json!({"symptoms": "new"})).await.expect(200);
    for path in LISTS {
        assert!(app.get(path, None).await.expect(200).statements() > 0, "{path} is from before the change");
    }
    let alive: Vec<bool> = {
        let mut alive = Vec::new();
        for path in &paths {
            alive.push(app.get(path, None).await.expect(200).statements() == 0);
        }
        alive
    };
    assert!(alive.iter().enumerate().all(|(n, alive)| *alive == (n != 7)), "{alive:?}");
    assert_eq!(app.get(&breed, None).await.statements(), 0, "a change of a disease reached a breed");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_clears_nothing() {
    let (app, admin) = start().await;
    let path = make_disease(&app, &admin, "Scours").await;
    make_disease(&app, &admin, "Mange").await;
    for known in LISTS.into_iter().chain([path.as_str()]) {
        warm(&app, known, None).await;
    }
    app.patch(&path, Some(&admin), &json!({"name": "Mange"})).await.expect_problem(409, "not_unique");
    let old = app.request(Method::PATCH, &path, Some(&admin)).header("If-Match", "\"1000\"");
    app.send(old.json(&json!({"name": "Other"}))).await.expect_problem(412, "precondition_failed");
    app.post("/v1/diseases", Some(&admin), &json!({})).await.expect_problem(422, "validation_failed");
    let rehearsed =
        app.post("/v1/diseases?validate_only=true", Some(&admin), &json!({"name": "Third"})).await;
    assert_eq!(rehearsed.expect(200).header("cache-group-invalidation"), "");
    for known in LISTS.into_iter().chain([path.as_str()]) {
        assert_eq!(app.get(known, None).await.statements(), 0, "{known}");
    }
    assert_eq!(app.get("/v1/diseases/metadata", None).await.json()["count"], 2, "a rehearsal made a record");
    app.stop().await;
}

/// Everything that changes an animal, and what shows it.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_change_a_record_reaches_every_answer_that_shows_it() {
    let (app, admin) = start().await;
    let herd = Herd::make(&app, &admin).await;
    let shown = herd.shown();
    let check = async |what: &str, expect: &[&str]| {
        for path in &shown {
            let fresh = app.get(path, Some(&admin)).await;
            let again = app.get(path, Some(&admin)).await;
            assert_eq!(fresh.json(), again.json(), "{path} after {what}");
            // One that was never asked has nothing to remember.
            let separator = if path.contains('?') { '&' } else { '?' };
            let cold = herd.forgetful.get(path, Some(&admin)).await;
            assert_eq!(
                without_tokens(fresh.json()),
                without_tokens(cold.json()),
                "{path}{separator} after {what}"
            );
            if expect.iter().any(|part| path.ends_with(part)) {
                assert!(fresh.statements() > 0, "{path} is from before {what}");
            }
        }
    };
    check("nothing", &[]).await;
    let animal = format!("/v1/animals/{}", herd.child);
    app.patch(&animal, Some(&admin), &json!({"weight_g": 7})).await.expect(200);
    check("a change", &[&animal, "/v1/animals", "/v1/animals?include=mother"]).await;
    let treatment = format!("/v1/treatments/{}", herd.treatment);
    app.patch(&treatment, Some(&admin), &json!({"given_on": "2024-05-05"})).await.expect(200);
    check("another treatment", &["/withdrawal", &treatment]).await;
    let remedy = format!("/v1/medications/{}", herd.remedy);
    app.patch(&remedy, Some(&admin), &json!({"withdrawal_days": 99})).await.expect(200);
    check("another period", &["/withdrawal", "?include=medication"]).await;
    app.patch(&format!("/v1/breeds/{}", herd.breed), Some(&admin), &json!({"name": "Other"}))
        .await
        .expect(200);
    check("another breed", &["?include=breed.species"]).await;
    app.patch(&animal, Some(&admin), &json!({"status": "sold"})).await.expect(200);
    check("a sale", &["/v1/animal-diseases", &format!("/v1/animal-diseases/{}", herd.case)]).await;
    app.delete(&treatment, Some(&admin)).await.expect(200);
    check("a deletion", &["/withdrawal", &treatment, "/v1/treatments"]).await;
    app.send(app.request(Method::POST, &format!("{treatment}/undelete"), Some(&admin))).await.expect(200);
    check("an undeletion", &["/withdrawal", &treatment, "/v1/treatments"]).await;
    let many: Vec<Json> = (0..30).map(|n| animal_of(&format!("B{n}"), &herd.breed)).collect();
    app.post("/v1/animals/bulk", Some(&admin), &json!({"items": many})).await.expect(201);
    check("many new ones", &["/v1/animals", "/v1/animals/stats", "/pedigree"]).await;
    let Herd { forgetful, .. } = herd;
    forgetful.stop_replica().await;
    app.stop().await;
}

/// A sync token is sealed anew each time.
fn without_tokens(mut json: Json) -> Json {
    for name in ["since", "next", "prev"] {
        if let Some(object) = json.as_object_mut() {
            object.remove(name);
        }
    }
    json
}

fn animal_of(record: &str, breed: &str) -> Json {
    animal(record, "female", "2020-01-01", breed)
}

struct Herd {
    breed: String,
    child: String,
    case: String,
    remedy: String,
    treatment: String,
    /// A replica that keeps nothing.
    forgetful: TestApp,
}

impl Herd {
    async fn make(app: &TestApp, admin: &Session) -> Self {
        let mut config = app.config.clone();
        config.freshness.cache.enabled = false;
        let forgetful = app.replica(config).await;
        let breed = app.make_breed(admin, "cattle").await;
        let id = |json: Json| json["id"].as_str().unwrap().to_owned();
        let mother = id(app.make("animals", admin, animal("M", "female", "2010-01-01", &breed)).await);
        let mut child = animal_of("C", &breed);
        child["mother_id"] = json!(mother);
        let child = id(app.make("animals", admin, child).await);
        let disease = id(app.make("diseases", admin, json!({"name": "Scours"})).await);
        let case = json!({"animal_id": child, "disease_id": disease, "diagnosis_date": "2021-01-01"});
        let case = id(app.make("animal-diseases", admin, case).await);
        let remedy = id(app.make("medications", admin, json!({"name": "Salve", "withdrawal_days": 3})).await);
        let given = json!({"animal_id": child, "medication_id": remedy, "given_on": "2021-01-01"});
        let treatment = id(app.make("treatments", admin, given).await);
        Self { breed, child, case, remedy, treatment, forgetful }
    }

    fn shown(&self) -> Vec<String> {
        let Self { child, case, treatment, .. } = self;
        let mut paths: Vec<String> = ["animals", "animal-diseases", "treatments"]
            .iter()
            .flat_map(|model| {
                ["", "/metadata", "/stats", "?since=beginning", "?show_deleted=true"]
                    .map(|rest| format!("/v1/{model}{rest}"))
            })
            .collect();
        paths.extend([
            "/v1/animals?include=mother".to_owned(),
            "/v1/animals?include=breed.species".to_owned(),
            format!("/v1/animals/{child}"),
            format!("/v1/animals/{child}?include=breed.species"),
            format!("/v1/animals/{child}/pedigree"),
            format!("/v1/animals/{child}/withdrawal"),
            format!("/v1/animal-diseases/{case}"),
            format!("/v1/treatments/{treatment}"),
            format!("/v1/treatments/{treatment}?include=medication"),
        ]);
        paths
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_how_many_answers_a_write_cleared() {
    let (app, admin) = start().await;
    let path = make_disease(&app, &admin, "Scours").await;
    let other = make_disease(&app, &admin, "Mange").await;
    let file = ConfigFile::new(&config_text(app.db.url(), "[telemetry]\nlog = \"info\""));
    let port = test_harness::free_port();
    let bind = format!("127.0.0.1:{port}");
    let mut process = Process::spawn(
        env!("CARGO_BIN_EXE_catalog"),
        &["serve", "--config", file.path()],
        &[("ALDIA_HTTP__BIND", &bind)],
    );
    process.wait_ready(&format!("http://{bind}/readyz")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let answer = client.get(format!("http://{bind}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
    };
    for path in LISTS.into_iter().chain([path.as_str(), other.as_str(), "/v1/medications"]) {
        for _ in 0..3 {
            get(path).await;
        }
    }
    let change =
        client.patch(format!("http://{bind}{path}")).bearer_auth(&admin.token).header("If-Match", "*");
    let change = change.json(&json!({"symptoms": "new"})).send().await.unwrap();
    assert_eq!(change.status().as_u16(), 200);
    // The lists and the one record; not the other, and not the medications.
    let line = format!("Cache cleared for model diseases: {} entries invalidated", LISTS.len() + 1);
    process.wait_for_log(&line, std::time::Duration::from_secs(10)).await;
    process.terminate(std::time::Duration::from_secs(20)).await;
    app.stop().await;
}
