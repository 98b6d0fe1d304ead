//! Slots: taken and given back by whoever stores a package, put up and blocked by hand.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{package, slot};
use super::unknown;
use crate::domain::shelf::SlotStatus;
use crate::domain::tariff::SizeClass;

/// Free slots that are named where the one wanted is not to be had.
const ALTERNATIVES: i64 = 5;

/// A slot as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = slot, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SlotRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// As it stands on the shelf.
    pub(crate) code: String,
    /// Name of the largest size that it takes.
    pub(crate) size_class: String,
    /// Name of its status.
    pub(crate) status: String,
    /// Why it is out of use.
    pub(crate) blocked_reason: Option<String>,
    /// Rises with each change by hand.
    pub(crate) version: i64,
    /// When it was put up.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl SlotRow {
    /// Its status.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn status(&self) -> QueryResult<SlotStatus> {
        SlotStatus::parse(&self.status).ok_or_else(|| unknown("slot.status", &self.status))
    }
}

/// A slot that was taken.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct TakenSlot {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    /// As it stands on the shelf.
    #[diesel(sql_type = Text)]
    pub(crate) code: String,
}

/// A free slot that somebody is told of.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, serde::Serialize)]
pub(crate) struct FreeSlot {
    /// As it stands on the shelf.
    pub(crate) code: String,
    /// Name of the largest size that it takes.
    pub(crate) size_class: String,
}

/// Takes the first free slot of the smallest of these sizes. Rows that another transaction holds are left out at first, so that nobody
/// waits for anybody while there are others; where there are none, they are waited for, since that transaction may be rolled back: what
/// is said to be full is full.
///
/// # Errors
/// Of the database.
pub(crate) async fn take_any(
    conn: &mut Connection,
    sizes: &[&str],
    now: DateTime<Utc>,
) -> QueryResult<Option<TakenSlot>> {
    const SKIPPING: &str = "UPDATE slot SET status = 'held', updated_at = $2 WHERE id = (\
         SELECT id FROM slot WHERE status = 'free' AND size_class = ANY($1) \
         ORDER BY size_class = 'extra', code LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) RETURNING id, code";
    const WAITING: &str = "UPDATE slot SET status = 'held', updated_at = $2 WHERE id = (\
         SELECT id FROM slot WHERE status = 'free' AND size_class = ANY($1) \
         ORDER BY size_class = 'extra', code LIMIT 1 FOR NO KEY UPDATE) RETURNING id, code";
    match take(conn, SKIPPING, sizes, now).await? {
        None => take(conn, WAITING, sizes, now).await,
        taken => Ok(taken),
    }
}

async fn take(
    conn: &mut Connection,
    statement: &str,
    sizes: &[&str],
    now: DateTime<Utc>,
) -> QueryResult<Option<TakenSlot>> {
    diesel::sql_query(statement)
        .bind::<Array<Text>, _>(sizes)
        .bind::<Timestamptz, _>(now)
        .get_result(conn)
        .await
        .optional()
}

/// Takes the slot of this code, if it is free and of one of these sizes.
///
/// # Errors
/// Of the database.
pub(crate) async fn take_named(
    conn: &mut Connection,
    code: &str,
    sizes: &[&str],
    now: DateTime<Utc>,
) -> QueryResult<Option<TakenSlot>> {
    diesel::update(slot::table)
        .filter(slot::code.eq(code))
        .filter(slot::status.eq(SlotStatus::Free.as_str()))
        .filter(slot::size_class.eq_any(sizes))
        .set((slot::status.eq(SlotStatus::Held.as_str()), slot::updated_at.eq(now)))
        .returning((slot::id, slot::code))
        .get_result(conn)
        .await
        .optional()
        .map(|taken| taken.map(|(id, code)| TakenSlot { id, code }))
}

/// Gives a slot back; its code.
///
/// # Errors
/// Of the database.
pub(crate) async fn free(conn: &mut Connection, id: Uuid, now: DateTime<Utc>) -> QueryResult<Option<String>> {
    diesel::update(slot::table.find(id))
        .filter(slot::status.eq(SlotStatus::Held.as_str()))
        .set((slot::status.eq(SlotStatus::Free.as_str()), slot::updated_at.eq(now)))
        .returning(slot::code)
        .get_result(conn)
        .await
        .optional()
}

/// Some free slots of these sizes, in the order in which they would be taken.
///
/// # Errors
/// Of the database.
pub(crate) async fn some_free(conn: &mut Connection, sizes: &[&str]) -> QueryResult<Vec<FreeSlot>> {
    slot::table
        .filter(slot::status.eq(SlotStatus::Free.as_str()))
        .filter(slot::size_class.eq_any(sizes))
        .order((slot::size_class.desc(), slot::code))
        .select((slot::code, slot::size_class))
        .limit(ALTERNATIVES)
        .load(conn)
        .await
}

/// The slot of this code.
///
/// # Errors
/// Of the database.
pub(crate) async fn by_code(conn: &mut Connection, code: &str) -> QueryResult<Option<SlotRow>> {
    slot::table.filter(slot::code.eq(code)).select(SlotRow::as_select()).first(conn).await.optional()
}

/// The slot of this id; nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<SlotRow>> {
    slot::table.find(id).select(SlotRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Puts up slots; those whose codes are there already are left as they are. Those that were put up.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut Connection, rows: &[SlotRow]) -> QueryResult<Vec<SlotRow>> {
    diesel::insert_into(slot::table)
        .values(rows)
        .on_conflict(slot::code)
        .do_nothing()
        .returning(SlotRow::as_returning())
        .get_results(conn)
        .await
}

/// Blocks a locked slot for a reason, or gives it free.
///
/// # Errors
/// Of the database.
pub(crate) async fn block(
    conn: &mut Connection,
    id: Uuid,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<SlotRow> {
    let status = if reason.is_some() { SlotStatus::Blocked } else { SlotStatus::Free };
    diesel::update(slot::table.find(id))
        .set((
            slot::status.eq(status.as_str()),
            slot::blocked_reason.eq(reason),
            slot::version.eq(slot::version + 1),
            slot::updated_at.eq(now),
        ))
        .returning(SlotRow::as_returning())
        .get_result(conn)
        .await
}

/// What a list of slots is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SlotFilter {
    /// Only those.
    pub(crate) status: Option<SlotStatus>,
    /// Only those.
    pub(crate) size_class: Option<SizeClass>,
}

/// Slots after this code, each with the package that lies there, in the order of their codes.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    filter: SlotFilter,
    after: Option<&str>,
    limit: i64,
) -> QueryResult<Vec<(SlotRow, Option<Uuid>)>> {
    let mut query = slot::table
        .left_join(package::table.on(package::slot_id.eq(slot::id.nullable())))
        .order(slot::code)
        .limit(limit)
        .select((SlotRow::as_select(), package::id.nullable()))
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(slot::status.eq(status.as_str()));
    }
    if let Some(size_class) = filter.size_class {
        query = query.filter(slot::size_class.eq(size_class.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(slot::code.gt(after));
    }
    query.load(conn).await
}

/// How many slots there are by size and status.
///
/// # Errors
/// Of the database.
pub(crate) async fn counts(conn: &mut Connection) -> QueryResult<Vec<(String, String, i64)>> {
    slot::table
        .group_by((slot::size_class, slot::status))
        .select((slot::size_class, slot::status, diesel::dsl::count_star()))
        .load(conn)
        .await
}
