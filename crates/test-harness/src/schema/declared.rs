//! The tables as the code declares them are the tables of the database.

use std::collections::BTreeSet;

use crate::{Database, lines};

/// How a column of a type is declared; of other types there is none yet.
const KINDS: &str = "('uuid', 'Uuid'), ('text', 'Text'), ('text[]', 'Array<Text>'), ('integer', 'Integer'), \
    ('integer[]', 'Array<Integer>'), ('bigint', 'BigInt'), ('boolean', 'Bool'), ('jsonb', 'Jsonb'), ('bytea', 'Bytea'), \
    ('bytea[]', 'Array<Bytea>'), ('timestamp with time zone', 'Timestamptz')";

/// Where the `diesel::table!` declarations of this source text and the tables of the database differ, in order: `+ <table>
/// <column> <type>` stands only in the database, `- …` only in the source. The tables of shared crates (outbox, inbox,
/// idempotency keys) are those crates' and left out.
///
/// # Panics
/// When the source declares no table in the way that `diesel print-schema` writes it.
pub async fn differences(db: &Database, source: &str) -> Vec<String> {
    let declared = declared(source);
    let sql = format!(
        "WITH kind (sql, diesel) AS (VALUES {KINDS}), \
        tables AS (SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
            AND relname NOT IN ('__diesel_schema_migrations', 'idempotency_key') AND relname !~ 'outbox|inbox|dead_letter') \
        SELECT format('%s %s %s', t.relname, a.attname, CASE WHEN a.attnotnull THEN coalesce(k.diesel, a.atttypid::regtype::text) \
            ELSE format('Nullable<%s>', coalesce(k.diesel, a.atttypid::regtype::text)) END) AS line \
        FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
        LEFT JOIN kind k ON k.sql = format_type(a.atttypid, a.atttypmod) \
        UNION ALL \
        SELECT format('%s key %s', t.relname, string_agg(a.attname, ', ' ORDER BY array_position(c.conkey, a.attnum))) \
        FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'p' \
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey) GROUP BY t.relname"
    );
    let found: BTreeSet<String> = lines(&mut db.connect().await, &sql).await.into_iter().collect();
    let undeclared = found.difference(&declared).map(|line| format!("+ {line}"));
    let missing = declared.difference(&found).map(|line| format!("- {line}"));
    undeclared.chain(missing).collect()
}

/// `table column type`, and `table key …`, a line each.
fn declared(source: &str) -> BTreeSet<String> {
    let found: BTreeSet<String> =
        source.split("diesel::table! {").skip(1).flat_map(|block| table(block).unwrap_or_default()).collect();
    assert!(!found.is_empty(), "no table is declared");
    found
}

/// The lines of the first table of this text.
fn table(block: &str) -> Option<Vec<String>> {
    let mut rows = block.lines().map(str::trim).filter(|line| !line.is_empty());
    let (table, key) = rows.next()?.trim_end_matches(") {").split_once(" (")?;
    let columns = rows.take_while(|row| *row != "}").map(|row| {
        let (column, kind) = row.trim_end_matches(',').split_once(" -> ").unwrap_or((row, ""));
        format!("{table} {column} {kind}")
    });
    Some(std::iter::once(format!("{table} key {key}")).chain(columns).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_declared_with_its_key_and_columns() {
        let source = "diesel::table! {\n    place (gym, seq) {\n        gym -> Uuid,\n        note -> Nullable<Text>,\n    }\n}\n";
        let wanted = ["place gym Uuid", "place key gym, seq", "place note Nullable<Text>"];
        assert!(declared(source).iter().eq(wanted), "{:?}", declared(source));
    }

    #[test]
    #[should_panic(expected = "no table is declared")]
    fn a_source_without_tables_is_not_taken_for_one_that_agrees() {
        declared("fn main() {}");
    }
}
