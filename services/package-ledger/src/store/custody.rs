//! The chains of custody: links are added, and read in order.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::{Connection, QueryError};
use uuid::Uuid;

use super::schema::{file_upload, package_event};
use super::unknown;
use crate::domain::custody::{ActorRole, EventRecord};
use crate::domain::status::Status;

/// A link as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = package_event, check_for_backend(diesel::pg::Pg))]
pub(crate) struct EventRow {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Place in the chain, from 1.
    pub(crate) seq: i32,
    /// What happened.
    pub(crate) kind: String,
    /// Where the package stood before.
    pub(crate) from_status: Option<String>,
    /// Where it stands since.
    pub(crate) to_status: String,
    /// Who did it.
    pub(crate) actor_id: Option<Uuid>,
    /// As what.
    pub(crate) actor_role: String,
    /// When.
    pub(crate) occurred_at: DateTime<Utc>,
    /// What else is known of it.
    pub(crate) data: serde_json::Value,
    /// Of its files.
    pub(crate) digests: Vec<Vec<u8>>,
    /// Of the link before.
    pub(crate) prev_hash: Vec<u8>,
    /// Of this link.
    pub(crate) hash: Vec<u8>,
}

/// A file that goes with a link.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = file_upload, check_for_backend(diesel::pg::Pg))]
pub(crate) struct FileRow {
    /// Its id here.
    pub(crate) id: Uuid,
    /// The package.
    pub(crate) package_id: Uuid,
    /// Name of what it is.
    pub(crate) kind: String,
    /// The asset at upload-ingest.
    pub(crate) asset_id: Uuid,
    /// SHA-256 of the original.
    pub(crate) sha256: Vec<u8>,
    /// Media type of the original.
    pub(crate) content_type: String,
    /// Size of the original.
    pub(crate) size_bytes: i64,
    /// Path of the original below the gateway.
    pub(crate) url: String,
    /// The link that it belongs to.
    pub(crate) event_seq: i32,
    /// Until when it is kept at least.
    pub(crate) retain_until: Option<DateTime<Utc>>,
    /// When it was added.
    pub(crate) created_at: DateTime<Utc>,
}

impl From<&EventRecord> for EventRow {
    fn from(event: &EventRecord) -> Self {
        Self {
            package_id: event.package_id,
            seq: event.seq,
            kind: event.kind.clone(),
            from_status: event.from.map(|status| status.as_str().to_owned()),
            to_status: event.to.as_str().to_owned(),
            actor_id: event.actor_id,
            actor_role: event.actor_role.as_str().to_owned(),
            occurred_at: DateTime::from_timestamp_micros(event.at).unwrap_or(DateTime::<Utc>::MAX_UTC),
            data: event.data.clone(),
            digests: event.digests.iter().map(|digest| digest.to_vec()).collect(),
            prev_hash: event.prev_hash.to_vec(),
            hash: event.hash.to_vec(),
        }
    }
}

impl TryFrom<EventRow> for EventRecord {
    type Error = QueryError;

    fn try_from(row: EventRow) -> QueryResult<Self> {
        let status = |name: &str| Status::parse(name).ok_or_else(|| unknown("package_event.status", name));
        Ok(Self {
            package_id: row.package_id,
            seq: row.seq,
            from: row.from_status.as_deref().map(status).transpose()?,
            to: status(&row.to_status)?,
            kind: row.kind,
            actor_id: row.actor_id,
            actor_role: ActorRole::parse(&row.actor_role)
                .ok_or_else(|| unknown("package_event.actor_role", &row.actor_role))?,
            at: row.occurred_at.timestamp_micros(),
            data: row.data,
            digests: row.digests.into_iter().map(hash).collect::<QueryResult<_>>()?,
            prev_hash: hash(row.prev_hash)?,
            hash: hash(row.hash)?,
        })
    }
}

/// 32 bytes.
///
/// # Errors
/// Where it is of another length, which the tables do not allow.
pub(crate) fn hash(bytes: Vec<u8>) -> QueryResult<[u8; 32]> {
    bytes.try_into().map_err(|bytes: Vec<u8>| unknown("a hash", &format!("{} bytes", bytes.len())))
}

/// Adds a link.
///
/// # Errors
/// Of the database.
pub(crate) async fn append(conn: &mut Connection, event: &EventRecord) -> QueryResult<()> {
    diesel::insert_into(package_event::table).values(EventRow::from(event)).execute(conn).await.map(|_| ())
}

/// When the last events of this kind happened to a package since an instant, the last first.
///
/// # Errors
/// Of the database.
pub(crate) async fn last_of_kind(
    conn: &mut Connection,
    package_id: Uuid,
    kind: &str,
    since: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<DateTime<Utc>>> {
    package_event::table
        .filter(package_event::package_id.eq(package_id))
        .filter(package_event::kind.eq(kind))
        .filter(package_event::occurred_at.gt(since))
        .order(package_event::seq.desc())
        .limit(limit)
        .select(package_event::occurred_at)
        .load(conn)
        .await
}

/// Adds files. An asset that the package has already is not added again.
///
/// # Errors
/// Of the database.
pub(crate) async fn add_files(conn: &mut Connection, files: &[FileRow]) -> QueryResult<()> {
    if files.is_empty() {
        return Ok(());
    }
    diesel::insert_into(file_upload::table)
        .values(files)
        .on_conflict((file_upload::package_id, file_upload::asset_id))
        .do_nothing()
        .execute(conn)
        .await
        .map(|_| ())
}

/// The links of a package after this one, in order.
///
/// # Errors
/// Of the database.
pub(crate) async fn chain(
    conn: &mut Connection,
    package_id: Uuid,
    after: i32,
    limit: i64,
) -> QueryResult<Vec<EventRecord>> {
    let rows: Vec<EventRow> = package_event::table
        .filter(package_event::package_id.eq(package_id))
        .filter(package_event::seq.gt(after))
        .order(package_event::seq)
        .limit(limit)
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(EventRecord::try_from).collect()
}

/// Keeps the files of a package until this instant at least; for as long as it is here where there is none.
///
/// # Errors
/// Of the database.
pub(crate) async fn retain(
    conn: &mut Connection,
    package_id: Uuid,
    until: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(file_upload::table.filter(file_upload::package_id.eq(package_id)))
        .set(file_upload::retain_until.eq(until))
        .execute(conn)
        .await
        .map(|_| ())
}
