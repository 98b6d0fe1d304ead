//! Messages on their way: claimed by whoever sends them, and settled.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::notifications::NotificationRow;
use super::schema::notification;

/// Most attempts to send one; the table has the same bound.
pub(crate) const MAX_ATTEMPTS: i32 = 3;

/// A claim is an attempt, and moves the next one to where somebody else may make it if nothing is heard of this one.
const CLAIM: &str = "\
UPDATE notification SET attempts = attempts + 1, next_attempt_at = $2 WHERE id = ANY (ARRAY( \
SELECT id FROM notification WHERE status = 'pending' AND next_attempt_at <= $1 AND attempts < $4 \
ORDER BY next_attempt_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING *";

/// Claims messages that are to be sent now, until an instant; the first are those that have waited longest.
///
/// # Errors
/// Of the database.
pub(crate) async fn claim(
    conn: &mut Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<NotificationRow>> {
    let mut rows: Vec<NotificationRow> = diesel::sql_query(CLAIM)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(until)
        .bind::<BigInt, _>(limit)
        .bind::<Integer, _>(MAX_ATTEMPTS)
        .load(conn)
        .await?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Gives up messages whose last attempt was cut off, so that nobody knows what became of it. Returns how many.
///
/// # Errors
/// Of the database.
pub(crate) async fn give_up(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<usize> {
    let cut_off = notification::table
        .filter(notification::status.eq("pending"))
        .filter(notification::attempts.ge(MAX_ATTEMPTS))
        .filter(notification::next_attempt_at.le(now));
    let failed = (
        notification::status.eq("failed"),
        notification::next_attempt_at.eq(None::<DateTime<Utc>>),
        notification::error_code.eq("outcome_unknown"),
    );
    diesel::update(cut_off).set(failed).execute(conn).await
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The provider took it.
    Sent {
        /// The provider's name for it.
        provider_id: Option<String>,
        /// What the provider asked for it.
        cost_minor: Option<i64>,
    },
    /// To be tried again.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        error_code: &'static str,
    },
    /// Given up.
    Failed {
        /// Why.
        error_code: &'static str,
    },
}

/// Writes what became of an attempt; false where somebody else has claimed the message meanwhile.
///
/// # Errors
/// Of the database.
pub(crate) async fn settle(
    conn: &mut Connection,
    row: &NotificationRow,
    settled: &Settled,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let own = notification::table
        .find(row.id)
        .filter(notification::status.eq("pending"))
        .filter(notification::attempts.eq(row.attempts));
    let settling = diesel::update(own);
    let none = None::<DateTime<Utc>>;
    let done = match settled {
        Settled::Sent { provider_id, cost_minor } => {
            let sent = (
                notification::status.eq("sent"),
                notification::next_attempt_at.eq(none),
                notification::sent_at.eq(now),
                notification::provider_id.eq(provider_id),
                notification::cost_minor.eq(cost_minor),
                notification::error_code.eq(None::<String>),
            );
            settling.set(sent).execute(conn).await?
        }
        Settled::Retry { at, error_code } => {
            let again = (notification::next_attempt_at.eq(at), notification::error_code.eq(error_code));
            settling.set(again).execute(conn).await?
        }
        Settled::Failed { error_code } => {
            let failed = (
                notification::status.eq("failed"),
                notification::next_attempt_at.eq(none),
                notification::error_code.eq(error_code),
            );
            settling.set(failed).execute(conn).await?
        }
    };
    Ok(done > 0)
}

/// Word of a package that lies ready, which its customer has.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Word {
    /// The package.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) package_id: Uuid,
    /// Whose it is.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) customer_id: Uuid,
    /// The message.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) notification_id: Uuid,
    /// Name of its channel.
    #[diesel(sql_type = Text)]
    pub(crate) channel: String,
}

/// A message from before the package was last given to somebody is no word of it; of several, the last counts.
const UNHEEDED: &str = "\
SELECT p.id AS package_id, p.customer_id, n.id AS notification_id, n.channel FROM package p CROSS JOIN LATERAL ( \
SELECT id, channel, status, customer_id FROM notification WHERE package_id = p.id AND template = 'ready' ORDER BY id DESC LIMIT 1) n \
WHERE p.status = 'stored' AND n.customer_id = p.customer_id AND n.status IN ('sent', 'delivered') ORDER BY p.id LIMIT $1";

/// Packages that lie ready and whose customers know it, and that are not notified all the same.
///
/// # Errors
/// Of the database.
pub(crate) async fn unheeded(conn: &mut Connection, limit: i64) -> QueryResult<Vec<Word>> {
    diesel::sql_query(UNHEEDED).bind::<BigInt, _>(limit).load(conn).await
}

#[derive(QueryableByName)]
struct Pending {
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
}

/// How many wait, and since when the first of them does.
///
/// # Errors
/// Of the database.
pub(crate) async fn backlog(conn: &mut Connection) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    let waiting =
        "SELECT count(*) AS pending, min(created_at) AS oldest FROM notification WHERE status = 'pending'";
    let Pending { pending, oldest } = diesel::sql_query(waiting).get_result(conn).await?;
    Ok((pending, oldest))
}
