//! Writing records, and what every write leaves beside them: history, counters, digests, events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::clock::{self, Clock};
use super::ddl::{column, sql_type};
use super::row::{Row, columns};
use super::statement::{Bind, Statement};
use crate::domain::change::{Actor, Change, ChangeKind};
use crate::domain::digest::{Digest, bucket};
use crate::domain::draft::Draft;
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::{FieldKind, Model};

/// A record about to be made. Write-only values are hashed already.
#[derive(Debug)]
pub(crate) struct NewRecord {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its position.
    pub(crate) version: i64,
    /// Its values.
    pub(crate) draft: Draft,
}

/// Inserts records in one statement and returns them in the order given.
///
/// # Errors
/// Of the database; unique violations name the index.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    model: &Model,
    at: DateTime<Utc>,
    records: Vec<NewRecord>,
) -> QueryResult<Vec<Record>> {
    let order: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    let rows: Vec<Row> = insert_statement(model, at, records).get_results(conn).await?;
    let mut made: BTreeMap<Uuid, Record> = BTreeMap::new();
    for row in rows {
        if let Some(record) = row.cells().record(model)? {
            made.insert(record.id, record);
        }
    }
    order.into_iter().map(|id| made.remove(&id).ok_or(diesel::result::Error::NotFound)).collect()
}

fn insert_statement(model: &Model, at: DateTime<Utc>, mut records: Vec<NewRecord>) -> Statement {
    let names: Vec<String> = model.fields.iter().map(|field| format!("\"{}\"", column(field))).collect();
    let mut out = Statement::new(&format!(
        "INSERT INTO \"{}\" (id, version, created_at, updated_at, mutation_id, digest_bucket, {}) SELECT * FROM unnest(",
        model.table,
        names.join(", ")
    ));
    out.push_bind(Bind::ids(records.iter().map(|record| record.id)));
    out.push(", ");
    out.push_bind(Bind::Ints(records.iter().map(|record| Some(record.version)).collect()));
    for _ in 0..2 {
        out.push(", ");
        out.push_bind(Bind::Times(vec![Some(at); records.len()]));
    }
    out.push(", ");
    out.push_bind(Bind::Texts(records.iter().map(|record| record.draft.mutation_id.clone()).collect()));
    out.push(", ");
    out.push_bind(Bind::SmallInts(records.iter().map(|record| bucket(record.id)).collect()));
    for (index, field) in model.fields.iter().enumerate() {
        out.push(", ");
        let values = records
            .iter_mut()
            .map(|record| record.draft.values.get_mut(index).and_then(Option::take).unwrap_or(Value::Null));
        out.push_bind(Bind::column(field.kind, values));
    }
    out.push(&format!(") RETURNING {}", columns(model, "")));
    out
}

/// Changes a record's values and gives it its new position.
///
/// # Errors
/// Of the database; `NotFound` where the record is gone.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
    version: i64,
    at: DateTime<Utc>,
    draft: Draft,
) -> QueryResult<Record> {
    let mut out = touch(model, version, at, draft.mutation_id);
    for (field, value) in model.fields.iter().zip(draft.values) {
        if let Some(value) = value {
            out.push(&format!(", \"{}\" = ", column(field)));
            out.push_bind(Bind::value(field.kind, value));
        }
    }
    finish_update(conn, model, id, out).await
}

/// Makes a record a tombstone, or brings it back.
///
/// # Errors
/// Of the database; `NotFound` where the record is gone.
pub(crate) async fn set_deleted(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
    version: i64,
    at: DateTime<Utc>,
    deleted: bool,
    mutation_id: Option<String>,
) -> QueryResult<Record> {
    let mut out = touch(model, version, at, mutation_id);
    out.push(", deleted_at = ");
    out.push_bind(Bind::Time(deleted.then_some(at)));
    finish_update(conn, model, id, out).await
}

