//! The budgets of writes. They do not grow with the herd either, and hardly with the number of records of a request.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Costs, id_of, text};
use crate::harness::{Answer, PASSWORD, Session, TestApp, animal};

/// The most that each write may cost. What each does: the clock; the record; the rules; the write; digest leaves (read and
/// write); facets, where there are any; the history; the clock again; the outbox.
const BUDGETS: [(&str, u64); 27] = [
    ("POST /v1/species", 8),
    ("POST /v1/breeds", 9),
    ("POST /v1/animals", 11),
    ("POST /v1/animals with parents", 13),
    ("POST /v1/animals with an idempotency key", 14),
    ("POST /v1/animals the same key again", 2),
    ("POST /v1/animals?validate_only=true", 4),
    ("POST /v1/animals/bulk of 1", 11),
    ("POST /v1/animals/bulk of 200", 11),
    ("POST /v1/animal-diseases", 13),
    ("POST /v1/treatments", 11),
    ("POST /v1/users", 11),
    ("PUT /v1/animals/{id}", 9),
    ("PATCH /v1/animals/{id}", 8),
    ("PATCH /v1/animals/{id} of another breed", 13),
    ("PATCH /v1/animals/{id} with an old tag", 2),
    ("PATCH /v1/animals/{id} sold", 10),
    ("PATCH /v1/animals/{id} sold with an open case", 16),
    ("PATCH /v1/users/{id}", 8),
    ("DELETE /v1/animals/{id}", 10),
    ("DELETE /v1/animals/{id} still referred to", 3),
    ("POST /v1/animals/{id}/undelete", 12),
    ("POST /v1/auth/token password", 3),
    ("POST /v1/auth/token refresh_token", 3),
    ("POST /v1/auth/token refused", 1),
    ("POST /v1/auth/revoke", 2),
    ("POST /v1/auth/logout_all", 1),
];

pub(super) fn budgets() -> Costs {
    BUDGETS.iter().map(|(what, budget)| ((*what).to_owned(), *budget)).collect()
}

/// What each write costs here: the lesser of two, since every half minute one request also reads the signing keys.
pub(crate) async fn costs(app: &TestApp, session: &Session) -> Costs {
    let mut measure = Measure {
        app,
        session,
        costs: Costs::new(),
        breed: String::new(),
        disease: id_of(app, "SELECT id FROM disease LIMIT 1").await,
        medication: id_of(app, "SELECT id FROM medication LIMIT 1").await,
        parent: id_of(
            app,
            "SELECT father_id AS id FROM animal WHERE father_id IS NOT NULL AND deleted_at IS NULL LIMIT 1",
        )
        .await,
        made: 0,
    };
    for _ in 0..2 {
        measure.all().await;
    }
    measure.costs
}

struct Measure<'a> {
    app: &'a TestApp,
    session: &'a Session,
    costs: Costs,
    breed: String,
    disease: Uuid,
    medication: Uuid,
    parent: Uuid,
    made: usize,
}

