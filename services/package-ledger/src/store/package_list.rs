//! Packages with all that is shown of them, in one statement each: a page of a list, or one package.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::beginning::Beginning;
use super::package_parts::{self, Parts, PartsRow};
use super::packages::PackageRow;
use super::schema::package;
use crate::domain::deadlines::MAY_BE_OVERDUE;
use crate::domain::search::Search;
use crate::domain::status::Status;

/// Which packages a list is of; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Of one customer.
    pub(crate) customer_id: Option<Uuid>,
    /// In one of these statuses.
    pub(crate) statuses: Vec<Status>,
    /// Or overdue.
    pub(crate) or_overdue: bool,
    /// In the slot of this code.
    pub(crate) slot: Option<String>,
    /// First known at this instant or later.
    pub(crate) created_from: Option<DateTime<Utc>>,
    /// First known before.
    pub(crate) created_to: Option<DateTime<Utc>>,
    /// Received at this instant or later.
    pub(crate) received_from: Option<DateTime<Utc>>,
    /// Received before.
    pub(crate) received_to: Option<DateTime<Utc>>,
    /// Found by a number or by its customer.
    pub(crate) search: Option<Search>,
    /// Of nobody that is known.
    pub(crate) is_unidentified: bool,
}

/// Where a package stands in a list: the newest comes first.
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

/// A package with its parts.
#[derive(Debug, QueryableByName)]
struct FullRow {
    #[diesel(embed)]
    package: PackageRow,
    #[diesel(embed)]
    parts: PartsRow,
}

/// A package, and what is shown of it beside its own row.
pub(crate) type Row = (PackageRow, Parts);

/// A part of the list, the newest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    filter: &Filter,
    window: Window,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Row>> {
    let rows: Vec<FullRow> = Full(ListQuery::new(filter, window, now)).load(conn).await?;
    rows.into_iter().map(|row| Ok((row.package, row.parts.parts()?))).collect()
}

/// The package of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn one(conn: &mut Connection, id: Uuid) -> QueryResult<Option<Row>> {
    let row: Option<FullRow> = Full(One(id)).get_result(conn).await.optional()?;
    row.map(|row| Ok((row.package, row.parts.parts()?))).transpose()
}

/// The last instant at which the next package is not overdue yet.
///
/// # Errors
/// Of the database.
pub(crate) async fn next_hold_end(
    conn: &mut Connection,
    now: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    package::table
        .filter(package::status.eq_any(MAY_BE_OVERDUE.map(Status::as_str)))
        .filter(package::hold_until.ge(now))
        .select(diesel::dsl::min(package::hold_until))
        .first(conn)
        .await
}

/// Packages as `p`, each with its parts.
#[derive(Debug)]
struct Full<S>(S);

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for Full<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT p.*, ");
        out.push_sql(package_parts::COLUMNS);
        out.push_sql(" FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") p ORDER BY p.created_at DESC, p.id DESC");
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

/// One package.
#[derive(Debug)]
struct One(Uuid);

impl QueryFragment<Pg> for One {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM package WHERE id = ");
        out.push_bind_param::<SqlUuid, _>(&self.0)
    }
}

/// The rows of a page. Only the conditions that are asked for stand in it, so that each kind of list is planned by itself.
#[derive(Debug)]
struct ListQuery<'a> {
    filter: &'a Filter,
    number: Option<Beginning>,
    name: Option<Beginning>,
    /// Wanted statuses, and of which of them only what is overdue.
    statuses: Vec<&'static str>,
    only_overdue: Vec<bool>,
    window: Window,
    /// How many of each status may be on the page.
    reach: i64,
    now: DateTime<Utc>,
}

