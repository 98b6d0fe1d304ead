//! Databases: own, isolated, migrated, with a service's rights, and gone afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use test_harness::{Database, connect};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn count(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    sql_query(sql).get_result::<Count>(conn).await.unwrap().count
}

async fn numbers(database: &Database) -> i64 {
    count(&mut database.connect().await, "SELECT count(*) FROM number").await
}

#[tokio::test]
async fn what_one_test_writes_no_other_sees() {
    let (a, b) =
        tokio::join!(Database::create(vec![MIGRATIONS], "it"), Database::create(vec![MIGRATIONS], "it"));
    a.connect().await.batch_execute("INSERT INTO number VALUES (1, 'one')").await.unwrap();
    assert_eq!((numbers(&a).await, numbers(&b).await), (1, 0));
}

#[tokio::test]
async fn a_service_owns_its_database_and_nothing_beyond() {
    let database = Database::create(vec![MIGRATIONS], "it").await;
    let mut conn = database.connect().await;
    conn.batch_execute("CREATE TABLE own (id int); DROP TABLE own").await.unwrap();
    assert!(conn.batch_execute("CREATE ROLE somebody").await.is_err());
    let mut admin = database.admin().await;
    assert_eq!(
        count(&mut admin, "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND rolsuper").await,
        1
    );
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_with_sessions_in_it() {
    let database = Database::create(vec![MIGRATIONS], "it").await;
    let (name, _held) = (database.name().to_owned(), database.connect().await);
    drop(database);
    let mut admin = connect(&test_harness::postgres_url()).await;
    let left =
        sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1").bind::<Text, _>(name);
    assert_eq!(left.get_result::<Count>(&mut admin).await.unwrap().count, 0);
}

#[tokio::test]
async fn rows_of_a_template_are_loaded_once_and_analysed() {
    let loads = AtomicUsize::new(0);
    // A version of this run's own, so that an earlier run's template does not stand in for this one's.
    let version = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let load = async |url: String| {
        loads.fetch_add(1, Ordering::Relaxed);
        let mut conn = connect(&url).await;
        let rows = "INSERT INTO number SELECT n, 'number ' || n FROM generate_series(1, 5000) n";
        conn.batch_execute(rows).await.unwrap();
    };
    let first = Database::template_with(vec![MIGRATIONS], "it_rows", &version, load).await;
    let second = Database::template_with(vec![MIGRATIONS], "it_rows", &version, load).await;
    assert_eq!((numbers(&first).await, numbers(&second).await), (5000, 5000));
    assert_eq!(loads.into_inner(), 1);
    let estimate = "SELECT reltuples::bigint AS count FROM pg_class WHERE relname = 'number'";
    assert_eq!(count(&mut second.connect().await, estimate).await, 5000);

    // This run's template is of no use to the next one.
    let mut admin = connect(&test_harness::postgres_url()).await;
    let named = "SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'tpl\\_it\\_rows\\_%'";
    for template in sql_query(named).load::<Name>(&mut admin).await.unwrap() {
        admin.batch_execute(&format!("ALTER DATABASE {} IS_TEMPLATE false", template.name)).await.unwrap();
        admin.batch_execute(&format!("DROP DATABASE {}", template.name)).await.unwrap();
    }
}
