//! The schema as it is deployed: that it is what the code takes it for, that it says what it is, that it can be taken back, and
//! that nobody with the service's rights rewrites what happened.

use std::collections::BTreeSet;

use package_ledger::app;
use test_harness::{Database, lines, schema};

macro_rules! migration {
    ($folder:literal) => {
        (
            include_str!(concat!("../../../../migrations/package-ledger/", $folder, "/up.sql")),
            include_str!(concat!("../../../../migrations/package-ledger/", $folder, "/down.sql")),
            include_str!(concat!("../../../../migrations/package-ledger/", $folder, "/metadata.toml")),
        )
    };
}

/// Migrations of indexes on a table that is in use: up, down, how they run.
const CONCURRENT: [(&str, &str, &str); 2] = [
    migration!("2026-11-29-000005_packages_by_status"),
    migration!("2026-11-29-000006_packages_by_reception"),
];

/// What is only added to.
const APPEND_ONLY: [&str; 2] = ["ledger_transfer", "package_event"];

async fn database() -> Database {
    Database::create(app::migrations(), "package-ledger").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_what_the_code_takes_them_for() {
    let declared = include_str!("../../src/store/schema.rs");
    assert_eq!(schema::differences(&database().await, declared).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    assert_eq!(schema::bare_foreign_keys(&database().await).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_is() {
    assert_eq!(schema::without_comment(&database().await).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_gives_the_same_schema() {
    let dump = schema::down_and_up(&database().await, app::migrations).await;
    for table in ["package", "package_event", "ledger_transfer", "outbox"] {
        assert!(dump.contains(&format!("CREATE TABLE public.{table} (")), "{dump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indexes_of_the_lists_stand_as_asked_for_and_are_valid() {
    let sql = "SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index WHERE indisvalid AND indrelid = 'package'::regclass";
    let found: BTreeSet<String> =
        lines(&mut database().await.connect().await, sql).await.into_iter().collect();
    // P-A10, P-A11
    for wanted in [
        "CREATE INDEX idx_packages_status_created_customer ON public.package USING btree (status, created_at DESC, customer_id)",
        "CREATE INDEX idx_packages_received_status ON public.package USING btree (received_at, status) WHERE (received_at IS NOT NULL)",
    ] {
        assert!(found.contains(wanted), "{wanted} is missing: {found:?}");
    }
}

/// Each stands alone in a migration outside of a transaction: the table is in use (P-A10, P-A11).
#[test]
fn the_indexes_of_the_lists_are_built_beside_readers_and_writers() {
    let statements = |sql: &str| {
        let lines = sql.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for (up, down, how) in CONCURRENT {
        let [up, down] = [up, down].map(statements);
        assert!(up.len() == 1 && up[0].starts_with("CREATE INDEX CONCURRENTLY "), "{up:?}");
        assert!(down.len() == 1 && down[0].starts_with("DROP INDEX CONCURRENTLY "), "{down:?}");
        assert_eq!(how.trim(), "run_in_transaction = false");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_only_added_to() {
    let db = database().await;
    let mut conn = db.connect().await;
    for table in APPEND_ONLY {
        let sql = format!(
            "SELECT p AS line FROM unnest('{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}}'::text[]) p \
             WHERE has_table_privilege('{table}', p) ORDER BY p"
        );
        assert_eq!(lines(&mut conn, &sql).await, ["INSERT", "SELECT"], "{table}");
    }
}