fn touch(model: &Model, version: i64, at: DateTime<Utc>, mutation_id: Option<String>) -> Statement {
    Statement::new(&format!("UPDATE \"{}\" SET version = ", model.table))
        .bind(Bind::Int(Some(version)))
        .sql(", updated_at = ")
        .bind(Bind::Time(Some(at)))
        .sql(", mutation_id = ")
        .bind(Bind::Text(mutation_id))
}

async fn finish_update(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
    statement: Statement,
) -> QueryResult<Record> {
    let statement = statement
        .sql(" WHERE id = ")
        .bind(Bind::Uuid(Some(id)))
        .sql(&format!(" RETURNING {}", columns(model, "")));
    let row: Row = statement.get_result(conn).await?;
    row.cells().record(model)?.ok_or(diesel::result::Error::NotFound)
}

/// Accounts for the changes of one model: history, facets, digest leaves and the clock, which is stored.
///
/// # Errors
/// Of the database.
pub(crate) async fn account(
    conn: &mut AsyncPgConnection,
    model: &'static Model,
    clock: &mut Clock,
    actor: &Actor,
    at: DateTime<Utc>,
    changes: &[Change],
) -> QueryResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut leaves: BTreeMap<i16, (i64, Digest)> = BTreeMap::new();
    let mut facets: BTreeMap<(&'static str, String), i64> = BTreeMap::new();
    for change in changes {
        if let Some(before) = change.live_before() {
            clock.live_count -= 1;
            clock.digest.remove(before.id, before.version);
            let leaf = leaves.entry(bucket(before.id)).or_default();
            leaf.0 -= 1;
            leaf.1.remove(before.id, before.version);
            count_facets(model, before, -1, &mut facets);
        }
        if let Some(after) = change.live_after() {
            clock.live_count += 1;
            clock.digest.add(after.id, after.version);
            let leaf = leaves.entry(bucket(after.id)).or_default();
            leaf.0 += 1;
            leaf.1.add(after.id, after.version);
            count_facets(model, after, 1, &mut facets);
        }
        clock.deleted_count += match change.kind {
            ChangeKind::Deleted => 1,
            ChangeKind::Restored => -1,
            ChangeKind::Created | ChangeKind::Updated => 0,
        };
    }
    clock.last_modified = at;
    store_leaves(conn, model, leaves).await?;
    facets.retain(|_, count| *count != 0);
    store_facets(conn, model, facets).await?;
    store_history(conn, model, actor, at, changes).await?;
    clock::store(conn, model, clock).await
}

