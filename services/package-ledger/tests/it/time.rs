//! What time does to packages, and what customers are told of it.

mod deadlines;
mod expiry;
mod gateway;
mod killed;
mod mail;
mod post;
mod reads;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use serde_json::Value as Json;
use test_harness::{lines, wait_until};
use uuid::Uuid;

use crate::harness::Harness;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The tariff that the migration seeds.
const TARIFF: &str = "00000000-0000-7000-8000-000000000001";
/// The deadlines of that tariff, in the order in which they fire: kind, ordinal, hours after reception.
const POLICY: [(&str, i32, i64); 8] = [
    ("free_time_ends", 0, 24),
    ("reminder", 1, 24),
    ("reminder", 2, 72),
    ("reminder", 3, 168),
    ("reminder", 4, 360),
    ("reminder", 5, 600),
    ("hold_ends", 0, 720),
    ("abandonment_due", 0, 1080),
];

/// The one text or number that a statement finds.
async fn one(conn: &mut AsyncPgConnection, sql: &str) -> String {
    let mut found = lines(conn, &format!("SELECT coalesce(({sql})::text, '') AS line")).await;
    assert_eq!(found.len(), 1, "{sql}");
    found.remove(0)
}

async fn run(conn: &mut AsyncPgConnection, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn wait_for(conn: &mut AsyncPgConnection, sql: &str, expected: &str) {
    wait_until(&format!("{expected} of {sql}"), PATIENCE, async || one(conn, sql).await == expected).await;
}

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A customer.
#[derive(Clone, Copy)]
struct Customer {
    id: Uuid,
    user_id: Uuid,
    number: u32,
}

impl Customer {
    fn email(self) -> String {
        format!("ana.{}@example.org", self.number)
    }

    fn phone(self) -> String {
        format!("+57300{:07}", self.number)
    }
}

/// A customer with this language who wants messages on these channels (columns).
async fn customer(conn: &mut AsyncPgConnection, number: u32, language: &str, wanted: &[&str]) -> Customer {
    let made = Customer { id: Uuid::now_v7(), user_id: Uuid::now_v7(), number };
    let wants = |column: &str| wanted.contains(&column);
    let sql = format!(
        "INSERT INTO customer (id, user_id, name, search_name, phone, email, language, by_sms, by_email, by_whatsapp, by_push, created_at, updated_at) \
         VALUES ('{}', '{}', 'Ana Pérez', 'ana perez', '{}', '{}', '{language}', {}, {}, {}, {}, now(), now())",
        made.id,
        made.user_id,
        made.phone(),
        made.email(),
        wants("sms"),
        wants("email"),
        wants("whatsapp"),
        wants("push"),
    );
    run(conn, &sql).await;
    made
}

/// A small package of this customer that was received then and lies in a slot, with the deadlines of its tariff.
async fn stored(conn: &mut AsyncPgConnection, customer: Customer, received_at: DateTime<Utc>) -> Uuid {
    let (id, slot) = (Uuid::now_v7(), Uuid::now_v7());
    let code: String = id.simple().to_string().to_uppercase().chars().skip(12).collect();
    let sql = format!(
        "INSERT INTO slot (id, code, size_class, status, created_at, updated_at) VALUES ('{slot}', '{}', 'small', 'held', now(), now()); \
         INSERT INTO package (id, tracking_no, guide_number, customer_id, size_class, condition, status, slot_id, tariff_id, received_at, \
         stored_at, free_until, hold_until, abandon_at, created_at, updated_at) VALUES ('{id}', '{}', '{}', '{}', 'small', 'good', \
         'stored', '{slot}', '{TARIFF}', '{at}', '{at}', '{}', '{}', '{}', '{at}', '{at}')",
        code,
        code,
        code,
        customer.id,
        received_at + TimeDelta::hours(24),
        received_at + TimeDelta::days(30),
        received_at + TimeDelta::days(45),
        at = received_at,
    );
    run(conn, &sql).await;
    for (kind, ordinal, hours) in POLICY {
        let due_at = received_at + TimeDelta::hours(hours);
        let sql = format!(
            "INSERT INTO deadline (package_id, kind, ordinal, due_at) VALUES ('{id}', '{kind}', {ordinal}, '{due_at}')"
        );
        run(conn, &sql).await;
    }
    id
}

/// A message that waits, about a package of this customer.
async fn waiting(
    conn: &mut AsyncPgConnection,
    package: Uuid,
    customer: Customer,
    template: &str,
    channel: &str,
    at: DateTime<Utc>,
) -> Uuid {
    let id = Uuid::now_v7();
    let recipient = if channel == "email" { customer.email() } else { customer.phone() };
    let content = serde_json::json!({
        "name": "Ana Pérez", "tracking_no": "TRACK123", "carrier": null, "guide_number": "9912345678", "at": at, "fee": null,
        "free_until": null, "hold_until": null,
    });
    let sql = format!(
        "INSERT INTO notification (id, package_id, customer_id, channel, template, language, recipient, data, next_attempt_at, created_at) \
         SELECT '{id}', '{package}', id, '{channel}', '{template}', language, '{recipient}', '{content}', '{at}', '{at}' \
         FROM customer WHERE id = '{}'",
        customer.id
    );
    run(conn, &sql).await;
    id
}

/// Writes down each deadline that fires, in the order in which that is committed.
const WATCH: &str = "
CREATE TABLE fired_log (position bigserial PRIMARY KEY, package_id uuid, kind text, ordinal integer, due_at timestamptz);
CREATE FUNCTION note_fired() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO fired_log (package_id, kind, ordinal, due_at) VALUES (NEW.package_id, NEW.kind, NEW.ordinal, NEW.due_at);
    RETURN NULL; END $$;
CREATE TRIGGER note_fired AFTER UPDATE OF fired_at ON deadline FOR EACH ROW
    WHEN (NEW.fired_at IS NOT NULL) EXECUTE FUNCTION note_fired();";

/// What fired, in order, and what should have: all that was due.
async fn fired_in_order(conn: &mut AsyncPgConnection) -> (Vec<String>, Vec<String>) {
    let fired = "SELECT concat_ws(' ', package_id, kind, ordinal) AS line FROM fired_log ORDER BY position";
    let due = "SELECT concat_ws(' ', package_id, kind, ordinal) AS line FROM deadline WHERE fired_at IS NOT NULL ORDER BY due_at, \
               array_position('{free_time_ends,reminder,hold_ends,abandonment_due}', kind), ordinal, package_id";
    (lines(conn, fired).await, lines(conn, due).await)
}

/// The directory in which a service spools.
fn spool(harness: &Harness) -> PathBuf {
    let config: toml::Table = toml::from_str(&harness.config).unwrap();
    PathBuf::from(config["messages"]["spool_directory"].as_str().unwrap())
}

/// The message of this id, as it was spooled.
fn spooled(harness: &Harness, id: &str) -> Option<Json> {
    let bytes = std::fs::read(spool(harness).join(format!("{id}.json"))).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// A pickup code was issued for a package; its customer is told which.
async fn code(harness: &Harness, conn: &mut AsyncPgConnection, package: Uuid, customer: Customer) -> String {
    let nonce = Uuid::now_v7().simple();
    let sql = format!(
        "INSERT INTO pickup_code (package_id, customer_id, nonce, issued_at) VALUES ('{package}', '{}', '\\x{nonce}', now())",
        customer.id
    );
    run(conn, &sql).await;
    let answer = harness
        .get(&format!("/v1/packages/{package}/code"), &harness.token(customer.user_id))
        .await
        .expect(200);
    answer.json()["code"].as_str().unwrap().to_owned()
}
