//! Upload resources: made, claimed by a writer, brought forward, ended.
//!
//! Whoever writes holds an epoch. Every statement that brings an upload forward names it, so that a writer that was paused
//! while another took over changes nothing any more (U-D5).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::Prepare as _;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::upload;
use super::unknown;
use crate::domain::asset::Visibility;
use crate::domain::kind::MediaKind;
use crate::domain::upload::UploadState;

/// An upload as the database has it.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = upload, check_for_backend(diesel::pg::Pg))]
pub(crate) struct UploadRow {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    kind: Option<String>,
    pub(crate) concat: Option<String>,
    pub(crate) concat_parts: Option<Vec<Uuid>>,
    pub(crate) title: Option<String>,
    visibility: String,
    pub(crate) metadata: Option<String>,
    pub(crate) declared_bytes: Option<i64>,
    pub(crate) durable_bytes: i64,
    pub(crate) expected_sha256: Option<Vec<u8>>,
    pub(crate) inspection: Option<Json>,
    pub(crate) storage: Option<Json>,
    pub(crate) epoch: i64,
    state: String,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
    pub(crate) asset_id: Option<Uuid>,
    pub(crate) correlation_id: Uuid,
    pub(crate) expires_at: DateTime<Utc>,
}

impl UploadRow {
    /// Where it stands.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn state(&self) -> QueryResult<UploadState> {
        UploadState::parse(&self.state).ok_or_else(|| unknown("upload.state", &self.state))
    }

    /// What the client says it will be.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<Option<MediaKind>> {
        let Some(name) = &self.kind else { return Ok(None) };
        MediaKind::parse(name).map(Some).ok_or_else(|| unknown("upload.kind", name))
    }

    /// Who may see the asset to be.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn visibility(&self) -> QueryResult<Visibility> {
        Visibility::parse(&self.visibility).ok_or_else(|| unknown("upload.visibility", &self.visibility))
    }
}

/// An upload as it is begun; one that came whole in one request is inserted in its last state.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = upload)]
pub(crate) struct NewUpload {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) kind: Option<&'static str>,
    pub(crate) dialect: &'static str,
    pub(crate) concat: Option<&'static str>,
    pub(crate) concat_parts: Option<Vec<Uuid>>,
    pub(crate) title: Option<String>,
    pub(crate) visibility: &'static str,
    pub(crate) metadata: Option<String>,
    pub(crate) declared_bytes: Option<i64>,
    pub(crate) durable_bytes: i64,
    pub(crate) expected_sha256: Option<Vec<u8>>,
    pub(crate) state: &'static str,
    pub(crate) asset_id: Option<Uuid>,
    pub(crate) correlation_id: Uuid,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// How far a writer has come: all of it is on stable storage.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// Bytes.
    pub(crate) durable_bytes: i64,
    /// State of digest, type and structure at that offset.
    pub(crate) inspection: Json,
    /// Where they lie.
    pub(crate) storage: Json,
}

/// The claim under which a writer brings an upload forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The upload.
    pub(crate) id: Uuid,
    /// Which claim of it.
    pub(crate) epoch: i64,
}

/// Begins an upload.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &AsyncPgConnection, new: NewUpload) -> QueryResult<()> {
    diesel::insert_into(upload::table).values(new).prepared().execute(&mut &*conn).await.map(|_| ())
}

/// What an owner has begun and not ended.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Open {
    /// How many uploads.
    #[diesel(sql_type = BigInt)]
    pub(crate) uploads: i64,
    /// Bytes that they will have, as far as is known.
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
}

/// What this owner has begun and not ended.
///
/// # Errors
/// Of the database.
pub(crate) async fn open(conn: &mut AsyncPgConnection, owner: &str) -> QueryResult<Open> {
    diesel::sql_query(
        "SELECT count(*) AS uploads, coalesce(sum(coalesce(declared_bytes, durable_bytes)), 0)::bigint AS bytes \
         FROM upload WHERE owner = $1 AND state IN ('created', 'receiving', 'paused', 'received', 'verified')",
    )
    .bind::<Text, _>(owner)
    .prepared()
    .get_result(conn)
    .await
}

/// The upload, locked to the end of the transaction, if the claim still holds.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, claim: Claim) -> QueryResult<Option<UploadRow>> {
    upload::table
        .find(claim.id)
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::state.eq(UploadState::Receiving.as_str()))
        .select(UploadRow::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
}

