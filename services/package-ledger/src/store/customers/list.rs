//! Lists of customers, each kind read in the order of an index.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CustomerRow;
use crate::domain::customer::Wanted;

/// Where a customer stands in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Among all, the newest first.
    Newest(DateTime<Utc>, Uuid),
    /// Among those of like names, by name.
    Name(String, Uuid),
    /// Among those of like numbers, by number.
    Phone(String),
}

impl Place {
    /// That of a customer in a list of what is looked for.
    pub(crate) fn of(row: &CustomerRow, wanted: Option<&Wanted>) -> Self {
        match wanted {
            None => Self::Newest(row.created_at, row.id),
            Some(Wanted::Name(_)) => Self::Name(row.search_name.clone(), row.id),
            Some(Wanted::Phone(_)) => Self::Phone(row.phone.clone()),
        }
    }
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// What comes after this place.
    pub(crate) after: Option<Place>,
    /// Without so many of it.
    pub(crate) offset: i64,
    /// And of the rest so many.
    pub(crate) rows: i64,
}

/// Customers: those that are looked for, by what they are looked for; all, the newest first. Each kind of list is read in the order of
/// an index from its place on.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    wanted: Option<&Wanted>,
    window: &Window,
) -> QueryResult<Vec<CustomerRow>> {
    ListQuery::new(wanted, window).load(conn).await
}

#[derive(Debug)]
struct ListQuery<'a> {
    /// From where to before where, in the order of the list.
    range: Range<'a>,
    window: &'a Window,
}

#[derive(Debug)]
enum Range<'a> {
    All,
    /// Beginnings lie from themselves to the other, as indexes of patterns order them: by their bytes.
    Names(&'a str, String),
    /// No number of up to fifteen digits that begins so comes after itself with nines.
    Phones(&'a str, String),
}

impl<'a> ListQuery<'a> {
    fn new(wanted: Option<&'a Wanted>, window: &'a Window) -> Self {
        let range = match wanted {
            None => Range::All,
            Some(Wanted::Name(name)) => Range::Names(name, format!("{name}{}", char::MAX)),
            Some(Wanted::Phone(phone)) => Range::Phones(phone, format!("{phone:9<17}")),
        };
        Self { range, window }
    }
}

impl QueryFragment<Pg> for ListQuery<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT c.* FROM customer c WHERE ");
        let order = match (&self.range, &self.window.after) {
            (Range::All, after) => {
                out.push_sql("TRUE");
                if let Some(Place::Newest(created_at, id)) = after {
                    out.push_sql(" AND (c.created_at, c.id) < (");
                    out.push_bind_param::<Timestamptz, _>(created_at)?;
                    out.push_sql(", ");
                    out.push_bind_param::<SqlUuid, _>(id)?;
                    out.push_sql(")");
                }
                "c.created_at DESC, c.id DESC"
            }
            (Range::Names(from, to), after) => {
                out.push_sql("c.search_name ~<~ ");
                out.push_bind_param::<Text, _>(to)?;
                out.push_sql(" AND c.search_name ~>=~ ");
                if let Some(Place::Name(name, id)) = after {
                    out.push_bind_param::<Text, _>(name)?;
                    out.push_sql(" AND (c.search_name <> ");
                    out.push_bind_param::<Text, _>(name)?;
                    out.push_sql(" OR c.id > ");
                    out.push_bind_param::<SqlUuid, _>(id)?;
                    out.push_sql(")");
                } else {
                    out.push_bind_param::<Text, _>(*from)?;
                }
                "c.search_name USING ~<~, c.id"
            }
            (Range::Phones(from, to), after) => {
                out.push_sql("c.phone <= ");
                out.push_bind_param::<Text, _>(to)?;
                if let Some(Place::Phone(phone)) = after {
                    out.push_sql(" AND c.phone > ");
                    out.push_bind_param::<Text, _>(phone)?;
                } else {
                    out.push_sql(" AND c.phone >= ");
                    out.push_bind_param::<Text, _>(*from)?;
                }
                "c.phone"
            }
        };
        out.push_sql(" ORDER BY ");
        out.push_sql(order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.window.rows)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.window.offset)
    }
}

impl QueryId for ListQuery<'_> {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for ListQuery<'_> {
    type SqlType = Untyped;
}
