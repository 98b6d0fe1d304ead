//! The schema as it is deployed: that it is what the code takes it for, that it says what it is, and that it can be taken back.

use stories_feed::app;
use test_harness::{Database, schema};

async fn database() -> Database {
    Database::create(app::migrations(), "stories-feed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_what_the_code_takes_them_for() {
    let declared = include_str!("../../src/store/schema.rs");
    assert_eq!(schema::differences(&database().await, declared).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    // Gyms are never deleted, so nothing looks from a gym for all its stories.
    assert_eq!(schema::bare_foreign_keys(&database().await).await, ["story story_gym_id_fkey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_is() {
    assert_eq!(schema::without_comment(&database().await).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_gives_the_same_schema() {
    let dump = schema::down_and_up(&database().await, app::migrations).await;
    for table in ["story", "outbox"] {
        assert!(dump.contains(&format!("CREATE TABLE public.{table} (")), "{dump}");
    }
}