impl<'a> ListQuery<'a> {
    fn new(filter: &'a Filter, window: Window, now: DateTime<Utc>) -> Self {
        let mut wanted: Vec<(Status, bool)> = filter.statuses.iter().map(|status| (*status, false)).collect();
        if filter.or_overdue {
            let others = MAY_BE_OVERDUE.into_iter().filter(|status| !filter.statuses.contains(status));
            wanted.extend(others.map(|status| (status, true)));
        }
        let search = filter.search.as_ref();
        Self {
            filter,
            number: search.and_then(|search| search.number.as_deref()).map(Beginning::of),
            name: search.and_then(|search| search.name.as_deref()).map(Beginning::of),
            statuses: wanted.iter().map(|(status, _)| status.as_str()).collect(),
            only_overdue: wanted.iter().map(|(_, only)| *only).collect(),
            window,
            reach: window.rows.saturating_add(window.offset),
            now,
        }
    }

    /// Everything but the status.
    fn conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let filter = self.filter;
        if let Some(customer_id) = &filter.customer_id {
            out.push_sql(" AND p.customer_id = ");
            out.push_bind_param::<SqlUuid, _>(customer_id)?;
        }
        if filter.is_unidentified {
            out.push_sql(" AND p.customer_id IS NULL");
        }
        if let Some(slot) = &filter.slot {
            out.push_sql(" AND p.slot_id = (SELECT id FROM slot WHERE code = ");
            out.push_bind_param::<Text, _>(slot)?;
            out.push_sql(")");
        }
        let instants = [
            (" AND p.created_at >= ", &filter.created_from),
            (" AND p.created_at < ", &filter.created_to),
            (" AND p.received_at >= ", &filter.received_from),
            (" AND p.received_at < ", &filter.received_to),
        ];
        for (condition, instant) in instants {
            if let Some(instant) = instant {
                out.push_sql(condition);
                out.push_bind_param::<Timestamptz, _>(instant)?;
            }
        }
        if let Some(Place(created_at, id)) = &self.window.after {
            out.push_sql(" AND (p.created_at, p.id) < (");
            out.push_bind_param::<Timestamptz, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.search(out)
    }

    /// What is found by numbers or customers, each by its index.
    fn search<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(search) = &self.filter.search else { return Ok(()) };
        out.push_sql(" AND p.id IN (");
        let mut union = "";
        for column in ["q.tracking_no", "q.guide_number"] {
            let Some(number) = &self.number else { break };
            out.push_sql(union);
            out.push_sql("SELECT q.id FROM package q WHERE ");
            number.of_column(column, out)?;
            union = " UNION ALL ";
        }
        if let Some(name) = &self.name {
            out.push_sql(union);
            out.push_sql("SELECT q.id FROM customer k JOIN package q ON q.customer_id = k.id WHERE ");
            name.of_column("k.search_name", out)?;
            union = " UNION ALL ";
        }
        if let Some(phone) = &search.phone {
            out.push_sql(union);
            out.push_sql(
                "SELECT q.id FROM customer k JOIN package q ON q.customer_id = k.id WHERE k.phone = ",
            );
            out.push_bind_param::<Text, _>(phone)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

const NEWEST_FIRST: &str = " ORDER BY p.created_at DESC, p.id DESC LIMIT ";

impl QueryFragment<Pg> for ListQuery<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.statuses.is_empty() {
            out.push_sql("SELECT p.* FROM package p WHERE TRUE");
            self.conditions(&mut out)?;
        } else {
            // The newest of each status are read from its index, and merged.
            out.push_sql("SELECT p.* FROM unnest(");
            out.push_bind_param::<Array<Text>, _>(&self.statuses)?;
            out.push_sql(", ");
            out.push_bind_param::<Array<Bool>, _>(&self.only_overdue)?;
            out.push_sql(
                ") w (status, only_overdue) CROSS JOIN LATERAL (SELECT p.* FROM package p \
                 WHERE p.status = w.status AND (NOT w.only_overdue OR p.hold_until < ",
            );
            out.push_bind_param::<Timestamptz, _>(&self.now)?;
            out.push_sql(")");
            self.conditions(&mut out)?;
            out.push_sql(NEWEST_FIRST);
            out.push_bind_param::<BigInt, _>(&self.reach)?;
            out.push_sql(") p");
        }
        out.push_sql(NEWEST_FIRST);
        out.push_bind_param::<BigInt, _>(&self.window.rows)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.window.offset)
    }
}
