//! A desk with a customer, and packages put there by SQL.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::desk::Staff;
use crate::harness::{Answer, Harness};

/// Version 1 of the tariff.
pub(crate) const FIRST_TARIFF: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);
/// What a code looks like that nobody has: it is right once in 2^40 times.
pub(crate) const WRONG_CODE: &str = "0000-0000";

/// A desk that is open.
pub(crate) struct World {
    pub(crate) desk: Harness,
    pub(crate) staff: Staff,
    pub(crate) customer: Customer,
}

/// Somebody whom parcels are for.
pub(crate) struct Customer {
    pub(crate) id: Uuid,
    pub(crate) token: String,
    pub(crate) document: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// An instant.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl World {
    /// A desk at Monday, 10:00 in Bogotá.
    pub(crate) async fn open() -> Self {
        let desk = Harness::start().await;
        desk.clock.set(instant("2026-11-02T15:00:00Z"));
        let staff = desk.staff().await;
        let customer = customer(&desk).await;
        Self { desk, staff, customer }
    }

    /// A small package of the customer that was received now, lies in a slot, and can be fetched.
    pub(crate) async fn package(&self) -> Uuid {
        self.package_of(self.customer.id, "notified").await
    }

    /// The same of another customer, or in another status of those that lie in a slot.
    pub(crate) async fn package_of(&self, customer_id: Uuid, status: &str) -> Uuid {
        let (slot, package) = (Uuid::now_v7(), Uuid::now_v7());
        let mut conn = self.conn().await;
        diesel::sql_query(
            "INSERT INTO slot (id, code, size_class, status, created_at, updated_at) \
             VALUES ($1, 'S' || upper(right($1::text, 8)), 'small', 'held', now(), now())",
        )
        .bind::<SqlUuid, _>(slot)
        .execute(&mut conn)
        .await
        .unwrap();
        diesel::sql_query(
            "INSERT INTO package (id, tracking_no, customer_id, size_class, condition, status, slot_id, tariff_id, \
             received_at, stored_at, notified_at, created_at, updated_at) \
             VALUES ($1, 'T' || right($1::text, 10), $2, 'small', 'good', $3, $4, $5, $6, $6, $6, $6, $6)",
        )
        .bind::<SqlUuid, _>(package)
        .bind::<SqlUuid, _>(customer_id)
        .bind::<Text, _>(status)
        .bind::<SqlUuid, _>(slot)
        .bind::<SqlUuid, _>(FIRST_TARIFF)
        .bind::<Timestamptz, _>(self.desk.clock.now())
        .execute(&mut conn)
        .await
        .unwrap();
        package
    }

    /// A connection of the service's own role.
    pub(crate) async fn conn(&self) -> AsyncPgConnection {
        self.desk.db.connect().await
    }

