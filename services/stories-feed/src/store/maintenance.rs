//! What is past its time: stories that have expired, and rows that nobody needs any more. Each statement takes a bounded number of rows
//! and passes over those that somebody else holds, so that any number of replicas may do this at the same time, and nobody waits.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use crate::events::published::About;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Stories whose time is over although they stand as shown, those that expired first.
///
/// # Errors
/// Of the database.
pub(crate) async fn expired(conn: &mut Connection, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> = diesel::sql_query(
        "SELECT id FROM story WHERE state = 'active' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Archived {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = SqlUuid)]
    gym_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    author_id: Uuid,
}

/// Archives those of these stories whose time is over, and says which.
///
/// # Errors
/// Of the database.
pub(crate) async fn archive(
    conn: &mut Connection,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> QueryResult<Vec<About>> {
    let rows: Vec<Archived> = diesel::sql_query(
        "WITH over AS (SELECT id FROM story WHERE id = ANY ($1) AND state = 'active' AND expires_at <= $2 \
           ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) \
         UPDATE story SET state = 'archived', ended_at = $2, updated_at = $2, version = version + 1 \
         FROM over WHERE story.id = over.id \
         RETURNING story.id, story.version, story.gym_id, story.author_id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?;
    let about = |row: Archived| About {
        story_id: row.id,
        version: row.version,
        gym_id: row.gym_id,
        author_id: row.author_id,
    };
    Ok(rows.into_iter().map(about).collect())
}

/// Of what stories are purged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Now.
    pub(crate) now: DateTime<Utc>,
    /// How long deleted and removed ones are kept.
    pub(crate) ended: TimeDelta,
}

/// Past its time: an archived story longer than its gym keeps them, one that failed and was left alone for as long, and one that was
/// deleted or removed.
const IS_PAST: &str = "\
(s.state = 'archived' AND s.expires_at < $1 - make_interval(days => g.archive_days) \
  OR s.state = 'failed' AND s.updated_at < $1 - make_interval(days => g.archive_days) \
  OR s.state IN ('deleted', 'removed') AND s.ended_at < $2)";

/// What highlights show stays, whoever put it there and when: unless its author deleted it, or a moderator removed it.
const IS_KEPT: &str = "\
(s.state NOT IN ('deleted', 'removed') AND EXISTS (SELECT 1 FROM highlight_item i WHERE i.story_id = s.id))";

/// Stories that nobody needs any more.
///
/// # Errors
/// Of the database.
pub(crate) async fn past_stories(
    conn: &mut Connection,
    limits: Limits,
    limit: i64,
) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> = diesel::sql_query(format!(
        "SELECT s.id FROM story s JOIN gym g ON g.id = s.gym_id \
         WHERE s.state IN ('archived', 'failed', 'deleted', 'removed') AND {IS_PAST} AND NOT {IS_KEPT} LIMIT $3"
    ))
    .bind::<Timestamptz, _>(limits.now)
    .bind::<Timestamptz, _>(limits.now - limits.ended)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Removes those of these stories that nobody needs any more, with all that hangs on them. Returns how many.
///
/// They are locked first, and looked at again with the locks held: whoever puts one into a highlight holds it meanwhile, or waits.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_stories(conn: &mut Connection, ids: &[Uuid], limits: Limits) -> QueryResult<usize> {
    let held: Vec<Id> =
        diesel::sql_query("SELECT id FROM story WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED")
            .bind::<Array<SqlUuid>, _>(ids)
            .load(conn)
            .await?;
    let held: Vec<Uuid> = held.into_iter().map(|row| row.id).collect();
    diesel::sql_query(format!(
        "DELETE FROM story s USING gym g WHERE g.id = s.gym_id AND s.id = ANY ($3) AND {IS_PAST} AND NOT {IS_KEPT}"
    ))
    .bind::<Timestamptz, _>(limits.now)
    .bind::<Timestamptz, _>(limits.now - limits.ended)
    .bind::<Array<SqlUuid>, _>(&held)
    .execute(conn)
    .await
}

#[derive(QueryableByName)]
struct Stretch {
    #[diesel(sql_type = SqlUuid)]
    gym_id: Uuid,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

/// Up to where the log of each gym is of no use any more. What comes before an old entry is as old, whatever time stands on it: clocks
/// of replicas differ, and a log with a hole in it would pass for whole.
///
/// # Errors
/// Of the database.
pub(crate) async fn past_log(conn: &mut Connection, before: DateTime<Utc>) -> QueryResult<Vec<(Uuid, i64)>> {
    let rows: Vec<Stretch> = diesel::sql_query(
        "SELECT gym_id, max(seq) AS last FROM feed_event WHERE occurred_at < $1 GROUP BY gym_id",
    )
    .bind::<Timestamptz, _>(before)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.gym_id, row.last)).collect())
}

/// Forgets the beginning of a gym's log up to this position, the oldest first. Returns how many entries.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_log(
    conn: &mut Connection,
    gym_id: Uuid,
    last: i64,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM feed_event WHERE gym_id = $1 AND seq <= LEAST($2, (SELECT min(seq) FROM feed_event WHERE gym_id = $1) + $3 - 1)",
    )
    .bind::<SqlUuid, _>(gym_id)
    .bind::<BigInt, _>(last)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

/// No story and no person shows it.
const IS_UNUSED: &str = "\
NOT EXISTS (SELECT 1 FROM story s WHERE s.asset_id = m.asset_id) \
  AND NOT EXISTS (SELECT 1 FROM person p WHERE p.avatar_asset_id = m.asset_id)";

/// Forgets assets that nothing shows and of which nothing was told since then. Returns how many. To be run in a transaction: they are
/// locked first, and whoever begins to show one holds it meanwhile, or waits and makes it known again.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_media(
    conn: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let held: Vec<Id> = diesel::sql_query(format!(
        "SELECT m.asset_id AS id FROM media m WHERE m.updated_at < $1 AND {IS_UNUSED} \
         ORDER BY m.updated_at LIMIT $2 FOR UPDATE SKIP LOCKED"
    ))
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let held: Vec<Uuid> = held.into_iter().map(|row| row.id).collect();
    diesel::sql_query(format!("DELETE FROM media m WHERE m.asset_id = ANY ($1) AND {IS_UNUSED}"))
        .bind::<Array<SqlUuid>, _>(&held)
        .execute(conn)
        .await
}

/// How the work that waits stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, QueryableByName)]
pub(crate) struct Backlog {
    /// For how long the story that expired first has waited to be archived, in seconds.
    #[diesel(sql_type = Double)]
    pub(crate) unarchived_secs: f64,
    /// Entries of all logs.
    #[diesel(sql_type = BigInt)]
    pub(crate) log_entries: i64,
    /// Stories that wait for their media.
    #[diesel(sql_type = BigInt)]
    pub(crate) waiting: i64,
}

/// How the work that waits stands.
///
/// # Errors
/// Of the database.
pub(crate) async fn backlog(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<Backlog> {
    diesel::sql_query(
        "SELECT COALESCE((SELECT extract(epoch FROM $1 - min(expires_at)) FROM story WHERE state = 'active' AND expires_at <= $1), 0)::float8 \
           AS unarchived_secs, \
         (SELECT count(*) FROM feed_event) AS log_entries, \
         (SELECT count(*) FROM story WHERE state = 'processing') AS waiting",
    )
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await
}
