//! Deadlines: set, fired, cancelled.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::deadline;
use super::unknown;
use crate::domain::deadlines::{Deadline, DeadlineKind};

/// Advisory lock "somebody fires deadlines of this database". Two-number locks share no space with one-number ones.
const FIRING: (i32, i32) = (0x0a1d_1a00, 0x5_0001);

/// A deadline as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = deadline, check_for_backend(diesel::pg::Pg))]
pub(crate) struct DeadlineRow {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Name of what it is.
    pub(crate) kind: String,
    /// Which of several.
    pub(crate) ordinal: i32,
    /// When it is due.
    pub(crate) due_at: DateTime<Utc>,
    /// When it fired.
    pub(crate) fired_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
}

/// One that is due.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Due {
    /// The package.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) package_id: Uuid,
    /// Name of what it is.
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    /// Which of several.
    #[diesel(sql_type = Integer)]
    pub(crate) ordinal: i32,
    /// When it was due.
    #[diesel(sql_type = Timestamptz)]
    pub(crate) due_at: DateTime<Utc>,
    /// Whose package it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) customer_id: Option<Uuid>,
}

impl Due {
    /// What it is.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<DeadlineKind> {
        DeadlineKind::parse(&self.kind).ok_or_else(|| unknown("deadline.kind", &self.kind))
    }
}

/// Sets the deadlines of a package in place of those that have not fired; those that have fired stay as they are.
///
/// # Errors
/// Of the database.
pub(crate) async fn set(conn: &mut Connection, package_id: Uuid, deadlines: &[Deadline]) -> QueryResult<()> {
    let unfired =
        deadline::table.filter(deadline::package_id.eq(package_id)).filter(deadline::fired_at.is_null());
    diesel::delete(unfired).execute(conn).await?;
    let rows: Vec<DeadlineRow> = deadlines
        .iter()
        .map(|deadline| DeadlineRow {
            package_id,
            kind: deadline.kind.as_str().to_owned(),
            ordinal: deadline.ordinal,
            due_at: deadline.due_at,
            fired_at: None,
            cancelled_at: None,
        })
        .collect();
    let key = (deadline::package_id, deadline::kind, deadline::ordinal);
    diesel::insert_into(deadline::table)
        .values(&rows)
        .on_conflict(key)
        .do_nothing()
        .execute(conn)
        .await
        .map(|_| ())
}

/// Cancels those of a package that are open.
///
/// # Errors
/// Of the database.
pub(crate) async fn cancel(conn: &mut Connection, package_id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    let open = deadline::table
        .filter(deadline::package_id.eq(package_id))
        .filter(deadline::fired_at.is_null())
        .filter(deadline::cancelled_at.is_null());
    diesel::update(open).set(deadline::cancelled_at.eq(now)).execute(conn).await.map(|_| ())
}

/// The deadlines of a package, in the order in which they fire.
///
/// # Errors
/// Of the database, and for a name that is not known here.
pub(crate) async fn of_package(
    conn: &mut Connection,
    package_id: Uuid,
) -> QueryResult<Vec<(DeadlineKind, DeadlineRow)>> {
    let rows: Vec<DeadlineRow> = deadline::table
        .filter(deadline::package_id.eq(package_id))
        .select(DeadlineRow::as_select())
        .load(conn)
        .await?;
    let known = |row: DeadlineRow| match DeadlineKind::parse(&row.kind) {
        Some(kind) => Ok((kind, row)),
        None => Err(unknown("deadline.kind", &row.kind)),
    };
    let mut rows: Vec<_> = rows.into_iter().map(known).collect::<QueryResult<_>>()?;
    rows.sort_unstable_by_key(|(kind, row)| (row.due_at, *kind, row.ordinal));
    Ok(rows)
}

/// Open and due, and of no package in `$3`. Of two at one instant the order of kinds decides, which is not that of their names.
const NEXT: &str = "\
SELECT d.package_id, d.kind, d.ordinal, d.due_at, p.customer_id \
FROM deadline d JOIN package p ON p.id = d.package_id \
WHERE d.fired_at IS NULL AND d.cancelled_at IS NULL AND d.due_at <= $1 AND d.package_id <> ALL ($3) \
ORDER BY d.due_at, array_position($2, d.kind), d.ordinal, d.package_id LIMIT 1";

/// The one that has to fire next, leaving out those of some packages.
///
/// # Errors
/// Of the database.
pub(crate) async fn next_due(
    conn: &mut Connection,
    now: DateTime<Utc>,
    left_out: &[Uuid],
) -> QueryResult<Option<Due>> {
    let kinds: Vec<&str> = DeadlineKind::ALL.iter().map(|kind| kind.as_str()).collect();
    diesel::sql_query(NEXT)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(left_out)
        .get_result(conn)
        .await
        .optional()
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// Takes the turn to fire until the transaction ends; false where somebody else has it.
///
/// # Errors
/// Of the database.
pub(crate) async fn take_turn(conn: &mut Connection) -> QueryResult<bool> {
    let Taken { taken } = diesel::sql_query("SELECT pg_try_advisory_xact_lock($1, $2) AS taken")
        .bind::<Integer, _>(FIRING.0)
        .bind::<Integer, _>(FIRING.1)
        .get_result(conn)
        .await?;
    Ok(taken)
}

/// Marks one as fired; false where it has fired or was cancelled meanwhile.
///
/// # Errors
/// Of the database.
pub(crate) async fn fire(conn: &mut Connection, due: &Due, now: DateTime<Utc>) -> QueryResult<bool> {
    let open = deadline::table
        .find((due.package_id, &due.kind, due.ordinal))
        .filter(deadline::fired_at.is_null())
        .filter(deadline::cancelled_at.is_null());
    Ok(diesel::update(open).set(deadline::fired_at.eq(now)).execute(conn).await? > 0)
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
}

/// How many are due and have not fired, and since when the first of them is.
///
/// # Errors
/// Of the database.
pub(crate) async fn backlog(
    conn: &mut Connection,
    now: DateTime<Utc>,
) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    let open = "SELECT count(*) AS due, min(due_at) AS oldest FROM deadline \
                WHERE fired_at IS NULL AND cancelled_at IS NULL AND due_at <= $1";
    let Oldest { due, oldest } = diesel::sql_query(open).bind::<Timestamptz, _>(now).get_result(conn).await?;
    Ok((due, oldest))
}
