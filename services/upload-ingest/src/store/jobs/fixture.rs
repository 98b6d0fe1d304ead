//! A database with assets and their stages, for tests of what works on them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::{PgConfig, PgPool};
use telemetry::metrics::Metrics;
use test_harness::Database;
use uuid::Uuid;

use super::{Claimant, Claimed, End, claim_next, end};
use crate::domain::job::{JobKind, plan};
use crate::domain::kind::MediaKind;
use crate::domain::layout;

/// A database of its own.
pub(crate) struct Fixture {
    pub(crate) pool: PgPool,
    /// After the pool, so that it is dropped when nobody is connected any more.
    _database: Database,
}

/// So many seconds after the beginning.
pub(crate) fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()
}

/// A worker of this name that asks at that time, for ten seconds.
pub(crate) fn claimant(worker: &str, secs: i64) -> Claimant<'_> {
    Claimant { worker, now: at(secs), lease_until: at(secs + 10) }
}

impl Fixture {
    pub(crate) async fn create() -> Self {
        let database = Database::create(crate::app::migrations(), "upload-ingest").await;
        let config = PgConfig { url: database.url().to_owned().into(), ..PgConfig::default() };
        let pool = PgPool::new(&config, &Metrics::new("test")).unwrap();
        Self { pool, _database: database }
    }

    /// An asset whose stages all wait, with the row of its original.
    pub(crate) async fn asset(&self, kind: MediaKind) -> Uuid {
        let id = Uuid::now_v7();
        let mut conn = self.pool.write().await.unwrap();
        diesel::sql_query(
            "INSERT INTO asset (id, owner, kind, status, visibility, content_type, bytes, sha256, correlation_id, \
             created_at, updated_at) VALUES ($1, 'ada', $2, 'processing', 'public', 'x/y', 4, \
             decode(repeat('ab', 32), 'hex'), $1, $3, $3)",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamptz, _>(at(0))
        .execute(&mut conn)
        .await
        .unwrap();
        diesel::sql_query(
            "INSERT INTO storage_object (key, backend, asset_id, bytes, sha256, created_at) \
             VALUES ($1, 'local', $2, 4, decode(repeat('ab', 32), 'hex'), $3)",
        )
        .bind::<Text, _>(layout::original_key(id))
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(at(0))
        .execute(&mut conn)
        .await
        .unwrap();
        for stage in plan(kind, true) {
            diesel::sql_query(format!(
                "INSERT INTO job (id, asset_id, kind, position, required, state, created_at) \
                 VALUES ($1, $2, $3, {}, {}, 'queued', $4)",
                stage.position, stage.required
            ))
            .bind::<SqlUuid, _>(Uuid::now_v7())
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(stage.kind.as_str())
            .bind::<Timestamptz, _>(at(0))
            .execute(&mut conn)
            .await
            .unwrap();
        }
        id
    }

    /// Claims the next job of an asset.
    pub(crate) async fn claim(&self, asset_id: Uuid, worker: &str, secs: i64) -> Option<Claimed> {
        let mut conn = self.pool.write().await.unwrap();
        claim_next(&mut conn, asset_id, claimant(worker, secs)).await.unwrap()
    }

    /// Ends an attempt.
    pub(crate) async fn end(&self, claimed: &Claimed, how: &End<'_>, secs: i64) -> bool {
        let mut conn = self.pool.write().await.unwrap();
        end(&mut conn, claimed.lease, how, at(secs)).await.unwrap()
    }

    /// Claims and ends stages until this one is next.
    pub(crate) async fn done_before(&self, asset_id: Uuid, kind: JobKind) {
        loop {
            let claimed = self.claim(asset_id, "before", 0).await.unwrap();
            if claimed.kind == kind {
                assert!(self.end(&claimed, &End::Returned, 0).await);
                return;
            }
            assert!(self.end(&claimed, &End::Done, 0).await);
        }
    }

    /// Deletes an asset as its owner does.
    pub(crate) async fn delete(&self, asset_id: Uuid, secs: i64) {
        let mut conn = self.pool.write().await.unwrap();
        super::cancel_all(&mut conn, asset_id, at(secs)).await.unwrap();
        self.run(&format!("DELETE FROM rendition WHERE asset_id = '{asset_id}'")).await;
        self.run(&format!("UPDATE storage_object SET state = 'doomed' WHERE asset_id = '{asset_id}'")).await;
        self.run(&format!(
            "UPDATE asset SET status = 'deleted', deleted_at = '{}', error_code = NULL, error_text = NULL \
             WHERE id = '{asset_id}'",
            at(secs).to_rfc3339()
        ))
        .await;
    }

    /// Runs a statement.
    pub(crate) async fn run(&self, sql: &str) {
        let mut conn = self.pool.write().await.unwrap();
        diesel::sql_query(sql).execute(&mut conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The text that a query gives in a column named `text`; rows are joined by commas.
    pub(crate) async fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let mut conn = self.pool.read().await.unwrap();
        let rows: Vec<Row> =
            diesel::sql_query(sql).load(&mut conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().map(|row| row.text).collect::<Vec<_>>().join(",")
    }

    /// The number that a query gives in a column named `number`.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let mut conn = self.pool.read().await.unwrap();
        let row: Row = diesel::sql_query(sql).get_result(&mut conn).await.unwrap();
        row.number
    }
}
