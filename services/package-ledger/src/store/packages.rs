//! Packages: found, locked, saved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::package;
use super::unknown;
use crate::domain::status::Status;
use crate::domain::tariff::SizeClass;

/// A package as the database has it.
#[derive(
    Clone, Debug, PartialEq, Queryable, QueryableByName, Selectable, Insertable, AsChangeset, Identifiable,
)]
#[diesel(table_name = package, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct PackageRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Ours, as it stands on our label.
    pub(crate) tracking_no: String,
    /// Who brought it.
    pub(crate) carrier: Option<String>,
    /// The carrier's number.
    pub(crate) guide_number: Option<String>,
    /// Whom it is for.
    pub(crate) customer_id: Option<Uuid>,
    /// What announced it.
    pub(crate) announcement_id: Option<Uuid>,
    /// Name of its size.
    pub(crate) size_class: Option<String>,
    /// In grams.
    pub(crate) weight_g: Option<i32>,
    /// In millimetres.
    pub(crate) length_mm: Option<i32>,
    /// In millimetres.
    pub(crate) width_mm: Option<i32>,
    /// In millimetres.
    pub(crate) height_mm: Option<i32>,
    /// As it came.
    pub(crate) condition: Option<String>,
    /// Name of its status.
    pub(crate) status: String,
    /// Where it lies.
    pub(crate) slot_id: Option<Uuid>,
    /// What it is priced by.
    pub(crate) tariff_id: Uuid,
    /// When it was announced.
    pub(crate) announced_at: Option<DateTime<Utc>>,
    /// When it came.
    pub(crate) received_at: Option<DateTime<Utc>>,
    /// When it was first put into a slot.
    pub(crate) stored_at: Option<DateTime<Utc>>,
    /// When word of it first reached the customer.
    pub(crate) notified_at: Option<DateTime<Utc>>,
    /// When the clock of its fee stopped.
    pub(crate) stopped_at: Option<DateTime<Utc>>,
    /// When it was handed over, returned, abandoned, cancelled or lost.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Until when storage is free.
    pub(crate) free_until: Option<DateTime<Utc>>,
    /// From when it is overdue.
    pub(crate) hold_until: Option<DateTime<Utc>>,
    /// From when it may be abandoned.
    pub(crate) abandon_at: Option<DateTime<Utc>>,
    /// Charged in the end, without waivers.
    pub(crate) total_minor: Option<i64>,
    /// Paid and not given back.
    pub(crate) paid_minor: i64,
    /// Waived.
    pub(crate) waived_minor: i64,
    /// Length of its chain of custody.
    pub(crate) event_count: i32,
    /// Hash of the last event of that chain.
    pub(crate) head_hash: Option<Vec<u8>>,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was first known.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl PackageRow {
    /// A package of which nothing else is known yet.
    pub(crate) fn new(
        id: Uuid,
        tracking_no: String,
        status: Status,
        tariff_id: Uuid,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            tracking_no,
            carrier: None,
            guide_number: None,
            customer_id: None,
            announcement_id: None,
            size_class: None,
            weight_g: None,
            length_mm: None,
            width_mm: None,
            height_mm: None,
            condition: None,
            status: status.as_str().to_owned(),
            slot_id: None,
            tariff_id,
            announced_at: None,
            received_at: None,
            stored_at: None,
            notified_at: None,
            stopped_at: None,
            ended_at: None,
            free_until: None,
            hold_until: None,
            abandon_at: None,
            total_minor: None,
            paid_minor: 0,
            waived_minor: 0,
            event_count: 0,
            head_hash: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Its status.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn status(&self) -> QueryResult<Status> {
        Status::parse(&self.status).ok_or_else(|| unknown("package.status", &self.status))
    }

    /// Its size, once it was received.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn size_class(&self) -> QueryResult<Option<SizeClass>> {
        let parse = |name: &String| SizeClass::parse(name).ok_or_else(|| unknown("package.size_class", name));
        self.size_class.as_ref().map(parse).transpose()
    }
}

/// The package of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<PackageRow>> {
    package::table.find(id).select(PackageRow::as_select()).first(conn).await.optional()
}

/// Whom the package of this id is for; nothing where there is no such package.
///
/// # Errors
/// Of the database.
pub(crate) async fn customer_of(conn: &mut Connection, id: Uuid) -> QueryResult<Option<Option<Uuid>>> {
    package::table.find(id).select(package::customer_id).first(conn).await.optional()
}

/// As [`find`], and nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<PackageRow>> {
    package::table.find(id).select(PackageRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// The packages of a customer that the desk has.
///
/// # Errors
/// Of the database.
pub(crate) async fn held_for(conn: &mut Connection, customer_id: Uuid) -> QueryResult<Vec<PackageRow>> {
    let in_custody = Status::ALL.iter().filter(|status| status.in_custody()).map(|status| status.as_str());
    package::table
        .filter(package::customer_id.eq(customer_id))
        .filter(package::status.eq_any(in_custody.collect::<Vec<_>>()))
        .select(PackageRow::as_select())
        .load(conn)
        .await
}

/// Adds a package.
///
/// # Errors
/// Of the database: `ux_package_announcement_id` where its announcement has one already.
pub(crate) async fn insert(conn: &mut Connection, row: &PackageRow) -> QueryResult<()> {
    diesel::insert_into(package::table).values(row).execute(conn).await.map(|_| ())
}

/// Writes a locked package as it is now.
///
/// # Errors
/// Of the database: `ux_package_slot_id` where another package lies there.
pub(crate) async fn save(conn: &mut Connection, row: &PackageRow) -> QueryResult<()> {
    diesel::update(row).set(row).execute(conn).await.map(|_| ())
}
