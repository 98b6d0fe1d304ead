//! Rows whose columns are known only when the service runs.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgValue};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Date, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::Model;

/// One column of one row, by the type that Postgres says it has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Value(Value),
    Bytes(Vec<u8>),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row(Vec<Cell>);

/// Reads a row's columns from the left to the right.
pub(crate) struct Cells(std::vec::IntoIter<Cell>);

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        // Filled in place: collecting results would grow it step by step, for each row of a page.
        let mut cells = Vec::with_capacity(row.field_count());
        for index in 0..row.field_count() {
            let field = diesel::row::Row::get(row, index).ok_or("a column is missing")?;
            cells.push(field.value().map_or(Ok(Cell::Value(Value::Null)), cell)?);
        }
        Ok(Self(cells))
    }
}

/// Type numbers of Postgres' `pg_type`.
fn cell(value: PgValue<'_>) -> deserialize::Result<Cell> {
    Ok(Cell::Value(match value.get_oid().get() {
        16 => Value::Bool(<bool as FromSql<Bool, Pg>>::from_sql(value)?),
        17 => return <Vec<u8> as FromSql<Binary, Pg>>::from_sql(value).map(Cell::Bytes),
        20 => Value::Int(<i64 as FromSql<BigInt, Pg>>::from_sql(value)?),
        21 => Value::Int(<i16 as FromSql<SmallInt, Pg>>::from_sql(value)?.into()),
        23 => Value::Int(<i32 as FromSql<Integer, Pg>>::from_sql(value)?.into()),
        25 | 1043 => Value::Text(<String as FromSql<Text, Pg>>::from_sql(value)?),
        1082 => Value::Date(<NaiveDate as FromSql<Date, Pg>>::from_sql(value)?),
        1184 => Value::Time(<DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(value)?),
        2950 => Value::Uuid(<Uuid as FromSql<SqlUuid, Pg>>::from_sql(value)?),
        other => return Err(format!("a column has the unexpected type {other}").into()),
    }))
}

impl Row {
    /// Its columns, from the left.
    pub(crate) fn cells(self) -> Cells {
        Cells(self.0.into_iter())
    }
}

impl Cells {
    /// The next column as a value.
    ///
    /// # Errors
    /// Where there is none, or it is of another kind: the statement and its reader disagree.
    pub(crate) fn value(&mut self) -> QueryResult<Value> {
        match self.0.next() {
            Some(Cell::Value(value)) => Ok(value),
            other => Err(mismatch("a value", other.as_ref())),
        }
    }

    /// The next column as a number.
    pub(crate) fn int(&mut self) -> QueryResult<i64> {
        match self.value()? {
            Value::Int(number) => Ok(number),
            other => Err(mismatch("a number", Some(&Cell::Value(other)))),
        }
    }

    /// The next column as text.
    pub(crate) fn text(&mut self) -> QueryResult<String> {
        match self.value()? {
            Value::Text(text) => Ok(text),
            other => Err(mismatch("text", Some(&Cell::Value(other)))),
        }
    }

    /// The next column as an id.
    pub(crate) fn uuid(&mut self) -> QueryResult<Uuid> {
        let value = self.value()?;
        value.as_uuid().ok_or_else(|| mismatch("an id", Some(&Cell::Value(value))))
    }

    /// The next column as an instant.
    pub(crate) fn time(&mut self) -> QueryResult<DateTime<Utc>> {
        match self.value()? {
            Value::Time(at) => Ok(at),
            other => Err(mismatch("an instant", Some(&Cell::Value(other)))),
        }
    }

    /// The next column as bytes.
    pub(crate) fn bytes(&mut self) -> QueryResult<Vec<u8>> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => Ok(bytes),
            other => Err(mismatch("bytes", other.as_ref())),
        }
    }

    /// The next columns as a record of the model, in the order of [`columns`]; `None` where an outer join found none.
    pub(crate) fn record(&mut self, model: &Model) -> QueryResult<Option<Record>> {
        let id = match self.value()? {
            Value::Uuid(id) => id,
            Value::Null => return Ok(None),
            other => return Err(mismatch("an id", Some(&Cell::Value(other)))),
        };
        let version = self.int()?;
        let created_at = self.time()?;
        let updated_at = self.time()?;
        let deleted_at = match self.value()? {
            Value::Time(at) => Some(at),
            _ => None,
        };
        let mutation_id = match self.value()? {
            Value::Text(text) => Some(text),
            _ => None,
        };
        let mut values = Vec::with_capacity(model.fields.len());
        for _ in model.shown() {
            values.push(self.value()?);
        }
        Ok(Some(Record { id, version, created_at, updated_at, deleted_at, mutation_id, values }))
    }
}

/// The columns of a record, in the order that [`Cells::record`] reads, each behind `prefix` (`t.`, or nothing).
pub(crate) fn columns(model: &Model, prefix: &str) -> String {
    let base = ["id", "version", "created_at", "updated_at", "deleted_at", "mutation_id"];
    let names: Vec<String> = base
        .into_iter()
        .chain(model.shown().map(|field| field.name))
        .map(|name| format!("{prefix}\"{name}\""))
        .collect();
    names.join(", ")
}

fn mismatch(expected: &str, found: Option<&Cell>) -> diesel::result::Error {
    let kind = match found {
        None => "nothing",
        Some(Cell::Bytes(_)) => "bytes",
        Some(Cell::Value(Value::Null)) => "null",
        Some(Cell::Value(_)) => "another kind",
    };
    diesel::result::Error::DeserializationError(format!("{expected} expected in a row, {kind} found").into())
}
