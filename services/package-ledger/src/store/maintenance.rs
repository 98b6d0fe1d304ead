//! What is past its time: announcements that nobody waits for, and guesses that count no more.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{announcement, package};

/// An announcement that is past its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct Expired {
    /// The announcement.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) customer_id: Uuid,
    /// Its package, as long as that is only announced.
    pub(crate) package_id: Option<Uuid>,
}

/// Announcements that have not come by their time, with their packages, the oldest first, leaving out some.
///
/// # Errors
/// Of the database.
pub(crate) async fn expired(
    conn: &mut Connection,
    now: DateTime<Utc>,
    left_out: &[Uuid],
    limit: i64,
) -> QueryResult<Vec<Expired>> {
    let waiting =
        package::announcement_id.eq(announcement::id.nullable()).and(package::status.eq("announced"));
    announcement::table
        .left_join(package::table.on(waiting))
        .filter(announcement::status.eq("pending"))
        .filter(announcement::expires_at.le(now))
        .filter(announcement::id.ne_all(left_out))
        .order((announcement::expires_at, announcement::id))
        .limit(limit)
        .select((announcement::id, announcement::customer_id, package::id.nullable()))
        .load(conn)
        .await
}

/// Lets an announcement expire; false where it is not waited for any more, or longer than it was.
///
/// # Errors
/// Of the database.
pub(crate) async fn expire(conn: &mut Connection, id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
    let waiting = announcement::table
        .find(id)
        .filter(announcement::status.eq("pending"))
        .filter(announcement::expires_at.le(now));
    let expired = (
        announcement::status.eq("expired"),
        announcement::version.eq(announcement::version + 1),
        announcement::updated_at.eq(now),
    );
    Ok(diesel::update(waiting).set(expired).execute(conn).await? > 0)
}

/// Forgets wrong guesses from before an instant, at most `limit`. Returns how many. Skips what another replica is at.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_guesses(
    conn: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM wrong_guess WHERE ctid = ANY (ARRAY(SELECT ctid FROM wrong_guess WHERE guessed_at < $1 \
         ORDER BY guessed_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}
