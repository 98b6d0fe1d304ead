//! The one transaction in which an upload becomes an asset (U-A6, U-D4): usage, asset, object, stages, upload and message, all
//! or nothing.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use event_bus::OutboxMessage;
use pg_pool::Prepare as _;
use uuid::Uuid;

use super::schema::{asset, storage_object};
use super::uploads::{self, Claim, NewUpload};
use super::usage::{self, Usage};
use crate::domain::job::Planned;

/// An asset as it comes to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = asset)]
pub(crate) struct NewAsset {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) kind: &'static str,
    pub(crate) title: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) visibility: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) correlation_id: Uuid,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// An object of the store.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = storage_object)]
pub(crate) struct NewObject {
    pub(crate) key: String,
    pub(crate) backend: &'static str,
    pub(crate) asset_id: Uuid,
    pub(crate) bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) created_at: DateTime<Utc>,
}

/// The upload that becomes the asset.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// It came whole in one request and was never stored: it is inserted as linked.
    Whole(Box<NewUpload>),
    /// It is there, held under this claim.
    Resumed(Claim),
}

/// All that is written.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What it becomes.
    pub(crate) asset: NewAsset,
    /// Where the original lies.
    pub(crate) object: NewObject,
    /// Its stages, each with the id of its job.
    pub(crate) stages: Vec<(Uuid, Planned)>,
    /// What wakes a worker.
    pub(crate) message: OutboxMessage,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// All of it stands, as soon as the transaction commits. What the owner keeps now.
    Yes(Usage),
    /// Another writer has taken the upload over, or its owner has given it up: the caller rolls back.
    Fenced,
}

const PLAN: &str = "\
INSERT INTO job (id, asset_id, kind, position, required, state, created_at) \
SELECT s.id, $1, s.kind, s.position, s.required, 'queued', $2 \
FROM unnest($3, $4, $5, $6) AS s(id, kind, position, required)";

/// Writes all of it, in one round trip. The owner's usage comes first: its row lock makes the owner's uploads take turns, so that
/// the quota the caller checks is exact. `outbox` is told how long the message took.
///
/// # Errors
/// Of the database.
pub(crate) async fn link(conn: &AsyncPgConnection, link: Link, outbox: &mut Duration) -> QueryResult<Linked> {
    let Link { origin, asset, object, stages, message } = link;
    let (id, bytes, now, owner) = (asset.id, asset.bytes, asset.created_at, asset.owner.clone());
    let upload = async {
        match origin {
            Origin::Whole(new) => uploads::insert(conn, *new).await.map(|()| true),
            Origin::Resumed(claim) => uploads::link(conn, claim, id, bytes, now).await,
        }
    };
    let asset = diesel::insert_into(asset::table).values(asset).prepared();
    let object = diesel::insert_into(storage_object::table).values(object).prepared();
    let message = async {
        let began = Instant::now();
        let enqueued = event_bus::enqueue(conn, &[message]).await;
        *outbox = began.elapsed();
        enqueued
    };
    // They are sent in this order, which references need, each without waiting for the one before. All are waited for: of several
    // errors the first is the cause, and a statement that nobody waits for would cost the connection.
    let (usage, held, asset, object, stages, message) = tokio::join!(
        biased;
        usage::add(conn, &owner, bytes),
        upload,
        async { asset.execute(&mut &*conn).await },
        async { object.execute(&mut &*conn).await },
        insert_stages(conn, id, now, &stages),
        message,
    );
    let (usage, held) = (usage?, held?);
    if !held {
        return Ok(Linked::Fenced);
    }
    asset.and(object).and(stages).and(message)?;
    Ok(Linked::Yes(usage))
}

async fn insert_stages(
    conn: &AsyncPgConnection,
    asset_id: Uuid,
    now: DateTime<Utc>,
    stages: &[(Uuid, Planned)],
) -> QueryResult<()> {
    diesel::sql_query(PLAN)
        .bind::<SqlUuid, _>(asset_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(stages.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(stages.iter().map(|(_, stage)| stage.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<SmallInt>, _>(stages.iter().map(|(_, stage)| stage.position).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(stages.iter().map(|(_, stage)| stage.required).collect::<Vec<_>>())
        .prepared()
        .execute(&mut &*conn)
        .await
        .map(|_| ())
}
