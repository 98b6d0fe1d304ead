//! What the reception of a parcel asks of announcements, customers and open packages.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{announcement, customer, package};
use crate::domain::matching::OpenAnnouncement;
use crate::domain::status::Status;

/// An announcement, as far as a reception has to know it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = announcement, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AnnouncedRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Whom it is for.
    pub(crate) customer_id: Uuid,
    /// The version in force when it was announced.
    pub(crate) tariff_id: Uuid,
    /// Name of its status.
    pub(crate) status: String,
    /// When it was announced.
    pub(crate) created_at: DateTime<Utc>,
}

impl AnnouncedRow {
    /// Whether its parcel is still waited for.
    pub(crate) fn is_pending(&self) -> bool {
        self.status == PENDING
    }
}

const PENDING: &str = "pending";

/// The announcement of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn announcement(conn: &mut Connection, id: Uuid) -> QueryResult<Option<AnnouncedRow>> {
    announcement::table.find(id).select(AnnouncedRow::as_select()).first(conn).await.optional()
}

/// The package that stands for an announcement whose parcel has not come.
///
/// # Errors
/// Of the database.
pub(crate) async fn placeholder(conn: &mut Connection, announcement_id: Uuid) -> QueryResult<Option<Uuid>> {
    package::table
        .filter(package::announcement_id.eq(announcement_id))
        .filter(package::status.eq(Status::Announced.as_str()))
        .select(package::id)
        .first(conn)
        .await
        .optional()
}

/// The parcel of an announcement is here: whether it was still waited for. One that has expired is here all the same.
///
/// # Errors
/// Of the database.
pub(crate) async fn match_announcement(
    conn: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    end_announcement(conn, id, &[PENDING, "expired"], "matched", now).await
}

/// Nobody waits for the parcel of an announcement any more: whether anybody did, or had it.
///
/// # Errors
/// Of the database.
pub(crate) async fn cancel_announcement(
    conn: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    end_announcement(conn, id, &[PENDING, "expired", "matched"], "cancelled", now).await
}

async fn end_announcement(
    conn: &mut Connection,
    id: Uuid,
    from: &[&str],
    to: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::update(announcement::table.find(id))
        .filter(announcement::status.eq_any(from))
        .set((
            announcement::status.eq(to),
            announcement::version.eq(announcement::version + 1),
            announcement::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map(|rows| rows > 0)
}

/// Whether there is a customer of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn is_customer(conn: &mut Connection, id: Uuid) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(customer::table.find(id))).get_result(conn).await
}

/// The customer with this phone.
///
/// # Errors
/// Of the database.
pub(crate) async fn customer_by_phone(conn: &mut Connection, phone: &str) -> QueryResult<Option<Uuid>> {
    customer::table.filter(customer::phone.eq(phone)).select(customer::id).first(conn).await.optional()
}

/// Nobody else receives a parcel of this number until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn hold_guide(conn: &mut Connection, guide_number: &str) -> QueryResult<()> {
    // The first half keeps it apart from what else is locked by a number; two guides that share the second wait for each other.
    const SPACE: i32 = 0x6775_6964;
    diesel::sql_query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
        .bind::<Integer, _>(SPACE)
        .bind::<Text, _>(guide_number)
        .execute(conn)
        .await
        .map(|_| ())
}

/// A package with one of these numbers that the desk has, or has lost, beside this one.
///
/// # Errors
/// Of the database.
pub(crate) async fn open_package(
    conn: &mut Connection,
    guide_numbers: &[String],
    beside: Option<Uuid>,
) -> QueryResult<Option<Uuid>> {
    let open: Vec<&str> = Status::ALL
        .iter()
        .filter(|status| status.in_custody() || **status == Status::Lost)
        .map(|status| status.as_str())
        .collect();
    package::table
        .filter(package::guide_number.eq_any(guide_numbers))
        .filter(package::status.eq_any(open))
        .filter(package::id.ne(beside.unwrap_or(Uuid::nil())))
        .select(package::id)
        .first(conn)
        .await
        .optional()
}

/// Open announcements that are looked through for a number that was misread, or for a name: the newest.
const MAX_SEARCHED: i64 = 500;
/// Most that are found by number or phone.
const MAX_FOUND: i64 = 100;

/// Open announcements that a parcel may belong to, each with whom it is for: those with one of these numbers or with this phone, and the
/// newest of all others.
///
/// # Errors
/// Of the database.
pub(crate) async fn candidates(
    conn: &mut Connection,
    numbers: &[String],
    phone: Option<&str>,
) -> QueryResult<Vec<(Uuid, OpenAnnouncement)>> {
    let columns = (
        announcement::id,
        announcement::customer_id,
        announcement::guide_number,
        announcement::carrier,
        announcement::name,
        announcement::phone,
        announcement::expected_at,
    );
    let has_number = announcement::guide_number.eq_any(numbers);
    let found = announcement::table
        .filter(announcement::status.eq(PENDING))
        .filter(has_number.or(announcement::phone.eq(phone.unwrap_or_default())))
        .select(columns)
        .limit(MAX_FOUND);
    let newest = announcement::table
        .filter(announcement::status.eq(PENDING))
        .order(announcement::created_at.desc())
        .select(columns)
        .limit(MAX_SEARCHED);
    let mut rows: Vec<CandidateRow> = found.load(conn).await?;
    let others: Vec<CandidateRow> = newest.load(conn).await?;
    let known: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    rows.extend(others.into_iter().filter(|row| !known.contains(&row.0)));
    Ok(rows.into_iter().map(open_announcement).collect())
}

type CandidateRow = (Uuid, Uuid, String, Option<String>, String, String, Option<DateTime<Utc>>);

fn open_announcement(row: CandidateRow) -> (Uuid, OpenAnnouncement) {
    let (id, customer_id, guide_number, carrier, name, phone, expected_at) = row;
    let open =
        OpenAnnouncement { id, guide_number, carrier, name: Some(name), phone: Some(phone), expected_at };
    (customer_id, open)
}
