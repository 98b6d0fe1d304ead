//! The desk in figures.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::Deserialize;

/// Figures of one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Packages of each status that there is any of.
    pub(crate) statuses: BTreeMap<String, i64>,
    /// Overdue ones.
    pub(crate) overdue: i64,
    /// Ones that the desk has, and nobody knows whose they are.
    pub(crate) unidentified: i64,
    /// Received since the day began.
    pub(crate) received_today: i64,
    /// Received since the week began.
    pub(crate) received_week: i64,
    /// Slots by size and status.
    pub(crate) slots: Vec<SlotCount>,
    /// The last instant at which the next package is not overdue yet.
    pub(crate) next_hold_end: Option<DateTime<Utc>>,
}

/// Slots of a size in a status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SlotCount {
    /// Name of the size.
    pub(crate) size_class: String,
    /// Name of the status.
    pub(crate) status: String,
    /// How many.
    pub(crate) count: i64,
}

const FIGURES: &str = "\
SELECT \
(SELECT json_object_agg(g.status, g.n)::text FROM (SELECT status, count(*) AS n FROM package GROUP BY status) g) AS statuses, \
(SELECT count(*) FROM package WHERE status IN ('stored', 'notified') AND hold_until < $1) AS overdue, \
(SELECT min(hold_until) FROM package WHERE status IN ('stored', 'notified') AND hold_until >= $1) AS next_hold_end, \
(SELECT count(*) FROM package WHERE status IN ('received', 'stored', 'notified', 'damaged') AND customer_id IS NULL) AS unidentified, \
(SELECT count(*) FROM package WHERE received_at >= $2) AS received_today, \
(SELECT count(*) FROM package WHERE received_at >= $3) AS received_week, \
(SELECT json_agg(g)::text FROM (SELECT size_class, status, count(*) AS count FROM slot GROUP BY size_class, status) g) AS slots";

#[derive(QueryableByName)]
struct FiguresRow {
    #[diesel(sql_type = Nullable<Text>)]
    statuses: Option<String>,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_hold_end: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    unidentified: i64,
    #[diesel(sql_type = BigInt)]
    received_today: i64,
    #[diesel(sql_type = BigInt)]
    received_week: i64,
    #[diesel(sql_type = Nullable<Text>)]
    slots: Option<String>,
}

/// The figures of this instant; `today` and `week` are where those begin. One statement, which reads an index of all packages: keep what
/// it gives.
///
/// # Errors
/// Of the database.
pub(crate) async fn figures(
    conn: &mut Connection,
    now: DateTime<Utc>,
    today: DateTime<Utc>,
    week: DateTime<Utc>,
) -> QueryResult<Figures> {
    let row: FiguresRow = diesel::sql_query(FIGURES)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(today)
        .bind::<Timestamptz, _>(week)
        .get_result(conn)
        .await?;
    let broken = |error: serde_json::Error| diesel::result::Error::DeserializationError(error.into());
    Ok(Figures {
        statuses: row
            .statuses
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(broken)?
            .unwrap_or_default(),
        overdue: row.overdue,
        unidentified: row.unidentified,
        received_today: row.received_today,
        received_week: row.received_week,
        slots: row
            .slots
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(broken)?
            .unwrap_or_default(),
        next_hold_end: row.next_hold_end,
    })
}
