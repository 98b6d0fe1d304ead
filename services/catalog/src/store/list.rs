//! Pages of a list, and the records behind relations.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::clock;
use super::row::{Row, columns};
use super::statement::{Bind, Statement, row_limit};
use crate::domain::query::{Filter, ListQuery, Operator, Position, Sort, SortKind, Start};
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::{FieldKind, Model};

/// A page with the state of the model at the same instant.
#[derive(Debug)]
pub(crate) struct Page {
    /// Position of the model's latest change.
    pub(crate) version: i64,
    /// Names the state of the model, and of the models that are included, as a validator's text.
    pub(crate) tag: String,
    /// When the model was last changed.
    pub(crate) last_modified: DateTime<Utc>,
    /// Records that are not deleted, over all pages and without filters.
    pub(crate) live_count: i64,
    /// The records, in order.
    pub(crate) records: Vec<Record>,
    /// More follow in the direction that was read.
    pub(crate) more: bool,
}

/// Reads one page: one statement, the model's clock and the records of one snapshot.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    model: &Model,
    query: &ListQuery,
    from: Option<&Position>,
    limit: u32,
    others: &[&'static str],
) -> QueryResult<Page> {
    let backwards = from.is_some_and(|position| position.backwards);
    let rows: Vec<Row> = page_statement(model, query, from, limit, others).get_results(conn).await?;
    let mut page = Page {
        version: 0,
        tag: String::new(),
        last_modified: DateTime::UNIX_EPOCH,
        live_count: 0,
        records: Vec::with_capacity(rows.len()),
        more: false,
    };
    for row in rows {
        let mut cells = row.cells();
        page.tag = cells.text()?;
        page.version = cells.int()?;
        page.last_modified = cells.time()?;
        page.live_count = cells.int()?;
        page.records.extend(cells.record(model)?);
    }
    if page.records.len() > limit as usize {
        page.records.truncate(limit as usize);
        page.more = true;
    }
    if backwards {
        page.records.reverse();
    }
    Ok(page)
}

