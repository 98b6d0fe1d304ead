//! Claims: opened, listed, answered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{claim, package};
use super::unknown;
use crate::domain::claim::ClaimStatus;
use crate::domain::money::Currency;

/// A claim as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claim, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ClaimRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// The package.
    pub(crate) package_id: Uuid,
    /// Name of what it is about.
    pub(crate) kind: String,
    /// Name of its status.
    pub(crate) status: String,
    /// What happened.
    pub(crate) description: String,
    /// What the desk says.
    pub(crate) answer: Option<String>,
    /// Most that the desk answers for, in minor units.
    pub(crate) liability_minor: i64,
    /// Of it.
    pub(crate) currency: String,
    /// Who opened it.
    pub(crate) opened_by: Uuid,
    /// Until when the desk has to answer.
    pub(crate) answer_due_at: DateTime<Utc>,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was opened.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl ClaimRow {
    /// Its status.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn status(&self) -> QueryResult<ClaimStatus> {
        ClaimStatus::parse(&self.status).ok_or_else(|| unknown("claim.status", &self.status))
    }

    /// The currency of its amount.
    ///
    /// # Errors
    /// For one that is not known here.
    pub(crate) fn currency(&self) -> QueryResult<Currency> {
        Currency::parse(&self.currency).ok_or_else(|| unknown("claim.currency", &self.currency))
    }
}

/// Opens a claim.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut Connection, row: &ClaimRow) -> QueryResult<()> {
    diesel::insert_into(claim::table).values(row).execute(conn).await.map(|_| ())
}

/// The claim of this id, with whom its package is for.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<(ClaimRow, Option<Uuid>)>> {
    claim::table
        .inner_join(package::table.on(package::id.eq(claim::package_id)))
        .filter(claim::id.eq(id))
        .select((ClaimRow::as_select(), package::customer_id))
        .first(conn)
        .await
        .optional()
}

/// The claim of this id; nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<ClaimRow>> {
    claim::table.find(id).select(ClaimRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Whether a package has a claim of this kind that is not closed.
///
/// # Errors
/// Of the database.
pub(crate) async fn has_open(conn: &mut Connection, package_id: Uuid, kind: &str) -> QueryResult<bool> {
    let open = claim::table
        .filter(claim::package_id.eq(package_id))
        .filter(claim::kind.eq(kind))
        .filter(claim::status.ne(ClaimStatus::Closed.as_str()));
    diesel::select(diesel::dsl::exists(open)).get_result(conn).await
}

/// Gives a locked claim another status, and an answer where one is given.
///
/// # Errors
/// Of the database.
pub(crate) async fn update(
    conn: &mut Connection,
    id: Uuid,
    status: ClaimStatus,
    answer: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<ClaimRow> {
    diesel::update(claim::table.find(id))
        .set((
            claim::status.eq(status.as_str()),
            answer.map(|answer| claim::answer.eq(answer)),
            claim::version.eq(claim::version + 1),
            claim::updated_at.eq(now),
        ))
        .returning(ClaimRow::as_returning())
        .get_result(conn)
        .await
}

/// Which claims a list has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClaimFilter {
    /// Only those of packages of this customer; of all where it is none.
    pub(crate) customer_id: Option<Uuid>,
    /// Only those of this package.
    pub(crate) package_id: Option<Uuid>,
    /// Only those.
    pub(crate) status: Option<ClaimStatus>,
}

/// Claims before this place, the newest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    filter: ClaimFilter,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> QueryResult<Vec<ClaimRow>> {
    let mut query = claim::table
        .inner_join(package::table.on(package::id.eq(claim::package_id)))
        .order((claim::created_at.desc(), claim::id.desc()))
        .limit(limit)
        .select(ClaimRow::as_select())
        .into_boxed();
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(package::customer_id.eq(customer_id));
    }
    if let Some(package_id) = filter.package_id {
        query = query.filter(claim::package_id.eq(package_id));
    }
    if let Some(status) = filter.status {
        query = query.filter(claim::status.eq(status.as_str()));
    }
    if let Some((at, id)) = after {
        let is_older = claim::created_at.lt(at).or(claim::created_at.eq(at).and(claim::id.lt(id)));
        query = query.filter(claim::created_at.le(at)).filter(is_older);
    }
    query.load(conn).await
}
