//! What is asked of the schema of every service: that it is what the code takes it for, that it says what it is, that its
//! references can be followed backwards, and that its migrations can be taken back.

mod declared;
mod round_trip;

use crate::{Database, lines};

pub use declared::differences;
pub use round_trip::down_and_up;

/// Foreign keys that no index serves, as `<table> <name>`, in order.
///
/// # Panics
/// When the database has no foreign key at all: then it is another one than was meant.
pub async fn bare_foreign_keys(db: &Database) -> Vec<String> {
    // A partial index serves where all it leaves out is what refers to nothing.
    let bare = "SELECT c.conrelid::regclass || ' ' || c.conname AS line FROM pg_constraint c WHERE c.contype = 'f' AND NOT EXISTS \
        (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid \
         AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', \
            (SELECT attname FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = c.conkey[1]))) \
         AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(c.conkey)] @> c.conkey) \
        ORDER BY line";
    let mut conn = db.connect().await;
    let all = "SELECT conname::text AS line FROM pg_constraint WHERE contype = 'f'";
    assert!(!lines(&mut conn, all).await.is_empty(), "{} has no foreign key", db.name());
    lines(&mut conn, bare).await
}

/// Tables and columns without a comment, as `<table>.<column>`, in order; the table itself has no column.
///
/// # Panics
/// When the database cannot be asked.
pub async fn without_comment(db: &Database) -> Vec<String> {
    // The migrations' own table is its library's.
    let silent = "SELECT c.relname || '.' || coalesce(a.attname, '') AS line FROM pg_class c \
        CROSS JOIN LATERAL (SELECT 0 AS attnum, NULL::name AS attname UNION ALL \
            SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a \
        LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum \
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> '__diesel_schema_migrations' \
        AND coalesce(trim(d.description), '') = '' ORDER BY line";
    lines(&mut db.connect().await, silent).await
}