/// The upload of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<UploadRow>> {
    upload::table.find(id).select(UploadRow::as_select()).first(conn).await.optional()
}

/// The uploads of these ids, in no order.
///
/// # Errors
/// Of the database.
pub(crate) async fn find_all(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<UploadRow>> {
    upload::table.filter(upload::id.eq_any(ids)).select(UploadRow::as_select()).load(conn).await
}

const CLAIM: &str = "\
UPDATE upload SET epoch = CASE WHEN holder = $2 THEN epoch ELSE epoch + 1 END, holder = $2, lease_until = $3, \
state = 'receiving', updated_at = $4, expires_at = $5 \
WHERE id = $1 AND durable_bytes = $6 AND state IN ('created', 'receiving', 'paused') RETURNING *";

/// Makes `holder` the writer of an open upload that stands at `offset`, and returns it. Whoever wrote before is fenced off by
/// the new epoch; nobody is, where the offset is another by now. A process that comes back to an upload it held last goes on under its old epoch: within a process, the registry of
/// writers sees to it that there is one at a time.
///
/// # Errors
/// Of the database.
pub(crate) async fn claim(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    offset: i64,
    holder: &str,
    terms: Terms,
) -> QueryResult<Option<UploadRow>> {
    diesel::sql_query(CLAIM)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(holder)
        .bind::<Timestamptz, _>(terms.lease_until)
        .bind::<Timestamptz, _>(terms.now)
        .bind::<Timestamptz, _>(terms.expires_at)
        .bind::<BigInt, _>(offset)
        .prepared()
        .get_result(conn)
        .await
        .optional()
}

const CLAIM_RECEIVED: &str = "\
UPDATE upload SET epoch = epoch + 1, holder = $1, lease_until = $3 \
WHERE id = ANY (ARRAY(SELECT id FROM upload WHERE state IN ('received', 'verified') AND concat IS DISTINCT FROM 'partial' \
AND lease_until < $2 ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED)) RETURNING *";

/// Takes over an upload whose bytes have all come and whose finisher is not alive any more, or too slow: it is fenced off even
/// where it is of this process.
///
/// # Errors
/// Of the database.
pub(crate) async fn claim_received(
    conn: &mut AsyncPgConnection,
    holder: &str,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> QueryResult<Option<UploadRow>> {
    diesel::sql_query(CLAIM_RECEIVED)
        .bind::<Text, _>(holder)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(lease_until)
        .get_result(conn)
        .await
        .optional()
}

/// Until when a writer is taken to be alive, and the upload is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The time.
    pub(crate) now: DateTime<Utc>,
    /// Until when the writer is taken to be alive; `now` when it is done.
    pub(crate) lease_until: DateTime<Utc>,
    /// When the upload is given up unless it gets on.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Notes how far a writer has come. False when the claim does not hold any more: nothing was noted.
///
/// # Errors
/// Of the database.
pub(crate) async fn checkpoint(
    conn: &mut AsyncPgConnection,
    claim: Claim,
    progress: &Progress,
    state: UploadState,
    terms: Terms,
) -> QueryResult<bool> {
    let held = upload::table
        .filter(upload::id.eq(claim.id))
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::state.eq(UploadState::Receiving.as_str()))
        // Upload-Offset never decreases, whatever order answers come in.
        .filter(upload::durable_bytes.le(progress.durable_bytes));
    let noted = diesel::update(held)
        .set((
            upload::durable_bytes.eq(progress.durable_bytes),
            upload::inspection.eq(&progress.inspection),
            upload::storage.eq(&progress.storage),
            upload::state.eq(state.as_str()),
            upload::lease_until.eq(terms.lease_until),
            upload::updated_at.eq(terms.now),
            upload::expires_at.eq(terms.expires_at),
        ))
        .prepared()
        .execute(conn)
        .await?;
    Ok(noted == 1)
}

/// Notes that nobody writes any more; how far it is stays as it was.
///
/// # Errors
/// Of the database.
pub(crate) async fn pause(conn: &mut AsyncPgConnection, claim: Claim, now: DateTime<Utc>) -> QueryResult<()> {
    let held = upload::table
        .filter(upload::id.eq(claim.id))
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::state.eq(UploadState::Receiving.as_str()));
    let paused = (
        upload::state.eq(UploadState::Paused.as_str()),
        upload::lease_until.eq(now),
        upload::updated_at.eq(now),
    );
    diesel::update(held).set(paused).prepared().execute(conn).await.map(|_| ())
}

