//! What is done with packages: every step and its refusals, the shelf, claims.

mod chain;
mod claims;
mod endings;
mod evidence;
mod identity;
mod incidents;
mod moves;
mod reception;
mod shelf;
mod slots;
mod words;

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::desk::Staff;
use crate::harness::{Answer, Harness};

/// A service whose clock does nothing by itself, with people at its desk.
struct Place {
    harness: Harness,
    staff: Staff,
}

impl Place {
    async fn open() -> Self {
        Self::with("").await
    }

    /// With more settings.
    async fn with(more: &str) -> Self {
        let harness = Harness::with(&format!("[jobs]\nenabled = false\n{more}")).await;
        let staff = harness.staff().await;
        Self { harness, staff }
    }

    /// A customer of this name, whose phone ends with this number.
    async fn customer(&self, name: &str, number: u32) -> Uuid {
        self.harness.enrolled(Uuid::now_v7(), name, &format!("+57300{number:07}")).await
    }

    /// Slots of a size.
    async fn shelf(&self, codes: &[&str], size_class: &str) {
        let body = json!({"codes": codes, "size_class": size_class});
        self.harness.post("/v1/slots", &self.staff.admin, &body).await.expect(201);
    }

    /// A step that the operator asks for.
    async fn ask(&self, package: Uuid, step: &str, body: &Json) -> Answer {
        self.ask_as(&self.staff.operator, package, step, body).await
    }

    async fn ask_as(&self, token: &str, package: Uuid, step: &str, body: &Json) -> Answer {
        self.harness.post(&format!("/v1/packages/{package}/{step}"), token, body).await
    }

    /// The same, under a key.
    async fn ask_keyed(&self, path: &str, key: &str, body: &Json) -> Answer {
        let request = self.harness.request(Method::POST, path, Some(&self.staff.operator));
        self.harness.send(request.header("Idempotency-Key", format!("\"{key}\"")).json(body)).await
    }

    /// A package that was announced for this customer and received.
    async fn received(&self, customer_id: Uuid, guide: &str) -> Uuid {
        let announced = self.harness.announced(customer_id, guide).await;
        self.ask(announced.package_id, "receive", &parcel()).await.expect(200);
        announced.package_id
    }

    /// The same, in a slot of its own.
    async fn stored(&self, customer_id: Uuid, guide: &str) -> Uuid {
        let package = self.received(customer_id, guide).await;
        self.shelf(&[guide], "extra").await;
        self.ask(package, "store", &json!({"slot_code": guide})).await.expect(200);
        package
    }

    /// The only text that a statement gives.
    async fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let row: Row = sql_query(format!("SELECT ({sql})::text AS text"))
            .get_result(&mut self.harness.db.connect().await)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.text
    }

    async fn run(&self, sql: &str) {
        sql_query(sql).execute(&mut self.harness.db.connect().await).await.unwrap();
    }

    async fn count(&self, from: &str) -> i64 {
        self.text(&format!("SELECT count(*) FROM {from}")).await.parse().unwrap()
    }
}

/// A small parcel that was looked at, with two photos of its own.
fn parcel() -> Json {
    json!({"size_class": "small", "condition": "good", "photos": [Uuid::now_v7(), Uuid::now_v7()]})
}

/// A parcel with more said of it.
fn parcel_with(more: Json) -> Json {
    let mut parcel = parcel();
    let more = more.as_object().unwrap().clone();
    parcel.as_object_mut().unwrap().extend(more);
    parcel
}

/// Fails the test unless a step was refused for just this; `allowed` is what can be done instead.
#[track_caller]
fn refused(answer: &Answer, missing: &[&str], allowed: &[&str]) {
    answer.expect_problem(409, "step_refused");
    assert_eq!(answer.json()["missing"], json!(missing), "{}", answer.text());
    assert_eq!(answer.json()["allowed"], json!(allowed), "{}", answer.text());
}
