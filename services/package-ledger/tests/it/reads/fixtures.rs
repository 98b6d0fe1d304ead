//! What a test finds in the database: written directly, before the service has read anything of it.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection as _;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::harness::{Answer, Harness};

/// The tariff that the migrations publish.
pub(super) const TARIFF: &str = "00000000-0000-7000-8000-000000000001";

/// A package as it stands in the database.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) status: &'static str,
    pub(super) customer: Option<Uuid>,
    pub(super) announcement: Option<Uuid>,
    pub(super) slot: Option<Uuid>,
    pub(super) guide: Option<&'static str>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) received_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

impl Row {
    /// Announced for this customer.
    pub(super) fn announced(customer: Uuid, created_at: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::now_v7(),
            status: "announced",
            customer: Some(customer),
            announcement: None,
            slot: None,
            guide: None,
            created_at,
            received_at: None,
            ended_at: None,
        }
    }

    /// Received for this customer, or for nobody that is known.
    pub(super) fn received(customer: Option<Uuid>, received_at: DateTime<Utc>) -> Self {
        let announced = Self::announced(Uuid::nil(), received_at);
        Self { status: "received", customer, received_at: Some(received_at), ..announced }
    }

    /// In a slot since then.
    pub(super) fn stored(customer: Uuid, slot: Uuid, received_at: DateTime<Utc>) -> Self {
        Self { status: "stored", slot: Some(slot), ..Self::received(Some(customer), received_at) }
    }

    /// Gone a day after it came.
    pub(super) fn delivered(customer: Uuid, received_at: DateTime<Utc>) -> Self {
        let ended_at = Some(received_at + TimeDelta::days(1));
        Self { status: "delivered", ended_at, ..Self::received(Some(customer), received_at) }
    }

    /// Ours, of this package.
    pub(super) fn tracking_no(&self) -> String {
        let digits = self.id.simple().to_string().to_uppercase();
        format!("PK{}", digits.split_at(22).1)
    }
}

fn quoted(value: Option<impl ToString>) -> String {
    value.map_or("NULL".to_owned(), |value| format!("'{}'", value.to_string()))
}

impl Harness {
    /// Runs statements.
    pub(super) async fn sql(&self, text: &str) {
        self.db.connect().await.batch_execute(text).await.unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    /// A day from now, to the second: an answer that is right until then is kept by the clock of the machine, too.
    pub(super) fn tomorrow(&self) -> DateTime<Utc> {
        let tomorrow = (Utc::now() + TimeDelta::days(1)).trunc_subsecs(0);
        self.clock.set(tomorrow);
        tomorrow
    }

    /// A customer; with a person who signs in as it.
    pub(super) async fn customer(&self, name: &str, phone: &str, person: Option<Uuid>) -> Uuid {
        let id = Uuid::now_v7();
        let folded = name.to_lowercase();
        let person = quoted(person);
        self.sql(&format!(
            "INSERT INTO customer (id, user_id, name, search_name, phone, email, created_at, updated_at) \
             VALUES ('{id}', {person}, '{name}', '{folded}', '{phone}', 'a@example.org', now(), now())"
        ))
        .await;
        id
    }

    /// A slot that is held.
    pub(super) async fn held_slot(&self, code: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO slot (id, code, size_class, status, created_at, updated_at) VALUES ('{id}', '{code}', 'small', 'held', now(), now())"
        ))
        .await;
        id
    }

    /// An announcement whose parcel is here.
    pub(super) async fn announcement(&self, customer: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let code = id.simple().to_string().split_off(20);
        self.sql(&format!(
            "INSERT INTO announcement (id, customer_id, name, phone, guide_number, expected_at, tracking_code, tariff_id, status, \
             expires_at, announced_by, created_at, updated_at) VALUES ('{id}', '{customer}', 'Ana', '+573000000001', 'GUIDE1234', \
             '2026-12-24T10:00:00.5Z', '{code}', '{TARIFF}', 'matched', now(), '{id}', now(), now())"
        ))
        .await;
        id
    }

    /// Photos of a package.
    pub(super) async fn photos(&self, package: Uuid, count: usize) {
        for seq in 1..=count {
            let id = Uuid::now_v7();
            self.sql(&format!(
                "INSERT INTO file_upload (id, package_id, kind, asset_id, sha256, content_type, size_bytes, url, event_seq, created_at) \
                 VALUES ('{id}', '{package}', 'photo', '{id}', decode(repeat('0f', 32), 'hex'), 'image/jpeg', {seq}, '/v1/assets/{id}', {seq}, \
                 '2026-11-29T10:00:00.000001Z')"
            ))
            .await;
        }
    }

    /// Packages. What is received is held for 30 days.
    pub(super) async fn packages(&self, rows: &[Row]) {
        for row in rows {
            let hold_until = row.received_at.map(|received_at| received_at + TimeDelta::days(30));
            let has_come = row.received_at.is_some();
            let values = [
                format!("'{}'", row.id),
                format!("'{}'", row.tracking_no()),
                quoted(row.guide),
                quoted(row.customer),
                quoted(row.announcement),
                quoted(has_come.then_some("small")),
                quoted(has_come.then_some("good")),
                format!("'{}'", row.status),
                quoted(row.slot),
                format!("'{TARIFF}'"),
                quoted(row.received_at),
                quoted(row.ended_at),
                quoted(row.ended_at),
                quoted(hold_until),
                format!("'{}'", row.created_at),
                format!("'{}'", row.created_at),
            ];
            self.sql(&format!(
                "INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, size_class, condition, status, slot_id, \
                 tariff_id, received_at, stopped_at, ended_at, hold_until, created_at, updated_at) VALUES ({})",
                values.join(", ")
            ))
            .await;
        }
    }
}

/// The ids on a page.
pub(super) fn ids(page: &Answer) -> Vec<Uuid> {
    page.json()["items"].as_array().unwrap().iter().map(id).collect()
}

/// The id of a package.
pub(super) fn id(package: &Json) -> Uuid {
    package["id"].as_str().unwrap().parse().unwrap()
}

/// What a package costs at an instant, by the tariff of the migrations: reckoned here by itself.
pub(super) fn cost_minor(received_at: DateTime<Utc>, at: DateTime<Utc>) -> i64 {
    let micros = (at - received_at).num_microseconds().unwrap();
    let day = 24 * 3600 * 1_000_000;
    let started = micros / day + i64::from(micros % day > 0);
    150_000 + (started - 1).clamp(0, 30) * 100_000
}
