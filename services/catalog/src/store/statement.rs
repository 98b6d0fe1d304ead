//! One SQL statement with its bound values.
//!
//! Diesel's own DSL needs tables that are known when the service is compiled; models are data here. This is the one
//! query fragment that joins text and binds, and unlike `diesel::sql_query` it lets diesel keep the prepared
//! statement where the text comes from a small, closed set.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date, Nullable, SmallInt, Text, Timestamptz, Untyped, Uuid as SqlUuid,
};
use diesel::{QueryResult, RunQueryDsl};
use uuid::Uuid;

use crate::domain::value::Value;
use crate::model::FieldKind;

/// The number of rows to ask for, so that one more than `limit` is seen where more follow. It stands in the text, since
/// a bound one hides from the planner how little is asked for; and it is rounded up to one of a few, since every
/// text that is remembered as a prepared statement costs memory in each connection. The reader cuts what is too much.
pub(crate) fn row_limit(limit: u32) -> u32 {
    let steps = [1, 10, 20, 50, 100, 200, 500];
    steps.into_iter().find(|step| *step >= limit).unwrap_or(1000).max(limit) + 1
}

/// A bound value.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Date(Option<NaiveDate>),
    Uuid(Option<Uuid>),
    Time(Option<DateTime<Utc>>),
    Bytes(Vec<u8>),
    SmallInt(i16),
    Texts(Vec<Option<String>>),
    Ints(Vec<Option<i64>>),
    SmallInts(Vec<i16>),
    Bools(Vec<Option<bool>>),
    Dates(Vec<Option<NaiveDate>>),
    Uuids(Vec<Option<Uuid>>),
    Times(Vec<Option<DateTime<Utc>>>),
    Blobs(Vec<Vec<u8>>),
}

#[derive(Debug)]
enum Part {
    Sql(String),
    Bind(Bind),
}

/// A statement under construction, and then to be run.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    parts: Vec<Part>,
    one_off: bool,
}

impl Statement {
    /// Begins a statement.
    pub(crate) fn new(sql: &str) -> Self {
        Self::default().sql(sql)
    }

    /// Appends text. Only names and words of our own declarations, never a client's.
    #[must_use]
    pub(crate) fn sql(mut self, sql: &str) -> Self {
        self.push(sql);
        self
    }

    /// Appends a bound value.
    #[must_use]
    pub(crate) fn bind(mut self, bind: Bind) -> Self {
        self.parts.push(Part::Bind(bind));
        self
    }

    /// Appends text in place.
    pub(crate) fn push(&mut self, sql: &str) {
        if let Some(Part::Sql(last)) = self.parts.last_mut() {
            last.push_str(sql);
        } else {
            self.parts.push(Part::Sql(sql.to_owned()));
        }
    }

    /// Appends a bound value in place.
    pub(crate) fn push_bind(&mut self, bind: Bind) {
        self.parts.push(Part::Bind(bind));
    }

    /// Appends another statement's text and values.
    pub(crate) fn append(&mut self, other: Self) {
        for part in other.parts {
            match part {
                Part::Sql(sql) => self.push(&sql),
                Part::Bind(bind) => self.push_bind(bind),
            }
        }
    }

    /// Appends another statement's text and values.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.append(other);
        self
    }

    /// Keeps the connection from remembering it as a prepared statement: its text is one of too many.
    #[must_use]
    pub(crate) fn one_off(mut self, one_off: bool) -> Self {
        self.one_off = one_off;
        self
    }
}

impl Bind {
    /// Binds a field's value by the field's kind.
    pub(crate) fn value(kind: FieldKind, value: Value) -> Self {
        match (kind, value) {
            (_, Value::Text(text)) => Self::Text(Some(text)),
            (_, Value::Int(number)) => Self::Int(Some(number)),
            (_, Value::Bool(flag)) => Self::Bool(Some(flag)),
            (_, Value::Date(date)) => Self::Date(Some(date)),
            (_, Value::Uuid(id)) => Self::Uuid(Some(id)),
            (_, Value::Time(at)) => Self::Time(Some(at)),
            (FieldKind::Text { .. } | FieldKind::Choice(_), Value::Null) => Self::Text(None),
            (FieldKind::Integer { .. }, Value::Null) => Self::Int(None),
            (FieldKind::Boolean, Value::Null) => Self::Bool(None),
            (FieldKind::Date { .. }, Value::Null) => Self::Date(None),
            (FieldKind::Uuid, Value::Null) => Self::Uuid(None),
        }
    }

    /// Binds one column of many rows as an array, by the field's kind.
    pub(crate) fn column(kind: FieldKind, values: impl Iterator<Item = Value>) -> Self {
        match kind {
            FieldKind::Text { .. } | FieldKind::Choice(_) => {
                Self::Texts(values.map(|v| if let Value::Text(t) = v { Some(t) } else { None }).collect())
            }
            FieldKind::Integer { .. } => {
                Self::Ints(values.map(|v| if let Value::Int(n) = v { Some(n) } else { None }).collect())
            }
            FieldKind::Boolean => {
                Self::Bools(values.map(|v| if let Value::Bool(b) = v { Some(b) } else { None }).collect())
            }
            FieldKind::Date { .. } => Self::Dates(values.map(|v| v.as_date()).collect()),
            FieldKind::Uuid => Self::Uuids(values.map(|v| v.as_uuid()).collect()),
        }
    }

    /// Ids as an array.
    pub(crate) fn ids(ids: impl IntoIterator<Item = Uuid>) -> Self {
        Self::Uuids(ids.into_iter().map(Some).collect())
    }

    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Text(v) => out.push_bind_param::<Nullable<Text>, _>(v),
            Self::Int(v) => out.push_bind_param::<Nullable<BigInt>, _>(v),
            Self::Bool(v) => out.push_bind_param::<Nullable<Bool>, _>(v),
            Self::Date(v) => out.push_bind_param::<Nullable<Date>, _>(v),
            Self::Uuid(v) => out.push_bind_param::<Nullable<SqlUuid>, _>(v),
            Self::Time(v) => out.push_bind_param::<Nullable<Timestamptz>, _>(v),
            Self::Bytes(v) => out.push_bind_param::<Binary, _>(v),
            Self::SmallInt(v) => out.push_bind_param::<SmallInt, _>(v),
            Self::Texts(v) => out.push_bind_param::<Array<Nullable<Text>>, _>(v),
            Self::Ints(v) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(v),
            Self::SmallInts(v) => out.push_bind_param::<Array<SmallInt>, _>(v),
            Self::Bools(v) => out.push_bind_param::<Array<Nullable<Bool>>, _>(v),
            Self::Dates(v) => out.push_bind_param::<Array<Nullable<Date>>, _>(v),
            Self::Uuids(v) => out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(v),
            Self::Times(v) => out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(v),
            Self::Blobs(v) => out.push_bind_param::<Array<Binary>, _>(v),
        }
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.one_off {
            out.unsafe_to_cache_prepared();
        }
        for part in &self.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Bind(bind) => bind.push(&mut out)?,
            }
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Statement {}
