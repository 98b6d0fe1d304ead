//! Money taken for packages, and what the desk does without.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{payment, waiver};
use super::unknown;
use crate::domain::ledger::Method;
use crate::domain::money::Currency;

/// A payment as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = payment, check_for_backend(diesel::pg::Pg))]
pub(crate) struct PaymentRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) package_id: Uuid,
    /// Whose account it is booked on.
    pub(crate) customer_id: Option<Uuid>,
    /// Name of how it came.
    pub(crate) method: String,
    /// In minor units.
    pub(crate) amount_minor: i64,
    /// Given back of it.
    pub(crate) refunded_minor: i64,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Number of its receipt.
    pub(crate) receipt_no: i64,
    /// Of a bank transfer.
    pub(crate) reference: Option<String>,
    /// Who took it.
    pub(crate) received_by: Uuid,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

impl PaymentRow {
    /// How it came.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn method(&self) -> QueryResult<Method> {
        Method::parse(&self.method).ok_or_else(|| unknown("payment.method", &self.method))
    }

    /// What it is in.
    ///
    /// # Errors
    /// For a code that is not known here.
    pub(crate) fn currency(&self) -> QueryResult<Currency> {
        Currency::parse(&self.currency).ok_or_else(|| unknown("payment.currency", &self.currency))
    }
}

/// A payment before it has its number.
#[derive(Insertable)]
#[diesel(table_name = payment)]
pub(crate) struct NewPayment<'a> {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) package_id: Uuid,
    /// Whose account it is booked on.
    pub(crate) customer_id: Option<Uuid>,
    /// Name of how it came.
    pub(crate) method: &'static str,
    /// In minor units.
    pub(crate) amount_minor: i64,
    /// ISO 4217.
    pub(crate) currency: &'static str,
    /// Of a bank transfer.
    pub(crate) reference: Option<&'a str>,
    /// Who took it.
    pub(crate) received_by: Uuid,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// A waiver as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = waiver, check_for_backend(diesel::pg::Pg))]
pub(crate) struct WaiverRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) package_id: Uuid,
    /// In minor units.
    pub(crate) amount_minor: i64,
    /// Why.
    pub(crate) reason: String,
    /// Who decided.
    pub(crate) granted_by: Uuid,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// Adds a payment, which gets the next number of a receipt.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut Connection, new: &NewPayment<'_>) -> QueryResult<PaymentRow> {
    diesel::insert_into(payment::table)
        .values(new)
        .returning(PaymentRow::as_returning())
        .get_result(conn)
        .await
}

/// The payment of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<PaymentRow>> {
    payment::table.find(id).select(PaymentRow::as_select()).first(conn).await.optional()
}

/// Gives so much of a payment back, of which so much has to be left. Its package is locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn give_back(conn: &mut Connection, id: Uuid, amount_minor: i64) -> QueryResult<PaymentRow> {
    diesel::update(payment::table.find(id))
        .set(payment::refunded_minor.eq(payment::refunded_minor + amount_minor))
        .returning(PaymentRow::as_returning())
        .get_result(conn)
        .await
}

/// Gives back what is left of these payments. Their package is locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn give_back_whole(conn: &mut Connection, ids: &[Uuid]) -> QueryResult<()> {
    diesel::update(payment::table.filter(payment::id.eq_any(ids)))
        .set(payment::refunded_minor.eq(payment::amount_minor))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Payments for a package after this one, in the order in which they came.
///
/// # Errors
/// Of the database.
pub(crate) async fn of_package(
    conn: &mut Connection,
    package_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<PaymentRow>> {
    payment::table
        .filter(payment::package_id.eq(package_id))
        .filter(payment::id.gt(after.unwrap_or(Uuid::nil())))
        .order(payment::id)
        .limit(limit)
        .select(PaymentRow::as_select())
        .load(conn)
        .await
}

/// Adds a waiver.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert_waiver(conn: &mut Connection, row: &WaiverRow) -> QueryResult<()> {
    diesel::insert_into(waiver::table).values(row).execute(conn).await.map(|_| ())
}

/// Waivers for a package after this one, in the order in which they were granted.
///
/// # Errors
/// Of the database.
pub(crate) async fn waivers_of_package(
    conn: &mut Connection,
    package_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<WaiverRow>> {
    waiver::table
        .filter(waiver::package_id.eq(package_id))
        .filter(waiver::id.gt(after.unwrap_or(Uuid::nil())))
        .order(waiver::id)
        .limit(limit)
        .select(WaiverRow::as_select())
        .load(conn)
        .await
}
