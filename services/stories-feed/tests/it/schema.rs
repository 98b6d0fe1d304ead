//! The schema as it is deployed: that it is what the code takes it for, that it says what it is, and that it can be taken back.

mod declared;
mod round_trip;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stories_feed::app;
use test_harness::Database;

/// The rows of a query that answers with one text, as `line`.
pub(crate) async fn lines(conn: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.into_iter().map(|row| row.line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    let db = Database::create(app::migrations(), "stories-feed").await;
    // A partial index serves where all it leaves out is what refers to nothing.
    let bare = "SELECT c.conrelid::regclass || ' ' || c.conname AS line FROM pg_constraint c WHERE c.contype = 'f' AND NOT EXISTS \
        (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid \
         AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', \
            (SELECT attname FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = c.conkey[1]))) \
         AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(c.conkey)] @> c.conkey) \
        ORDER BY line";
    let mut conn = db.connect().await;
    // Gyms are never deleted, so nothing looks from a gym for all its stories.
    assert_eq!(lines(&mut conn, bare).await, ["story story_gym_id_fkey"]);
    let keys = lines(&mut conn, "SELECT conname::text AS line FROM pg_constraint WHERE contype = 'f'").await;
    assert!(keys.len() >= 10, "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_is() {
    let db = Database::create(app::migrations(), "stories-feed").await;
    // The migrations' own table is its library's.
    let silent = "SELECT c.relname || '.' || coalesce(a.attname, '') AS line FROM pg_class c \
        CROSS JOIN LATERAL (SELECT 0 AS attnum, NULL::name AS attname UNION ALL \
            SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a \
        LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum \
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> '__diesel_schema_migrations' \
        AND coalesce(trim(d.description), '') = ''";
    assert_eq!(lines(&mut db.connect().await, silent).await, [""; 0]);
}
