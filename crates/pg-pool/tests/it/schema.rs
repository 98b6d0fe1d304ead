//! Migrations.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::{Bench, count, run, unique};

const FIRST: EmbeddedMigrations = embed_migrations!("tests/it/migrations/first");
const SECOND: EmbeddedMigrations = embed_migrations!("tests/it/migrations/second");
const CLASHING: EmbeddedMigrations = embed_migrations!("tests/it/migrations/clashing");

/// A pool on an empty database, and what to run on which pool to remove it.
async fn empty_database() -> (Bench, Bench, String) {
    let name = unique("pg_pool_migrate");
    let admin = Bench::new();
    run(&mut admin.pool.write().await.unwrap(), &format!("CREATE DATABASE {name}")).await;
    let url = std::env::var("ALDIA_TEST_PG_URL").unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    (Bench::with(|config| config.url = url.into()), admin, format!("DROP DATABASE {name} WITH (FORCE)"))
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let (bench, admin, removal) = empty_database().await;
    let (one, two) =
        tokio::join!(bench.pool.migrate(vec![FIRST, SECOND]), bench.pool.migrate(vec![FIRST, SECOND]));
    let mut applied = [one.unwrap(), two.unwrap()];
    applied.sort_by_key(Vec::len);
    assert_eq!(applied[0], Vec::<String>::new());
    assert_eq!(applied[1], ["2026-01-01-000000_first", "2026-01-02-000000_second"]);
    let mut conn = bench.pool.read().await.unwrap();
    assert_eq!(count(&mut conn, "SELECT count(*) FROM first").await, 0);
    run(&mut admin.pool.write().await.unwrap(), &removal).await;
}

#[tokio::test]
async fn two_migrations_of_one_version_are_refused() {
    let (bench, admin, removal) = empty_database().await;
    let error = bench.pool.migrate(vec![FIRST, CLASHING]).await.expect_err("they clash");
    assert!(!error.is_unavailable());
    let mut conn = bench.pool.read().await.unwrap();
    assert_eq!(count(&mut conn, "SELECT count(*) FROM pg_tables WHERE tablename = 'first'").await, 0);
    run(&mut admin.pool.write().await.unwrap(), &removal).await;
}
