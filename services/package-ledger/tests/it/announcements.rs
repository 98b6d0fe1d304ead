//! Parcels are announced, listed, taken back, and recognised on the desk.

mod create;
mod matching;
mod plans;
mod reads;
mod withdraw;

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::desk::Staff;
use crate::harness::{Answer, Harness};

/// A desk whose clock does nothing by itself, and a customer before it.
struct Counter {
    app: Harness,
    staff: Staff,
    /// Ada's.
    token: String,
    ada: Uuid,
}

impl Counter {
    async fn open() -> Self {
        let app = Harness::with("[jobs]\nenabled = false").await;
        let (staff, person) = (app.staff().await, Uuid::now_v7());
        let body = json!({"name": "Ada López", "phone": "+573001234567"});
        let token = app.token(person);
        let ada = app.post("/v1/customers", &token, &body).await.expect(201).json();
        Self { ada: id(&ada), app, staff, token }
    }

    /// Somebody else, who is a customer too.
    async fn other(&self, name: &str, phone: &str) -> (Uuid, String) {
        let token = self.app.token(Uuid::now_v7());
        let body = json!({"name": name, "phone": phone});
        (id(&self.app.post("/v1/customers", &token, &body).await.expect(201).json()), token)
    }

    async fn announce(&self, token: &str, body: &Json) -> Answer {
        self.app.post("/v1/announcements", token, body).await
    }

    async fn announced(&self, guide: &str) -> Json {
        self.announce(&self.token, &json!({"guide_number": guide})).await.expect(201).json()
    }

    async fn announce_keyed(&self, key: &str, body: &Json) -> Answer {
        let request = self.app.request(Method::POST, "/v1/announcements", Some(&self.token));
        self.app.send(request.header("Idempotency-Key", format!("\"{key}\"")).json(body)).await
    }

    async fn count(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let mut conn = self.app.db.connect().await;
        let rows: Vec<Row> =
            sql_query(format!("SELECT count(*) AS number FROM {sql}")).load(&mut conn).await.unwrap();
        rows[0].number
    }
}

fn id(thing: &Json) -> Uuid {
    thing["id"].as_str().unwrap().parse().unwrap()
}

fn path(announcement: &Json) -> String {
    format!("/v1/announcements/{}", id(announcement))
}
