//! The tables as the code declares them are the tables of the database.

use std::collections::BTreeSet;

use stories_feed::app;
use test_harness::Database;

use super::lines;

const DECLARED: &str = include_str!("../../../src/store/schema.rs");

/// `table column type`, and `table key …`, a line each.
fn declared() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in DECLARED.split("diesel::table! {").skip(1) {
        let mut rows = block.lines().map(str::trim).filter(|line| !line.is_empty());
        let head = rows.next().unwrap();
        let (table, key) = head.trim_end_matches(") {").split_once(" (").unwrap();
        found.insert(format!("{table} key {key}"));
        for row in rows.take_while(|row| *row != "}") {
            let (column, kind) = row.trim_end_matches(',').split_once(" -> ").unwrap();
            found.insert(format!("{table} {column} {kind}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_what_the_code_takes_them_for() {
    let db = Database::create(app::migrations(), "stories-feed").await;
    let sql = "\
        WITH kind (sql, diesel) AS (VALUES ('uuid', 'Uuid'), ('text', 'Text'), ('text[]', 'Array<Text>'), ('integer', 'Integer'), \
            ('bigint', 'BigInt'), ('boolean', 'Bool'), ('jsonb', 'Jsonb'), ('timestamp with time zone', 'Timestamptz')), \
        tables AS (SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
            AND relname NOT IN ('__diesel_schema_migrations', 'idempotency_key') AND relname !~ 'outbox|inbox|dead_letter') \
        SELECT format('%s %s %s', t.relname, a.attname, CASE WHEN a.attnotnull THEN coalesce(k.diesel, a.atttypid::regtype::text) \
            ELSE format('Nullable<%s>', coalesce(k.diesel, a.atttypid::regtype::text)) END) AS line \
        FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
        LEFT JOIN kind k ON k.sql = format_type(a.atttypid, a.atttypmod) \
        UNION ALL \
        SELECT format('%s key %s', t.relname, string_agg(a.attname, ', ' ORDER BY array_position(c.conkey, a.attnum))) \
        FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'p' \
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey) GROUP BY t.relname";
    let found: BTreeSet<String> = lines(&mut db.connect().await, sql).await.into_iter().collect();
    let declared = declared();
    let missing: Vec<_> = declared.difference(&found).collect();
    let undeclared: Vec<_> = found.difference(&declared).collect();
    assert!(missing.is_empty() && undeclared.is_empty(), "missing {missing:?}, undeclared {undeclared:?}");
    assert!(found.len() > 100, "{found:?}");
}
