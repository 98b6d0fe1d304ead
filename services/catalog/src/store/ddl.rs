//! The table of a model, derived from its declaration.
//!
//! Migrations hold what this module prints (`catalog ddl MODEL`); a test compares the migrated database with it, so
//! that neither can drift from the other.

use std::fmt::Write as _;

use crate::model::{Field, FieldKind, Model};

/// Statements that create the table of a model with its constraints, indexes and comments.
pub fn create_table(model: &Model) -> String {
    let table = model.table;
    let mut sql = format!(
        "CREATE TABLE \"{table}\" (\n    id uuid PRIMARY KEY,\n    version bigint NOT NULL,\n    created_at timestamptz NOT NULL,\n    updated_at timestamptz NOT NULL,\n    deleted_at timestamptz,\n    mutation_id text,\n    digest_bucket smallint NOT NULL"
    );
    for field in model.fields {
        let _ = write!(sql, ",\n    \"{}\" {}", column(field), column_type(field));
    }
    if model.searchable() {
        let parts: Vec<String> = model
            .fields
            .iter()
            .filter(|f| f.search)
            .map(|f| format!("coalesce(\"{}\", '')", f.name))
            .collect();
        let _ = write!(
            sql,
            ",\n    search_text text NOT NULL GENERATED ALWAYS AS (lower({})) STORED",
            parts.join(" || ' ' || ")
        );
    }
    sql.push_str("\n);\n");
    indexes(model, &mut sql);
    comments(model, &mut sql);
    let _ = writeln!(sql, "INSERT INTO model_clock (model) VALUES ('{}');", model.name);
    sql
}

/// The column of a field: what is written but never shown is stored as its hash.
pub(crate) fn column(field: &Field) -> String {
    if field.write_only { format!("{}_hash", field.name) } else { field.name.to_owned() }
}

/// The name of the index that keeps a set of fields unique among live records.
pub(crate) fn unique_index(model: &Model, fields: &[&str]) -> String {
    format!("uq_{}_{}", model.table, fields.join("_"))
}

/// The sets of fields that no two live records share.
pub(crate) fn unique_sets(model: &Model) -> impl Iterator<Item = Vec<&'static str>> {
    let single = model.fields.iter().filter(|field| field.unique).map(|field| vec![field.name]);
    single.chain(model.unique_together.iter().map(|set| set.to_vec()))
}

/// The SQL type of a field's values.
pub(crate) fn sql_type(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text { .. } | FieldKind::Choice(_) => "text",
        FieldKind::Integer { .. } => "bigint",
        FieldKind::Boolean => "boolean",
        FieldKind::Date { .. } => "date",
        FieldKind::Uuid => "uuid",
    }
}

fn column_type(field: &Field) -> String {
    let mut out = sql_type(field.kind).to_owned();
    if !field.nullable {
        out.push_str(" NOT NULL");
    }
    let name = column(field);
    match field.kind {
        FieldKind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            let _ = write!(out, " CHECK (\"{name}\" IN ({}))", words.join(", "));
        }
        FieldKind::Integer { min, max } => {
            let _ = write!(out, " CHECK (\"{name}\" BETWEEN {min} AND {max})");
        }
        FieldKind::Text { max_len, .. } if !field.write_only => {
            let _ = write!(out, " CHECK (char_length(\"{name}\") <= {max_len})");
        }
        _ => {}
    }
    if let Some(reference) = &field.reference {
        let _ = write!(out, " REFERENCES \"{}\" (id)", reference.model);
    }
    out
}

fn indexes(model: &Model, sql: &mut String) {
    let table = model.table;
    let _ = writeln!(sql, "CREATE UNIQUE INDEX uq_{table}_version ON \"{table}\" (version);");
    let _ = writeln!(sql, "CREATE INDEX ix_{table}_created_at ON \"{table}\" (created_at, id);");
    let _ = writeln!(sql, "CREATE INDEX ix_{table}_updated_at ON \"{table}\" (updated_at, id);");
    let _ = writeln!(
        sql,
        "CREATE INDEX ix_{table}_deleted_at ON \"{table}\" (deleted_at, id) WHERE deleted_at IS NOT NULL;"
    );
    let _ = writeln!(sql, "CREATE INDEX ix_{table}_digest_bucket ON \"{table}\" (digest_bucket, id);");
    for set in unique_sets(model) {
        let columns: Vec<String> = set.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = writeln!(
            sql,
            "CREATE UNIQUE INDEX {} ON \"{table}\" ({}) WHERE deleted_at IS NULL;",
            unique_index(model, &set),
            columns.join(", ")
        );
    }
    // Closed lists have few values: such a filter reads the primary key's order and stops at a page's end.
    let ordered = model
        .fields
        .iter()
        .filter(|f| f.sort || f.reference.is_some() || (f.filter && !matches!(f.kind, FieldKind::Boolean)));
    for field in ordered {
        let _ = writeln!(sql, "CREATE INDEX ix_{table}_{0} ON \"{table}\" (\"{0}\", id);", field.name);
    }
    for set in model.indexes {
        let columns: Vec<String> = set.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = writeln!(
            sql,
            "CREATE INDEX ix_{table}_{} ON \"{table}\" ({}, id);",
            set.join("_"),
            columns.join(", ")
        );
    }
    if model.searchable() {
        let _ = writeln!(
            sql,
            "CREATE INDEX ix_{table}_search ON \"{table}\" USING gin (search_text gin_trgm_ops);"
        );
    }
}

fn comments(model: &Model, sql: &mut String) {
    let quote = |text: &str| text.trim().replace('\'', "''").replace('\n', " ");
    let table = model.table;
    let _ = writeln!(sql, "COMMENT ON TABLE \"{table}\" IS '{}';", quote(model.doc));
    let base = [
        ("id", "For good; a UUID version 7 unless the client chose it."),
        (
            "version",
            "Position of the last change in the history of the model; unique, and rising in commit order.",
        ),
        ("created_at", "When the record was made."),
        ("updated_at", "When the record was last changed; never falls as version rises."),
        ("deleted_at", "When the record was deleted; the row is its tombstone until it is purged."),
        ("mutation_id", "The mark that the client gave to the last change."),
        ("digest_bucket", "First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest."),
    ];
    for (name, text) in base {
        let _ = writeln!(sql, "COMMENT ON COLUMN \"{table}\".{name} IS '{text}';");
    }
    for field in model.fields {
        let _ =
            writeln!(sql, "COMMENT ON COLUMN \"{table}\".\"{}\" IS '{}';", column(field), quote(field.doc));
    }
    if model.searchable() {
        let _ = writeln!(sql, "COMMENT ON COLUMN \"{table}\".search_text IS 'What ?search= looks into.';");
    }
}
