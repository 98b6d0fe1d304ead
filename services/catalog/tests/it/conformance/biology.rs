//! What cannot be true of a herd is refused (C-D11), and what follows from it is told.

use serde_json::{Value as Json, json};

use crate::harness::{Session, TestApp, animal};

/// A herd to break rules in.
struct Herd {
    app: TestApp,
    administrator: Session,
    breed: String,
    other_breed: String,
}

impl Herd {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let administrator = app.sign_in("administrator").await;
        let breed = app.make_breed(&administrator, "cattle").await;
        let other_breed = app.make_breed(&administrator, "sheep").await;
        Self { app, administrator, breed, other_breed }
    }

    async fn make(&self, record: &str, sex: &str, born: &str, parents: Json) -> String {
        let mut body = animal(record, sex, born, &self.breed);
        for (name, value) in parents.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let made = self.app.make("animals", &self.administrator, body).await;
        made["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Fails unless the change is refused for these reasons.
    #[track_caller]
    fn refuses(&self, id: &str, change: Json, reasons: &[(&str, &str)]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let path = format!("/v1/animals/{id}");
        let reasons: Vec<(String, String)> =
            reasons.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        async move {
            let answer = self.app.patch(&path, Some(&self.administrator), &change).await;
            answer.expect_problem(422, "herd_rule_broken");
            assert_eq!(faults(&answer.json()), reasons, "{at}");
        }
    }

    async fn get(&self, path: &str) -> Json {
        self.app.get(path, Some(&self.administrator)).await.expect(200).json()
    }
}

fn faults(problem: &Json) -> Vec<(String, String)> {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|fault| (text(&fault["pointer"]), text(&fault["code"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_has_the_right_sex_species_and_age_and_is_no_descendant() {
    let herd = Herd::start().await;
    let cow = herd.make("cow", "female", "2015-01-01", json!({})).await;
    let bull = herd.make("bull", "male", "2015-01-01", json!({})).await;
    let calf = herd.make("calf", "male", "2018-01-01", json!({"father_id": bull, "mother_id": cow})).await;
    let ram = json!({"breed_id": herd.other_breed});
    let ram = herd.make("ram", "male", "2015-01-01", ram).await;
    herd.refuses(
        &calf,
        json!({"father_id": cow, "mother_id": bull}),
        &[("/father_id", "parent_sex"), ("/mother_id", "parent_sex")],
    )
    .await;
    herd.refuses(&calf, json!({"father_id": ram}), &[("/father_id", "parent_species")]).await;
    herd.refuses(
        &calf,
        json!({"father_id": calf}),
        &[("/father_id", "own_parent"), ("/father_id", "pedigree_cycle")],
    )
    .await;
    herd.refuses(
        &calf,
        json!({"birth_date": "2015-01-01"}),
        &[("/father_id", "parent_not_older"), ("/mother_id", "parent_not_older")],
    )
    .await;
    herd.refuses(&cow, json!({"birth_date": "2018-01-01"}), &[("/birth_date", "offspring_not_younger")])
        .await;
    herd.refuses(&cow, json!({"sex": "male"}), &[("/sex", "offspring_sex")]).await;
    herd.refuses(&cow, json!({"breed_id": herd.other_breed}), &[("/breed_id", "offspring_species")]).await;
    let circle = json!({"father_id": calf, "birth_date": "2014-01-01"});
    let answer = herd.app.patch(&format!("/v1/animals/{bull}"), Some(&herd.administrator), &circle).await;
    answer.expect_problem(422, "herd_rule_broken");
    assert!(faults(&answer.json()).contains(&("/father_id".to_owned(), "pedigree_cycle".to_owned())));
    let goat = herd.app.make("species", &herd.administrator, json!({"name": "goat"})).await;
    let moved = json!({"species_id": goat["id"]});
    let answer =
        herd.app.patch(&format!("/v1/breeds/{}", herd.breed), Some(&herd.administrator), &moved).await;
    assert_eq!(answer.expect_problem(422, "herd_rule_broken"), ["/species_id"]);
    herd.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_was_too_young_is_refused_by_the_species_own_age() {
    let herd = Herd::start().await;
    let breed = herd.get(&format!("/v1/breeds/{}", herd.breed)).await;
    let species = format!("/v1/species/{}", breed["species_id"].as_str().unwrap_or_default());
    herd.app.patch(&species, Some(&herd.administrator), &json!({"breeding_age_days": 400})).await.expect(200);
    let cow = herd.make("cow", "female", "2020-01-01", json!({})).await;
    let mut calf = animal("calf", "male", "2021-01-01", &herd.breed);
    calf["mother_id"] = json!(cow);
    let refused = herd.app.post("/v1/animals", Some(&herd.administrator), &calf).await;
    assert_eq!(refused.expect_problem(422, "herd_rule_broken"), ["/mother_id"]);
    assert_eq!(faults(&refused.json())[0].1, "parent_too_young");
    calf["birth_date"] = json!("2021-06-01");
    herd.app.post("/v1/animals", Some(&herd.administrator), &calf).await.expect(201);
    herd.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_one_herd_whose_circles_are_found() {
    let herd = Herd::start().await;
    let ids: Vec<String> = (0..2).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    let mut items =
        [animal("one", "male", "2020-01-01", &herd.breed), animal("two", "male", "2015-01-01", &herd.breed)];
    for (n, item) in items.iter_mut().enumerate() {
        item["id"] = json!(ids[n]);
    }
    items[0]["father_id"] = json!(ids[1]);
    let family = json!({"items": items});
    herd.app
        .post("/v1/animals/bulk?validate_only=true", Some(&herd.administrator), &family)
        .await
        .expect(200);
    items[1]["father_id"] = json!(ids[0]);
    let circle = herd.app.post("/v1/animals/bulk", Some(&herd.administrator), &json!({"items": items})).await;
    circle.expect_problem(422, "herd_rule_broken");
    let found = faults(&circle.json());
    for n in 0..2 {
        assert!(found.contains(&(format!("/items/{n}/father_id"), "pedigree_cycle".to_owned())), "{found:?}");
    }
    assert_eq!(herd.get("/v1/animals/metadata").await["count"], 0);
    herd.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_animal_that_leaves_closes_its_open_cases_and_comes_back_by_an_administrator_only() {
    let herd = Herd::start().await;
    let instructor = herd.app.sign_in("instructor").await;
    let disease = herd.app.make("diseases", &instructor, json!({"name": "Mastitis"})).await;
    // Only the status tells that an animal died, whatever its other texts say.
    for (record, status, outcome) in [("dead", "sold", "active"), ("sold", "dead", "died")] {
        let id = herd.make(record, "female", "2020-01-01", json!({"notes": "dead"})).await;
        let case = json!({"animal_id": id, "disease_id": disease["id"], "diagnosis_date": "2021-01-01"});
        let open = herd.app.make("animal-diseases", &instructor, case.clone()).await;
        let mut closed = case.clone();
        closed["diagnosis_date"] = json!("2020-06-01");
        closed["status"] = json!("recovered");
        closed["closed_on"] = json!("2020-07-01");
        let closed = herd.app.make("animal-diseases", &instructor, closed).await;
        let path = format!("/v1/animals/{id}");
        let left = herd.app.patch(&path, Some(&instructor), &json!({"status": status})).await.expect(200);
        let case_path = format!("/v1/animal-diseases/{}", open["id"].as_str().unwrap_or_default());
        let cleared = format!("\"animal-diseases\", \"animal-diseases/any\", \"animals\", \"animals/{id}\"");
        assert_eq!(left.header("cache-group-invalidation"), cleared);
        let after = herd.get(&case_path).await;
        assert_eq!(after["status"], outcome, "{record}");
        assert!(after["closed_on"].is_string() && after["version"].as_i64() > open["version"].as_i64());
        let path_of_closed = format!("/v1/animal-diseases/{}", closed["id"].as_str().unwrap_or_default());
        assert_eq!(herd.get(&path_of_closed).await, closed);
        let refused = herd.app.patch(&path, Some(&instructor), &json!({"status": "alive"})).await;
        assert_eq!(refused.expect_problem(422, "herd_rule_broken"), ["/status"]);
        assert_eq!(faults(&refused.json())[0].1, "status_final");
        herd.app.patch(&path, Some(&herd.administrator), &json!({"status": "alive"})).await.expect(200);
    }
    herd.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_diagnosed_or_given_before_birth_and_the_longest_withdrawal_counts() {
    let herd = Herd::start().await;
    let admin = &herd.administrator;
    let cow = herd.make("cow", "female", "2020-06-01", json!({})).await;
    let disease = herd.app.make("diseases", admin, json!({"name": "Mastitis"})).await;
    let early = json!({"animal_id": cow, "disease_id": disease["id"], "diagnosis_date": "2020-05-31"});
    let refused = herd.app.post("/v1/animal-diseases", Some(admin), &early).await;
    assert_eq!(refused.expect_problem(422, "herd_rule_broken"), ["/diagnosis_date"]);
    let path = format!("/v1/animals/{cow}/withdrawal");
    assert_eq!(herd.get(&path).await, json!({"animal_id": cow, "withdrawal_until": null, "treatments": []}));
    for (name, days, given_on) in [("Long", 60, "2021-03-01"), ("Short", 3, "2021-04-01")] {
        let remedy =
            herd.app.make("medications", admin, json!({"name": name, "withdrawal_days": days})).await;
        let treatment = json!({"animal_id": cow, "medication_id": remedy["id"], "given_on": "2020-05-31"});
        let refused = herd.app.post("/v1/treatments", Some(admin), &treatment).await;
        assert_eq!(refused.expect_problem(422, "herd_rule_broken"), ["/given_on"]);
        let treatment = json!({"animal_id": cow, "medication_id": remedy["id"], "given_on": given_on});
        herd.app.make("treatments", admin, treatment).await;
    }
    let withdrawal = herd.get(&path).await;
    assert_eq!(withdrawal["withdrawal_until"], "2021-04-30");
    assert_eq!(withdrawal["treatments"].as_array().map(Vec::len), Some(2));
    herd.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offspring_of_full_sibs_is_inbred_by_a_quarter() {
    let herd = Herd::start().await;
    let cow = herd.make("cow", "female", "2010-01-01", json!({})).await;
    let bull = herd.make("bull", "male", "2010-01-01", json!({})).await;
    let parents = json!({"father_id": bull, "mother_id": cow});
    let son = herd.make("son", "male", "2013-01-01", parents.clone()).await;
    let daughter = herd.make("daughter", "female", "2013-06-01", parents).await;
    let calf =
        herd.make("calf", "male", "2016-01-01", json!({"father_id": son, "mother_id": daughter})).await;
    let pedigree = herd.get(&format!("/v1/animals/{calf}/pedigree")).await;
    assert_eq!(pedigree["inbreeding_coefficient"], 0.25);
    assert_eq!(pedigree["ancestors"].as_array().map(Vec::len), Some(4));
    let near = herd.get(&format!("/v1/animals/{calf}/pedigree?generations=1")).await;
    assert_eq!(
        (near["inbreeding_coefficient"].as_f64(), near["ancestors"].as_array().map(Vec::len)),
        (Some(0.0), Some(2))
    );
    assert_eq!(herd.get(&format!("/v1/animals/{son}/pedigree")).await["inbreeding_coefficient"], 0.0);
    for wrong in ["0", "1000", "x"] {
        let answer = herd
            .app
            .get(&format!("/v1/animals/{calf}/pedigree?generations={wrong}"), Some(&herd.administrator))
            .await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), ["?generations"]);
    }
    herd.app.stop().await;
}