    /// The number that a statement gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let counted: Count = diesel::sql_query(format!("SELECT ({sql})::bigint AS count"))
            .get_result(&mut self.conn().await)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        counted.count
    }

    /// Days go by.
    pub(crate) fn days(&self, days: i64) {
        self.desk.clock.advance(TimeDelta::days(days));
    }

    /// A new code for a package of the customer, as its customer reads it.
    pub(crate) async fn code(&self, package: Uuid) -> String {
        self.code_for(package, &self.customer.token).await
    }

    /// The same for another customer.
    pub(crate) async fn code_for(&self, package: Uuid, token: &str) -> String {
        let path = format!("/v1/packages/{package}/code");
        self.desk.post(&path, token, &json!({})).await.expect(201);
        let shown = self.desk.get(&path, token).await.expect(200).json();
        shown["code"].as_str().unwrap().to_owned()
    }

    /// The operator hands a package over.
    pub(crate) async fn deliver(&self, package: Uuid, code: &str, paid_minor: Option<i64>) -> Answer {
        self.desk.post(&deliver_path(package), &self.staff.operator, &delivery(code, paid_minor)).await
    }

    /// The operator posts with an idempotency key.
    pub(crate) async fn keyed(&self, path: &str, key: &str, body: &Json) -> Answer {
        let request = self.desk.request(Method::POST, path, Some(&self.staff.operator));
        self.desk.send(request.header("Idempotency-Key", format!("\"{key}\"")).json(body)).await
    }

    /// The operator takes money.
    pub(crate) async fn pay(&self, package: Uuid, amount_minor: i64) -> Answer {
        let path = format!("/v1/packages/{package}/payments");
        self.desk.post(&path, &self.staff.operator, &cash(amount_minor)).await
    }

    /// An admin waives.
    pub(crate) async fn waive(&self, package: Uuid, amount_minor: i64) -> Answer {
        let body = json!({"amount_minor": amount_minor, "reason": "we were closed"});
        self.desk.post(&format!("/v1/packages/{package}/waivers"), &self.staff.admin, &body).await
    }

    /// The fee of a package, asked by its operator.
    pub(crate) async fn fee(&self, package: Uuid, query: &str) -> Json {
        let path = format!("/v1/packages/{package}/fee{query}");
        self.desk.get(&path, &self.staff.operator).await.expect(200).json()
    }

    /// What is due for a package now.
    pub(crate) async fn due(&self, package: Uuid) -> i64 {
        self.fee(package, "").await["due"]["amount_minor"].as_i64().unwrap()
    }

    /// The transfers about a package, the last first.
    pub(crate) async fn transfers(&self, package: Uuid) -> Vec<Json> {
        let path = format!("/v1/ledger/transfers?limit=100&package={package}");
        let page = self.desk.get(&path, &self.staff.auditor).await.expect(200).json();
        page["items"].as_array().unwrap().clone()
    }

    /// An admin takes a transfer back.
    pub(crate) async fn correct(&self, transfer: &Json) -> Answer {
        let body = json!({"transfer_id": transfer["id"], "reason": "typed wrong"});
        self.desk.post("/v1/ledger/corrections", &self.staff.admin, &body).await
    }

    /// What the customer owes by the books.
    pub(crate) async fn booked(&self) -> i64 {
        let path = format!("/v1/customers/{}/balance", self.customer.id);
        let balance = self.desk.get(&path, &self.customer.token).await.expect(200).json();
        balance["booked"]["amount_minor"].as_i64().unwrap()
    }

    /// Fails the test unless debits are credits, and every account holds what its transfers say.
    pub(crate) async fn check_books(&self) {
        let (debits, credits) =
            ("SELECT coalesce(sum(debits_minor), 0)", "SELECT coalesce(sum(credits_minor), 0)");
        let debits = self.number(&format!("{debits} FROM ledger_account")).await;
        assert_eq!(debits, self.number(&format!("{credits} FROM ledger_account")).await);
        let replayed = "SELECT coalesce(sum(amount_minor), 0) FROM ledger_transfer";
        assert_eq!(debits, self.number(replayed).await);
        let astray = "SELECT count(*) FROM ledger_account a WHERE \
            a.debits_minor <> (SELECT coalesce(sum(amount_minor), 0) FROM ledger_transfer t WHERE t.debit_account_id = a.id) OR \
            a.credits_minor <> (SELECT coalesce(sum(amount_minor), 0) FROM ledger_transfer t WHERE t.credit_account_id = a.id)";
        assert_eq!(self.number(astray).await, 0);
    }
}

/// Somebody with a document, who signs in.
pub(crate) async fn customer(desk: &Harness) -> Customer {
    let (id, user_id) = (Uuid::now_v7(), Uuid::now_v7());
    let digits = format!("{:010}", id.as_u128() % 10_000_000_000);
    diesel::sql_query(
        "INSERT INTO customer (id, user_id, name, search_name, phone, document_type, document_number, created_at, updated_at) \
         VALUES ($1, $2, 'Ada Gómez', 'ada gomez', '+57' || $3, 'cc', $3, now(), now())",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(user_id)
    .bind::<Text, _>(&digits)
    .execute(&mut desk.db.connect().await)
    .await
    .unwrap();
    Customer { id, token: desk.token(user_id), document: digits }
}

/// Cash.
pub(crate) fn cash(amount_minor: i64) -> Json {
    json!({"method": "cash", "amount_minor": amount_minor, "currency": "COP"})
}

/// A hand-over by code.
pub(crate) fn delivery(code: &str, paid_minor: Option<i64>) -> Json {
    let mut body = json!({"code": code, "recipient_name": "Ada Gómez"});
    if let Some(amount_minor) = paid_minor {
        body["payment"] = cash(amount_minor);
    }
    body
}

/// Where packages are handed over.
pub(crate) fn deliver_path(package: Uuid) -> String {
    format!("/v1/packages/{package}/deliver")
}
