//! What pickup codes are made from, what was guessed of them, and what else shows who fetches a package.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{customer, pickup_code, wrong_guess};
use super::unknown;
use crate::domain::customer::{Document, DocumentType};

/// A code's row; the code itself is nowhere.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = pickup_code, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct CodeRow {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Whose code it is.
    pub(crate) customer_id: Uuid,
    /// What it is made from, with the key.
    pub(crate) nonce: Vec<u8>,
    /// Wrong guesses since it was issued.
    pub(crate) wrong_guesses: i32,
    /// When there were too many.
    pub(crate) locked_at: Option<DateTime<Utc>>,
    /// When it was used.
    pub(crate) used_at: Option<DateTime<Utc>>,
    /// When it was issued.
    pub(crate) issued_at: DateTime<Utc>,
}

/// Writes a code's row: in place of the one before, if there was one.
///
/// # Errors
/// Of the database.
pub(crate) async fn put(conn: &mut Connection, row: &CodeRow) -> QueryResult<()> {
    diesel::insert_into(pickup_code::table)
        .values(row)
        .on_conflict(pickup_code::package_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await
        .map(|_| ())
}

/// The row of a package's code for this customer.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(
    conn: &mut Connection,
    package_id: Uuid,
    customer_id: Uuid,
) -> QueryResult<Option<CodeRow>> {
    pickup_code::table
        .find(package_id)
        .filter(pickup_code::customer_id.eq(customer_id))
        .select(CodeRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// Wrong guesses for a customer since an instant, and the first of them. Nobody else counts or adds any until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn wrong_since(
    conn: &mut Connection,
    customer_id: Uuid,
    since: DateTime<Utc>,
) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(format!("wrong_guess/{customer_id}"))
        .execute(conn)
        .await?;
    wrong_guess::table
        .filter(wrong_guess::customer_id.eq(customer_id))
        .filter(wrong_guess::guessed_at.gt(since))
        .select((diesel::dsl::count_star(), diesel::dsl::min(wrong_guess::guessed_at)))
        .first(conn)
        .await
}

/// Adds a wrong guess for a customer, and forgets those that are older than a day.
///
/// # Errors
/// Of the database.
pub(crate) async fn add_wrong(
    conn: &mut Connection,
    customer_id: Uuid,
    now: DateTime<Utc>,
    id: Uuid,
) -> QueryResult<()> {
    let old = wrong_guess::table
        .filter(wrong_guess::customer_id.eq(customer_id))
        .filter(wrong_guess::guessed_at.lt(now - TimeDelta::days(1)));
    diesel::delete(old).execute(conn).await?;
    let row =
        (wrong_guess::customer_id.eq(customer_id), wrong_guess::guessed_at.eq(now), wrong_guess::id.eq(id));
    diesel::insert_into(wrong_guess::table).values(row).execute(conn).await.map(|_| ())
}

/// The identity document of a customer, if it has shown one.
///
/// # Errors
/// Of the database.
pub(crate) async fn document(conn: &mut Connection, customer_id: Uuid) -> QueryResult<Option<Document>> {
    let found: Option<(Option<String>, Option<String>)> = customer::table
        .find(customer_id)
        .select((customer::document_type, customer::document_number))
        .first(conn)
        .await
        .optional()?;
    let Some((Some(kind), Some(number))) = found else { return Ok(None) };
    let kind = DocumentType::parse(&kind).ok_or_else(|| unknown("customer.document_type", &kind))?;
    Ok(Some(Document { kind, number }))
}
