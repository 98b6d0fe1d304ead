//! Chains of custody, many at a time, for whoever checks them elsewhere.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::custody::{EventRow, FileRow};
use super::schema::{file_upload, package, package_event};

/// A chain as it was at one moment. Its rows are as they stand, so that what somebody has spoilt can be shown too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawChain {
    /// The package.
    pub(crate) package_id: Uuid,
    /// How many links there are, as the package says.
    pub(crate) event_count: i32,
    /// Hash of the last, as the package says.
    pub(crate) head_hash: Option<Vec<u8>>,
    /// Its links, in order.
    pub(crate) events: Vec<EventRow>,
}

/// Packages after this one, in the order of their ids.
///
/// # Errors
/// Of the database.
pub(crate) async fn next_packages(conn: &mut Connection, after: Uuid, limit: i64) -> QueryResult<Vec<Uuid>> {
    package::table
        .filter(package::id.gt(after))
        .order(package::id)
        .limit(limit)
        .select(package::id)
        .load(conn)
        .await
}

/// The chains of these packages, in the order of their ids. One statement, so that a link that is just added is missing from both the
/// links and the end, or from neither.
///
/// # Errors
/// Of the database.
pub(crate) async fn chains(conn: &mut Connection, ids: &[Uuid]) -> QueryResult<Vec<RawChain>> {
    type Row = (Uuid, i32, Option<Vec<u8>>, Option<EventRow>);
    let rows: Vec<Row> = package::table
        .left_join(package_event::table.on(package_event::package_id.eq(package::id)))
        .filter(package::id.eq_any(ids))
        .order((package::id, package_event::seq))
        .select((package::id, package::event_count, package::head_hash, Option::<EventRow>::as_select()))
        .load(conn)
        .await?;
    let mut chains: Vec<RawChain> = Vec::new();
    for (package_id, event_count, head_hash, event) in rows {
        match chains.last_mut() {
            Some(chain) if chain.package_id == package_id => chain.events.extend(event),
            _ => chains.push(RawChain {
                package_id,
                event_count,
                head_hash,
                events: event.into_iter().collect(),
            }),
        }
    }
    Ok(chains)
}

/// One file for each digest after this one, in the order of digests: of all packages, or of one.
///
/// # Errors
/// Of the database.
pub(crate) async fn next_files(
    conn: &mut Connection,
    package_id: Option<Uuid>,
    after: &[u8],
    limit: i64,
) -> QueryResult<Vec<FileRow>> {
    let mut query = file_upload::table
        .filter(file_upload::sha256.gt(after))
        .distinct_on(file_upload::sha256)
        .order((file_upload::sha256, file_upload::id))
        .limit(limit)
        .select(FileRow::as_select())
        .into_boxed();
    if let Some(package_id) = package_id {
        query = query.filter(file_upload::package_id.eq(package_id));
    }
    query.load(conn).await
}
