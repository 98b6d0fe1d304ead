//! Announcements, each with whom it is for and what became of it.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::beginning::Beginning;
use super::schema::announcement;
use crate::domain::announcement::AnnouncementStatus;
use crate::domain::search::Search;

/// A number is waited for once at a time.
pub(crate) const OPEN_GUIDE: &str = "ux_announcement_open_guide";

/// An announcement as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = announcement, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AnnouncementRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Whom it is for.
    pub(crate) customer_id: Uuid,
    /// As it will stand on the label.
    pub(crate) name: String,
    /// As it will stand on the label, E.164.
    pub(crate) phone: String,
    /// Who brings it.
    pub(crate) carrier: Option<String>,
    /// The carrier's number, normalised.
    pub(crate) guide_number: String,
    /// When it should come.
    pub(crate) expected_at: Option<DateTime<Utc>>,
    /// Ours, to ask by.
    pub(crate) tracking_code: String,
    /// The version in force when it was announced.
    pub(crate) tariff_id: Uuid,
    /// Name of its status.
    pub(crate) status: String,
    /// When it is not waited for any more.
    pub(crate) expires_at: DateTime<Utc>,
    /// Who announced it.
    pub(crate) announced_by: Uuid,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was announced.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What is shown of it beside its own row.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub(crate) struct Parts {
    /// Whom it is for.
    #[diesel(sql_type = Text)]
    pub(crate) customer_name: String,
    /// E.164.
    #[diesel(sql_type = Text)]
    pub(crate) customer_phone: String,
    /// Its package: the one that is not cancelled, if there is one.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) package_id: Option<Uuid>,
    /// Ours, as it stands on the label.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) package_tracking_no: Option<String>,
    /// Where it stands.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) package_status: Option<String>,
}

#[derive(Debug, QueryableByName)]
struct FullRow {
    #[diesel(embed)]
    announcement: AnnouncementRow,
    #[diesel(embed)]
    parts: Parts,
}

/// An announcement with its parts.
pub(crate) type Row = (AnnouncementRow, Parts);

/// Adds an announcement.
///
/// # Errors
/// Of the database: [`OPEN_GUIDE`].
pub(crate) async fn insert(conn: &mut Connection, row: &AnnouncementRow) -> QueryResult<()> {
    diesel::insert_into(announcement::table).values(row).execute(conn).await.map(|_| ())
}

/// An announcement with one of these numbers whose parcel is waited for, and whom it is for.
///
/// # Errors
/// Of the database.
pub(crate) async fn open(
    conn: &mut Connection,
    guide_numbers: &[String],
) -> QueryResult<Option<(Uuid, Uuid)>> {
    announcement::table
        .filter(announcement::guide_number.eq_any(guide_numbers))
        .filter(announcement::status.eq("pending"))
        .select((announcement::id, announcement::customer_id))
        .first(conn)
        .await
        .optional()
}

/// Which announcements a list is of; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Of one customer.
    pub(crate) customer_id: Option<Uuid>,
    /// In this status.
    pub(crate) status: Option<AnnouncementStatus>,
    /// Found by the number of its package, or by its customer.
    pub(crate) search: Option<Search>,
}

/// Where an announcement stands in a list: the newest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place(pub(crate) DateTime<Utc>, pub(crate) Uuid);

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// What comes after this place.
    pub(crate) after: Option<Place>,
    /// Without so many of it.
    pub(crate) offset: i64,
    /// And of the rest so many.
    pub(crate) rows: i64,
}

/// A part of the list, the newest first. One statement.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(conn: &mut Connection, filter: &Filter, window: Window) -> QueryResult<Vec<Row>> {
    let rows: Vec<FullRow> = Full(ListQuery::new(filter, window)).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.announcement, row.parts)).collect())
}

/// The announcement of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn one(conn: &mut Connection, id: Uuid) -> QueryResult<Option<Row>> {
    let row: Option<FullRow> = Full(One(id)).get_result(conn).await.optional()?;
    Ok(row.map(|row| (row.announcement, row.parts)))
}

/// Announcements as `a`, each with its parts. Of several packages at most one is not cancelled.
#[derive(Debug)]
struct Full<S>(S);

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for Full<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT a.*, c.name AS customer_name, c.phone AS customer_phone, p.id AS package_id, \
             p.tracking_no AS package_tracking_no, p.status AS package_status FROM (",
        );
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(
            ") a JOIN customer c ON c.id = a.customer_id LEFT JOIN LATERAL (\
             SELECT q.id, q.tracking_no, q.status FROM package q WHERE q.announcement_id = a.id \
             ORDER BY q.status = 'cancelled', q.created_at DESC LIMIT 1) p ON TRUE \
             ORDER BY a.created_at DESC, a.id DESC",
        );
        Ok(())
    }
}

impl<S> QueryId for Full<S> {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> Query for Full<S> {
    type SqlType = Untyped;
}

#[derive(Debug)]
struct One(Uuid);

impl QueryFragment<Pg> for One {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM announcement WHERE id = ");
        out.push_bind_param::<SqlUuid, _>(&self.0)
    }
}

/// The rows of a page. Only the conditions that are asked for stand in it, so that each kind of list is planned by itself.
#[derive(Debug)]
struct ListQuery<'a> {
    filter: &'a Filter,
    status: Option<&'static str>,
    number: Option<Beginning>,
    name: Option<Beginning>,
    window: Window,
}

impl<'a> ListQuery<'a> {
    fn new(filter: &'a Filter, window: Window) -> Self {
        let search = filter.search.as_ref();
        Self {
            filter,
            status: filter.status.map(AnnouncementStatus::as_str),
            number: search.and_then(|search| search.number.as_deref()).map(Beginning::of),
            name: search.and_then(|search| search.name.as_deref()).map(Beginning::of),
            window,
        }
    }

    /// What is found by numbers or customers, each by its index. Every announcement has a package with its numbers.
    fn search<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(search) = &self.filter.search else { return Ok(()) };
        out.push_sql(" AND a.id IN (");
        let mut union = "";
        for column in ["q.tracking_no", "q.guide_number"] {
            let Some(number) = &self.number else { break };
            out.push_sql(union);
            out.push_sql("SELECT q.announcement_id FROM package q WHERE q.announcement_id IS NOT NULL AND ");
            number.of_column(column, out)?;
            union = " UNION ALL ";
        }
        if let Some(name) = &self.name {
            out.push_sql(union);
            out.push_sql("SELECT b.id FROM customer k JOIN announcement b ON b.customer_id = k.id WHERE ");
            name.of_column("k.search_name", out)?;
            union = " UNION ALL ";
        }
        if let Some(phone) = &search.phone {
            out.push_sql(union);
            out.push_sql(
                "SELECT b.id FROM customer k JOIN announcement b ON b.customer_id = k.id WHERE k.phone = ",
            );
            out.push_bind_param::<Text, _>(phone)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for ListQuery<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT a.* FROM announcement a WHERE TRUE");
        if let Some(customer_id) = &self.filter.customer_id {
            out.push_sql(" AND a.customer_id = ");
            out.push_bind_param::<SqlUuid, _>(customer_id)?;
        }
        if let Some(status) = &self.status {
            out.push_sql(" AND a.status = ");
            out.push_bind_param::<Text, _>(status)?;
        }
        if let Some(Place(created_at, id)) = &self.window.after {
            out.push_sql(" AND (a.created_at, a.id) < (");
            out.push_bind_param::<Timestamptz, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.search(&mut out)?;
        out.push_sql(" ORDER BY a.created_at DESC, a.id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.window.rows)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.window.offset)
    }
}
