//! Very many rows at once, by `COPY` in one transaction: what demo data are written with. Nothing that requests do comes by here.
//!
//! The driver under diesel is spoken to directly, for diesel-async has no `COPY`.

use std::pin::pin;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::SinkExt as _;
use pg_pool::PgConfig;
use secrecy::ExposeSecret as _;
use tokio_postgres::{Client, Error, NoTls};
use uuid::Uuid;

/// Microseconds from the Unix epoch to that of Postgres.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
const OID_BYTEA: i32 = 17;

macro_rules! tables {
    ($($table:ident = $sql:literal),* $(,)?) => {
        /// What rows can be added to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Table { $(#[doc = $sql] $table),* }

        impl Table {
            fn columns(self) -> &'static str {
                match self { $(Self::$table => $sql),* }
            }
        }
    };
}

// In an order in which every row comes after those that it names.
tables! {
    Slot = "slot (id, code, size_class, status, created_at, updated_at)",
    Customer = "customer (id, user_id, name, search_name, phone, email, document_type, document_number, building, tower, \
                apartment, language, by_whatsapp, created_at, updated_at)",
    Announcement = "announcement (id, customer_id, name, phone, carrier, guide_number, expected_at, tracking_code, tariff_id, \
                    status, expires_at, announced_by, version, created_at, updated_at)",
    Package = "package (id, tracking_no, carrier, guide_number, customer_id, announcement_id, size_class, weight_g, length_mm, \
               width_mm, height_mm, condition, status, slot_id, tariff_id, announced_at, received_at, stored_at, notified_at, \
               stopped_at, ended_at, free_until, hold_until, abandon_at, total_minor, paid_minor, waived_minor, event_count, \
               head_hash, version, created_at, updated_at)",
    Event = "package_event (package_id, seq, kind, from_status, to_status, actor_id, actor_role, occurred_at, data, digests, \
             prev_hash, hash)",
    File = "file_upload (id, package_id, kind, asset_id, sha256, content_type, size_bytes, url, event_seq, retain_until, \
            created_at)",
    PickupCode = "pickup_code (package_id, customer_id, nonce, used_at, issued_at)",
    Account = "ledger_account (id, code, kind, currency, created_at)",
    Transfer = "ledger_transfer (id, debit_account_id, credit_account_id, amount_minor, currency, code, package_id, \
                idempotency_id, actor_id, created_at)",
    Payment = "payment (id, package_id, customer_id, method, amount_minor, currency, receipt_no, reference, received_by, \
               created_at)",
    Waiver = "waiver (id, package_id, amount_minor, reason, granted_by, created_at)",
    Receipt = "receipt (package_id, body, created_at)",
    Deadline = "deadline (package_id, kind, ordinal, due_at, fired_at, cancelled_at)",
    Notification = "notification (id, package_id, customer_id, channel, template, language, recipient, data, status, attempts, \
                    created_by, created_at, sent_at, delivered_at)",
    Claim = "claim (id, package_id, kind, status, description, answer, liability_minor, currency, opened_by, answer_due_at, \
             version, created_at, updated_at)",
}

/// Rows in Postgres' binary format. Fields are given in the order of the columns; how many there are is found out by itself.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    row: usize,
    fields: i16,
    count: u64,
}

impl Rows {
    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.close();
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
            // Neither flags nor an extension of the header.
            self.bytes.extend_from_slice(&[0; 8]);
        }
        self.row = self.bytes.len();
        self.fields = 0;
        self.count += 1;
        self.bytes.extend_from_slice(&[0; 2]);
        self
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    fn close(&mut self) {
        let fields = self.fields.to_be_bytes();
        let place = self.bytes.iter_mut().skip(self.row).take(if self.count > 0 { 2 } else { 0 });
        for (place, byte) in place.zip(fields) {
            *place = byte;
        }
    }

    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.field_of(&[bytes])
    }

    fn field_of(&mut self, parts: &[&[u8]]) -> &mut Self {
        self.fields += 1;
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self
    }

    /// Nothing.
    pub(crate) fn null(&mut self) -> &mut Self {
        self.fields += 1;
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// A value, or nothing.
    pub(crate) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T) -> &mut Self) -> &mut Self {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.field(text.as_bytes())
    }

    /// A text, or nothing.
    pub(crate) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.maybe(text, Self::text)
    }

    /// An id.
    pub(crate) fn id(&mut self, id: Uuid) -> &mut Self {
        self.field(id.as_bytes())
    }

    /// An id, or nothing.
    pub(crate) fn maybe_id(&mut self, id: Option<Uuid>) -> &mut Self {
        self.maybe(id, Self::id)
    }

    /// An integer.
    pub(crate) fn integer(&mut self, number: i32) -> &mut Self {
        self.field(&number.to_be_bytes())
    }

    /// A big integer.
    pub(crate) fn bigint(&mut self, number: i64) -> &mut Self {
        self.field(&number.to_be_bytes())
    }

    /// A truth.
    pub(crate) fn boolean(&mut self, truth: bool) -> &mut Self {
        self.field(&[u8::from(truth)])
    }

    /// An instant.
    pub(crate) fn at(&mut self, at: DateTime<Utc>) -> &mut Self {
        self.bigint(at.timestamp_micros().saturating_sub(POSTGRES_EPOCH_MICROS))
    }

    /// An instant, or nothing.
    pub(crate) fn maybe_at(&mut self, at: Option<DateTime<Utc>>) -> &mut Self {
        self.maybe(at, Self::at)
    }

    /// Bytes.
    pub(crate) fn binary(&mut self, bytes: &[u8]) -> &mut Self {
        self.field(bytes)
    }

    /// JSON, as text.
    pub(crate) fn json(&mut self, text: &str) -> &mut Self {
        self.field_of(&[&[1], text.as_bytes()])
    }

    /// An array of hashes.
    pub(crate) fn hashes(&mut self, hashes: &[[u8; 32]]) -> &mut Self {
        let count = i32::try_from(hashes.len()).unwrap_or(i32::MAX);
        let mut array = Vec::with_capacity(20 + hashes.len() * 36);
        for number in [i32::from(count > 0), 0, OID_BYTEA] {
            array.extend_from_slice(&number.to_be_bytes());
        }
        if count > 0 {
            array.extend_from_slice(&count.to_be_bytes());
            array.extend_from_slice(&1_i32.to_be_bytes());
        }
        for hash in hashes {
            array.extend_from_slice(&32_i32.to_be_bytes());
            array.extend_from_slice(hash);
        }
        self.field(&array)
    }

    fn finish(mut self) -> Bytes {
        self.close();
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.bytes.into()
    }
}