fn count_facets(
    model: &'static Model,
    record: &Record,
    by: i64,
    facets: &mut BTreeMap<(&'static str, String), i64>,
) {
    for (field, value) in model.shown().zip(&record.values).filter(|(field, _)| field.facet) {
        *facets.entry((field.name, value.csv_cell())).or_default() += by;
    }
}

async fn store_leaves(
    conn: &mut AsyncPgConnection,
    model: &Model,
    mut leaves: BTreeMap<i16, (i64, Digest)>,
) -> QueryResult<()> {
    let name = Bind::Text(Some(model.name.to_owned()));
    let current: Vec<Row> = Statement::new("SELECT bucket, digest FROM digest_leaf WHERE model = ")
        .bind(name.clone())
        .sql(" AND bucket = ANY(")
        .bind(Bind::SmallInts(leaves.keys().copied().collect()))
        .sql(")")
        .get_results(conn)
        .await?;
    for row in current {
        let mut cells = row.cells();
        let key = i16::try_from(cells.int()?).unwrap_or_default();
        if let (Some(leaf), Some(stored)) = (leaves.get_mut(&key), Digest::from_bytes(&cells.bytes()?)) {
            leaf.1.merge(&stored);
        }
    }
    Statement::new("INSERT INTO digest_leaf (model, bucket, live_count, digest) SELECT ")
        .bind(name)
        .sql(", * FROM unnest(")
        .bind(Bind::SmallInts(leaves.keys().copied().collect()))
        .sql(", ")
        .bind(Bind::Ints(leaves.values().map(|leaf| Some(leaf.0)).collect()))
        .sql(", ")
        .bind(Bind::Blobs(leaves.values().map(|leaf| leaf.1.to_bytes()).collect()))
        .sql(") ON CONFLICT (model, bucket) DO UPDATE SET live_count = digest_leaf.live_count + excluded.live_count, digest = excluded.digest")
        .execute(conn)
        .await
        .map(|_| ())
}

async fn store_facets(
    conn: &mut AsyncPgConnection,
    model: &Model,
    facets: BTreeMap<(&'static str, String), i64>,
) -> QueryResult<()> {
    if facets.is_empty() {
        return Ok(());
    }
    Statement::new("INSERT INTO model_facet (model, field, value, live_count) SELECT ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .sql(", * FROM unnest(")
        .bind(Bind::Texts(facets.keys().map(|key| Some(key.0.to_owned())).collect()))
        .sql(", ")
        .bind(Bind::Texts(facets.keys().map(|key| Some(key.1.clone())).collect()))
        .sql(", ")
        .bind(Bind::Ints(facets.values().copied().map(Some).collect()))
        .sql(") ON CONFLICT (model, field, value) DO UPDATE SET live_count = model_facet.live_count + excluded.live_count")
        .execute(conn)
        .await
        .map(|_| ())
}

async fn store_history(
    conn: &mut AsyncPgConnection,
    model: &Model,
    actor: &Actor,
    at: DateTime<Utc>,
    changes: &[Change],
) -> QueryResult<()> {
    let kind = |change: &Change| match change.kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Restored => "restored",
    };
    Statement::new(
        "INSERT INTO change_log (model, actor, changed_at, version, record_id, change, mutation_id) SELECT ",
    )
    .bind(Bind::Text(Some(model.name.to_owned())))
    .sql(", ")
    .bind(Bind::Text(Some(actor.subject.clone())))
    .sql(", ")
    .bind(Bind::Time(Some(at)))
    .sql(", * FROM unnest(")
    .bind(Bind::Ints(changes.iter().map(|change| Some(change.after.version)).collect()))
    .sql(", ")
    .bind(Bind::ids(changes.iter().map(|change| change.after.id)))
    .sql(", ")
    .bind(Bind::Texts(changes.iter().map(|change| Some(kind(change).to_owned())).collect()))
    .sql(", ")
    .bind(Bind::Texts(changes.iter().map(|change| change.after.mutation_id.clone()).collect()))
    .sql(")")
    .execute(conn)
    .await
    .map(|_| ())
}

/// The values that are live already among those that a unique set needs, in the order of `wanted`.
///
/// # Errors
/// Of the database.
pub(crate) async fn taken(
    conn: &mut AsyncPgConnection,
    model: &Model,
    set: &[(&'static str, FieldKind)],
    wanted: &[Vec<Value>],
) -> QueryResult<Vec<usize>> {
    let joined: Vec<String> = set
        .iter()
        .enumerate()
        .map(|(index, (name, kind))| format!("t.\"{name}\" = w.c{index}::{}", sql_type(*kind)))
        .collect();
    let names: Vec<String> = (0..set.len()).map(|index| format!("c{index}")).collect();
    let mut out = Statement::new("SELECT w.n FROM unnest(");
    for (index, (_, kind)) in set.iter().enumerate() {
        if index > 0 {
            out.push(", ");
        }
        let values = wanted.iter().map(|row| row.get(index).cloned().unwrap_or(Value::Null));
        out.push_bind(Bind::column(*kind, values));
    }
    out.push(&format!(
        ") WITH ORDINALITY AS w ({}, n) JOIN \"{}\" t ON {} AND t.deleted_at IS NULL ORDER BY w.n",
        names.join(", "),
        model.table,
        joined.join(" AND ")
    ));
    let rows: Vec<Row> = out.get_results(conn).await?;
    rows.into_iter()
        .map(|row| row.cells().int().map(|n| usize::try_from(n - 1).unwrap_or_default()))
        .collect()
}