/// Records by id, whether deleted or not, in no order.
///
/// # Errors
/// Of the database.
pub(crate) async fn by_ids(
    conn: &mut AsyncPgConnection,
    model: &Model,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Record>> {
    let statement =
        Statement::new(&format!("SELECT {} FROM \"{}\" WHERE id = ANY(", columns(model, ""), model.table))
            .bind(Bind::ids(ids))
            .sql(")");
    let rows: Vec<Row> = statement.get_results(conn).await?;
    rows.into_iter().filter_map(|row| row.cells().record(model).transpose()).collect()
}

fn page_statement(
    model: &Model,
    query: &ListQuery,
    from: Option<&Position>,
    limit: u32,
    others: &[&'static str],
) -> Statement {
    let backwards = from.is_some_and(|position| position.backwards);
    let descending = query.sort.descending != backwards;
    let column = query.sort.column;
    let mut inner = Statement::new("SELECT ");
    inner.append(clock::tag_column(others, query.show_deleted));
    inner.push(&format!(
        ", c.version, c.last_modified, c.live_count, {} FROM model_clock c LEFT JOIN LATERAL (SELECT {} FROM \"{}\" WHERE ",
        columns(model, "t."),
        columns(model, ""),
        model.table
    ));
    inner.push(if query.show_deleted { "true" } else { "deleted_at IS NULL" });
    if let Some(text) = &query.search {
        inner.push(" AND search_text LIKE ");
        inner.push_bind(Bind::Text(Some(format!("%{}%", escape_like(text)))));
    }
    for filter in &query.filters {
        inner.push(" AND ");
        push_filter(&mut inner, filter);
    }
    if let Some(position) = from {
        push_position(&mut inner, query.sort, position, descending);
    }
    let direction = if descending { "DESC" } else { "ASC" };
    if column == "id" {
        inner.push(&format!(" ORDER BY id {direction}"));
    } else {
        inner.push(&format!(" ORDER BY \"{column}\" {direction}, id {direction}"));
    }
    inner.push(&format!(" LIMIT {}", row_limit(limit)));
    if let Start::Page(page) = query.start {
        inner.push(" OFFSET ");
        let offset = page.saturating_sub(1).saturating_mul(u64::from(limit));
        inner.push_bind(Bind::Int(Some(i64::try_from(offset).unwrap_or(i64::MAX))));
    }
    inner.push(") t ON true WHERE c.model = ");
    inner.push_bind(Bind::Text(Some(model.name.to_owned())));
    // A subquery's order is not promised outside of it.
    inner.push(&if column == "id" {
        format!(" ORDER BY t.id {direction}")
    } else {
        format!(" ORDER BY t.\"{column}\" {direction}, t.id {direction}")
    });
    inner.one_off(!worth_remembering(query))
}

/// Lists without conditions, or with one on what they are sorted by, are asked for all the time; of the others there
/// are too many kinds to remember each.
fn worth_remembering(query: &ListQuery) -> bool {
    let plain = query.filters.is_empty() && query.search.is_none() && !query.show_deleted;
    let look_up = match query.filters.as_slice() {
        [filter] => {
            let sorted = matches!(query.sort.kind, SortKind::Id) || filter.field.name == query.sort.column;
            sorted && filter.operator != Operator::OneOf && query.search.is_none() && !query.show_deleted
        }
        _ => false,
    };
    plain || look_up
}

fn push_filter(statement: &mut Statement, filter: &Filter) {
    let name = filter.field.name;
    let kind = filter.field.kind;
    match (filter.operator, filter.values.as_slice().first()) {
        (Operator::IsNull, _) | (_, None) => statement.push(&format!("\"{name}\" IS NULL")),
        (Operator::OneOf, Some(_)) => {
            statement.push(&format!("\"{name}\" = ANY("));
            statement.push_bind(Bind::column(kind, filter.values.iter().cloned()));
            statement.push(")");
        }
        (operator, Some(value)) => {
            let sign = match operator {
                Operator::AtLeast => ">=",
                Operator::AtMost => "<=",
                _ => "=",
            };
            statement.push(&format!("\"{name}\" {sign} "));
            statement.push_bind(Bind::value(kind, value.clone()));
        }
    }
}

fn push_position(statement: &mut Statement, sort: Sort, position: &Position, descending: bool) {
    let sign = if descending { "<" } else { ">" };
    match sort.kind {
        SortKind::Id => {
            statement.push(&format!(" AND id {sign} "));
            statement.push_bind(Bind::Uuid(Some(position.id)));
        }
        kind => {
            statement.push(&format!(" AND (\"{}\", id) {sign} (", sort.column));
            statement.push_bind(key_bind(kind, &position.key));
            statement.push(", ");
            statement.push_bind(Bind::Uuid(Some(position.id)));
            statement.push(")");
        }
    }
}

/// The position of a record in the list's order.
pub(crate) fn position(model: &Model, sort: Sort, record: &Record, backwards: bool) -> Position {
    let key = match sort.column {
        "id" => String::new(),
        "created_at" => Value::Time(record.created_at).csv_cell(),
        "updated_at" => Value::Time(record.updated_at).csv_cell(),
        column => match record.value(model, column) {
            Some(Value::Text(text)) => text.clone(),
            Some(value) => value.csv_cell(),
            None => String::new(),
        },
    };
    Position { key, id: record.id, backwards }
}

/// A cursor is signed, so its key reads as it was written; what does not is null and finds nothing.
fn key_bind(kind: SortKind, key: &str) -> Bind {
    match kind {
        SortKind::Id => Bind::Uuid(key.parse().ok()),
        SortKind::Time => Bind::Time(key.parse().ok()),
        SortKind::Field(FieldKind::Integer { .. }) => Bind::Int(key.parse().ok()),
        SortKind::Field(FieldKind::Boolean) => Bind::Bool(key.parse().ok()),
        SortKind::Field(FieldKind::Date { .. }) => Bind::Date(key.parse::<NaiveDate>().ok()),
        SortKind::Field(FieldKind::Uuid) => Bind::Uuid(key.parse().ok()),
        SortKind::Field(FieldKind::Text { .. } | FieldKind::Choice(_)) => Bind::Text(Some(key.to_owned())),
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