/// A transaction that adds very many rows. Dropped before [`Bulk::commit`], it has added none.
pub(crate) struct Bulk {
    client: Client,
}

impl Bulk {
    /// Begins one, on a connection of its own without the time limits of requests.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn begin(config: &PgConfig) -> Result<Self, Error> {
        let (client, connection) = tokio_postgres::connect(config.url.expose_secret(), NoTls).await?;
        // It ends with its client, whose calls tell what went wrong.
        tokio::spawn(async move { drop(connection.await) });
        client
            .batch_execute(
                "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off; BEGIN",
            )
            .await?;
        Ok(Self { client })
    }

    /// Whether the desk has a slot of this id, and whether it has anything at all. Nobody else loads until the end of the transaction.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn found(&self, slot_id: Uuid) -> Result<(bool, bool), Error> {
        self.client.batch_execute("SELECT pg_advisory_xact_lock(169679360, 327682)").await?;
        let row = self
            .client
            .query_one(
                "SELECT EXISTS (SELECT FROM slot WHERE id = $1::text::uuid), \
                 EXISTS (SELECT FROM slot) OR EXISTS (SELECT FROM package) OR EXISTS (SELECT FROM customer)",
                &[&slot_id.to_string()],
            )
            .await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Gives somebody a place at the desk who has none.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn employ(&self, user_id: Uuid, role: &str, name: &str) -> Result<u64, Error> {
        self.client
            .execute(
                "INSERT INTO operator (user_id, role, name, created_at, updated_at) \
                 VALUES ($1::text::uuid, $2, $3, now(), now()) ON CONFLICT DO NOTHING",
                &[&user_id.to_string(), &role, &name],
            )
            .await
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn add(&self, table: Table, rows: Rows) -> Result<u64, Error> {
        let sql = format!("COPY {} FROM STDIN (FORMAT binary)", table.columns());
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(&sql).await?);
        sink.send(rows.finish()).await?;
        sink.finish().await
    }

    /// Adds what the transfers of this transaction moved to the totals of their accounts, and begins the numbers of receipts behind
    /// those that were given out. Both are reckoned by the database, from the rows that it has.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        self.client
            .batch_execute(
                "UPDATE ledger_account AS account SET debits_minor = moved.debits, credits_minor = moved.credits FROM ( \
                 SELECT id, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits FROM ( \
                 SELECT debit_account_id AS id, amount_minor AS debit, 0 AS credit FROM ledger_transfer UNION ALL \
                 SELECT credit_account_id, 0, amount_minor FROM ledger_transfer) AS side GROUP BY id) AS moved \
                 WHERE account.id = moved.id; \
                 SELECT setval('receipt_no', GREATEST((SELECT max(receipt_no) FROM payment), 1))",
            )
            .await
    }

    /// Makes all of it count, and tells the planner how much there is.
    ///
    /// # Errors
    /// Of the database; then nothing was added.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.client.batch_execute("COMMIT").await?;
        self.client.batch_execute("VACUUM (ANALYZE)").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_many_fields_it_has() {
        let mut rows = Rows::default();
        rows.row().integer(7).null().text("é");
        rows.row().boolean(true);
        assert_eq!(rows.count(), 2);
        let bytes = rows.finish();
        let expected: &[u8] = &[
            0, 3, 0, 0, 0, 4, 0, 0, 0, 7, 255, 255, 255, 255, 0, 0, 0, 2, 0xc3, 0xa9, 0, 1, 0, 0, 0, 1, 1, 255, 255,
        ];
        assert_eq!(bytes.get(19..), Some(expected));
    }
}
