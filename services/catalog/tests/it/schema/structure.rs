//! Tables, indexes and comments: what the declarations say, what the house rules ask for, and the way back.

use std::collections::BTreeSet;

use catalog::model::registry::Registry;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use test_harness::{Database, lines, schema};

use crate::harness::TestApp;

/// Everything there is to say of a table, a line each, in one order.
async fn describe(conn: &mut AsyncPgConnection, table: &str) -> Vec<String> {
    let sql = format!(
        r#"
SELECT line FROM (
    SELECT format('column %s %s%s %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = '"{table}"'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = '"{table}"'::regclass
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '"{table}"'::regclass
    UNION ALL
    SELECT format('comment %s %s', coalesce(a.attname, 'of the table'), d.description)
    FROM pg_description d LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE d.classoid = 'pg_class'::regclass AND d.objoid = '"{table}"'::regclass
) AS described ORDER BY line COLLATE "C""#
    );
    lines(conn, &sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_tables_are_what_the_declarations_say() {
    let migrated = Database::create(catalog::app::migrations(), "catalog").await;
    let declared = Database::create(catalog::app::migrations(), "catalog").await;
    let (mut migrated, mut declared) = (migrated.connect().await, declared.connect().await);
    let registry = Registry::default();
    for model in registry.models().iter().rev() {
        let drop = format!(
            "DROP TABLE \"{}\" CASCADE; DELETE FROM model_clock WHERE model = '{}'",
            model.table, model.name
        );
        declared.batch_execute(&drop).await.unwrap();
    }
    for model in registry.models() {
        declared.batch_execute(&catalog::create_table(model)).await.unwrap();
        let (found, wanted) =
            (describe(&mut migrated, model.table).await, describe(&mut declared, model.table).await);
        assert_eq!(found, wanted, "the migrations and `catalog ddl {}` differ", model.name);
        assert!(found.len() > 20, "{found:?}");
    }
    let clocks = "SELECT model AS line FROM model_clock ORDER BY model";
    assert_eq!(lines(&mut migrated, clocks).await, lines(&mut declared, clocks).await);
    let tables = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    assert_eq!(lines(&mut migrated, tables).await, lines(&mut declared, tables).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    assert_eq!(schema::bare_foreign_keys(&db).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_is() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    assert_eq!(schema::without_comment(&db).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_gives_the_same_schema() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let dump = schema::down_and_up(&db, catalog::app::migrations).await;
    for table in ["animal", "outbox"] {
        assert!(dump.contains(&format!("CREATE TABLE public.{table} (")), "{dump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_model_has_the_indexes_of_its_times_and_positions() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let found = lines(
        &mut db.connect().await,
        "SELECT regexp_replace(indexdef, ' ON public\\.\"?', ' ON ') AS line FROM pg_indexes WHERE schemaname = 'public'",
    )
    .await;
    let found: BTreeSet<String> = found.into_iter().map(|line| line.replace('"', "")).collect();
    for model in Registry::default().models() {
        let table = model.table;
        for wanted in [
            format!("CREATE INDEX ix_{table}_created_at ON {table} USING btree (created_at, id)"),
            format!("CREATE INDEX ix_{table}_updated_at ON {table} USING btree (updated_at, id)"),
            format!("CREATE UNIQUE INDEX uq_{table}_version ON {table} USING btree (version)"),
        ] {
            assert!(found.contains(&wanted), "{wanted} is missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_in_no_index_and_found_by_no_search() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let mut conn = app.db.connect().await;
    let columns = "SELECT table_name || '.' || column_name AS line FROM information_schema.columns WHERE table_schema = 'public' AND column_name ~ 'password'";
    assert_eq!(lines(&mut conn, columns).await, ["user.password_hash"]);
    let reached = "SELECT c.relname::text AS line FROM pg_depend d \
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attname = 'password_hash' \
        LEFT JOIN pg_attrdef g ON d.classid = 'pg_attrdef'::regclass AND g.oid = d.objid \
        JOIN pg_class c ON c.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE g.adrelid END";
    assert_eq!(lines(&mut conn, reached).await, [""; 0], "an index or a generated column holds it");
    let hash = lines(&mut conn, "SELECT password_hash AS line FROM \"user\"").await;
    assert!(hash[0].starts_with("$argon2id$"), "{hash:?}");
    for text in ["argon2id", hash[0].rsplit('$').next().unwrap()] {
        let text = text.replace('+', "%2B");
        let page = app.get(&format!("/v1/users?search={text}"), Some(&admin)).await.expect(200).json();
        assert_eq!(page["items"], serde_json::json!([]));
    }
    for query in
        ["password=x", "password_hash=x", "sort_by=password", "fields=password", "fields=password_hash"]
    {
        let answer = app.get(&format!("/v1/users?{query}"), Some(&admin)).await;
        answer.expect_problem(400, "invalid_parameter");
    }
}