impl Measure<'_> {
    fn note(&mut self, what: &str, answer: Answer, status: u16) -> Json {
        let answer = answer.expect(status);
        let cost = answer.statements();
        let known = self.costs.entry(what.to_owned()).or_insert(cost);
        *known = (*known).min(cost);
        answer.json()
    }

    fn name(&mut self, of: &str) -> String {
        self.made += 1;
        format!("{of} {} {}", self.made, Uuid::now_v7().simple())
    }

    fn animal(&mut self) -> Json {
        let name = self.name("a");
        animal(&name, "female", "2022-01-01", &self.breed.clone())
    }

    async fn post(&mut self, what: &str, path: &str, body: &Json, status: u16) -> Json {
        let answer = self.app.post(path, Some(self.session), body).await;
        self.note(what, answer, status)
    }

    async fn patch(&mut self, what: &str, path: &str, body: &Json) -> Json {
        let answer = self.app.patch(path, Some(self.session), body).await;
        self.note(what, answer, 200)
    }

    async fn new_animal(&mut self) -> String {
        let body = self.animal();
        format!("/v1/animals/{}", text(&self.app.make("animals", self.session, body).await["id"]))
    }

    async fn all(&mut self) {
        self.reference_data().await;
        self.new_animals().await;
        self.changes().await;
        self.deletions().await;
        self.people().await;
    }

    async fn reference_data(&mut self) {
        let name = self.name("species");
        let species = self.post("POST /v1/species", "/v1/species", &json!({"name": name}), 201).await;
        let body = json!({"name": "Plain", "species_id": species["id"]});
        let breed = self.post("POST /v1/breeds", "/v1/breeds", &body, 201).await;
        self.breed = text(&breed["id"]);
    }

    async fn new_animals(&mut self) {
        let body = self.animal();
        self.post("POST /v1/animals", "/v1/animals", &body, 201).await;
        let body = self.animal();
        let path = "/v1/animals?validate_only=true";
        self.post("POST /v1/animals?validate_only=true", path, &body, 200).await;
        for count in [1, 200] {
            let items: Vec<Json> = (0..count).map(|_| self.animal()).collect();
            let what = format!("POST /v1/animals/bulk of {count}");
            self.post(&what, "/v1/animals/bulk", &json!({"items": items}), 201).await;
        }
        let mut parent = self.animal();
        parent["birth_date"] = json!("2010-01-01");
        let mother = self.app.make("animals", self.session, parent.clone()).await;
        parent["sex"] = json!("male");
        parent["record"] = json!(self.name("father"));
        let father = self.app.make("animals", self.session, parent).await;
        let mut child = self.animal();
        child["father_id"] = father["id"].clone();
        child["mother_id"] = mother["id"].clone();
        self.post("POST /v1/animals with parents", "/v1/animals", &child, 201).await;
        let (body, key) = (self.animal(), Uuid::now_v7().to_string());
        for what in ["POST /v1/animals with an idempotency key", "POST /v1/animals the same key again"] {
            let request = self.app.request(Method::POST, "/v1/animals", Some(self.session));
            let answer = self.app.send(request.header("Idempotency-Key", &key).json(&body)).await;
            self.note(what, answer, 201);
        }
    }

    async fn changes(&mut self) {
        let path = self.new_animal().await;
        self.patch("PATCH /v1/animals/{id}", &path, &json!({"weight_g": 500})).await;
        let request = self.app.request(Method::PATCH, &path, Some(self.session)).header("If-Match", "\"1\"");
        let answer = self.app.send(request.json(&json!({"weight_g": 501}))).await;
        self.note("PATCH /v1/animals/{id} with an old tag", answer, 412);
        let body = self.animal();
        let request = self.app.request(Method::PUT, &path, Some(self.session)).header("If-Match", "*");
        let answer = self.app.send(request.json(&body)).await;
        self.note("PUT /v1/animals/{id}", answer, 200);
        let species = self.app.get(&format!("/v1/breeds/{}", self.breed), Some(self.session)).await.json();
        let other = json!({"name": self.name("breed"), "species_id": species["species_id"]});
        let other = self.app.make("breeds", self.session, other).await;
        let what = "PATCH /v1/animals/{id} of another breed";
        self.patch(what, &path, &json!({"breed_id": other["id"]})).await;
        self.patch("PATCH /v1/animals/{id} sold", &path, &json!({"status": "sold"})).await;

        let path = self.new_animal().await;
        let animal = path.trim_start_matches("/v1/animals/").to_owned();
        let case = json!({"animal_id": animal, "disease_id": self.disease, "diagnosis_date": "2023-01-01"});
        self.post("POST /v1/animal-diseases", "/v1/animal-diseases", &case, 201).await;
        let given = json!({"animal_id": animal, "medication_id": self.medication, "given_on": "2023-01-01"});
        self.post("POST /v1/treatments", "/v1/treatments", &given, 201).await;
        let what = "PATCH /v1/animals/{id} sold with an open case";
        self.patch(what, &path, &json!({"status": "sold"})).await;
    }

    async fn deletions(&mut self) {
        let path = self.new_animal().await;
        let answer = self.app.delete(&path, Some(self.session)).await;
        self.note("DELETE /v1/animals/{id}", answer, 200);
        let undelete = self.app.request(Method::POST, &format!("{path}/undelete"), Some(self.session));
        let answer = self.app.send(undelete).await;
        self.note("POST /v1/animals/{id}/undelete", answer, 200);
        let answer = self.app.delete(&format!("/v1/animals/{}", self.parent), Some(self.session)).await;
        self.note("DELETE /v1/animals/{id} still referred to", answer, 409);
    }

    async fn people(&mut self) {
        let name = Uuid::now_v7().simple().to_string();
        let body = json!({"identification": name, "fullname": "Mara", "email": format!("{name}@example.org"), "password": PASSWORD});
        let user = self.post("POST /v1/users", "/v1/users", &body, 201).await;
        let path = format!("/v1/users/{}", text(&user["id"]));
        self.patch("PATCH /v1/users/{id}", &path, &json!({"address": "Meadow 1"})).await;
        let token = "/v1/auth/token";
        let sign_in = json!({"username": name, "password": PASSWORD});
        let tokens = self.post("POST /v1/auth/token password", token, &sign_in, 200).await;
        let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]});
        let tokens = self.post("POST /v1/auth/token refresh_token", token, &refresh, 200).await;
        let wrong = json!({"username": name, "password": "wrong password"});
        self.post("POST /v1/auth/token refused", token, &wrong, 401).await;
        let revoke = json!({"token": tokens["refresh_token"]});
        self.post("POST /v1/auth/revoke", "/v1/auth/revoke", &revoke, 200).await;
        let session = Session { id: text(&user["id"]), token: text(&tokens["access_token"]) };
        let request = self.app.request(Method::POST, "/v1/auth/logout_all", Some(&session));
        let answer = self.app.send(request).await;
        self.note("POST /v1/auth/logout_all", answer, 204);
    }
}