/// Notes the length of the whole, which the client has said only now. False when another length is known already, or the
/// claim does not hold any more.
///
/// # Errors
/// Of the database.
pub(crate) async fn declare(conn: &mut AsyncPgConnection, claim: Claim, bytes: i64) -> QueryResult<bool> {
    let open = upload::table
        .filter(upload::id.eq(claim.id))
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::declared_bytes.is_null().or(upload::declared_bytes.eq(bytes)))
        .filter(upload::durable_bytes.le(bytes));
    Ok(diesel::update(open).set(upload::declared_bytes.eq(bytes)).execute(conn).await? == 1)
}

/// Ends an upload whose bytes are not what may be uploaded. False when the claim does not hold any more.
///
/// # Errors
/// Of the database.
pub(crate) async fn reject(
    conn: &mut AsyncPgConnection,
    claim: Claim,
    code: &str,
    text: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let held = upload::table
        .filter(upload::id.eq(claim.id))
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::state.eq_any(["created", "receiving", "paused", "received", "verified"]));
    let rejected = diesel::update(held)
        .set((
            upload::state.eq(UploadState::Rejected.as_str()),
            upload::error_code.eq(code),
            upload::error_text.eq(text),
            upload::storage.eq(None::<Json>),
            upload::inspection.eq(None::<Json>),
            upload::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(rejected == 1)
}

/// Ties an upload to what it became, in the transaction that makes the asset. False when the claim does not hold any more.
///
/// # Errors
/// Of the database.
pub(crate) async fn link(
    conn: &AsyncPgConnection,
    claim: Claim,
    asset_id: Uuid,
    bytes: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let held = upload::table
        .filter(upload::id.eq(claim.id))
        .filter(upload::epoch.eq(claim.epoch))
        .filter(upload::state.eq_any(["created", "receiving", "paused", "received", "verified"]));
    let linked = diesel::update(held)
        .set((
            upload::state.eq(UploadState::Linked.as_str()),
            upload::asset_id.eq(asset_id),
            upload::durable_bytes.eq(bytes),
            upload::declared_bytes.eq(bytes),
            upload::storage.eq(None::<Json>),
            upload::inspection.eq(None::<Json>),
            upload::updated_at.eq(now),
        ))
        .prepared()
        .execute(&mut &*conn)
        .await?;
    Ok(linked == 1)
}

/// Ends an upload that its owner gives up; returns it as it was, where it was still open or a received part.
///
/// # Errors
/// Of the database.
pub(crate) async fn cancel(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    owner: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<UploadRow>> {
    diesel::sql_query(
        "UPDATE upload SET state = 'cancelled', epoch = epoch + 1, updated_at = $3 \
         WHERE id = $1 AND owner = $2 AND state IN ('created', 'receiving', 'paused', 'received', 'verified') RETURNING *",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(owner)
    .bind::<Timestamptz, _>(now)
    .prepared()
    .get_result(conn)
    .await
    .optional()
}

/// Ends open uploads, and parts of nothing, whose time is up and that nobody writes to, at most `limit`, and returns them. What
/// has come whole waits for its end, however long that takes.
///
/// # Errors
/// Of the database.
pub(crate) async fn expire(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<UploadRow>> {
    diesel::sql_query(
        "UPDATE upload SET state = 'expired', epoch = epoch + 1, updated_at = $1 WHERE id = ANY (ARRAY(\
         SELECT id FROM upload WHERE expires_at < $1 \
         AND (state IN ('created', 'receiving', 'paused') OR (state = 'received' AND concat = 'partial')) AND (lease_until IS NULL OR lease_until < $1) ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING *",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// Which of these uploads still have something in the store.
///
/// # Errors
/// Of the database.
pub(crate) async fn with_partials(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    upload::table
        .filter(upload::id.eq_any(ids))
        .filter(upload::state.eq_any(["created", "receiving", "paused", "received", "verified"]))
        .select(upload::id)
        .load(conn)
        .await
}
