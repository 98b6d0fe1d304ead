//! Very many rows at once, by `COPY` in one transaction: what demo data are written with. Nothing that requests do comes by here.
//!
//! The driver under diesel is spoken to directly, for diesel-async has no `COPY`.

mod rows;

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use pg_pool::PgConfig;
use secrecy::ExposeSecret as _;
use tokio_postgres::{Client, Error, NoTls};
use uuid::Uuid;

pub(crate) use rows::Rows;

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
