//! What is asked of every schema, of one that has each fault.

use diesel_async::SimpleAsyncConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use test_harness::{Database, schema};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

fn migrations() -> Vec<EmbeddedMigrations> {
    vec![MIGRATIONS]
}

async fn with(sql: &str) -> Database {
    let db = Database::create(migrations(), "it").await;
    db.connect().await.batch_execute(sql).await.unwrap();
    db
}

#[tokio::test]
async fn a_foreign_key_is_bare_until_an_index_begins_with_it() {
    let db = with("CREATE TABLE part (number bigint REFERENCES number, place bigint)").await;
    let bare = ["part part_number_fkey"];
    assert_eq!(schema::bare_foreign_keys(&db).await, bare);
    let add = async |index: &str| {
        db.connect().await.batch_execute(&format!("CREATE INDEX ON part {index}")).await.unwrap();
    };
    add("(place, number)").await;
    add("(number) WHERE place > 0").await;
    assert_eq!(schema::bare_foreign_keys(&db).await, bare);
    add("(number) WHERE number IS NOT NULL").await;
    assert_eq!(schema::bare_foreign_keys(&db).await, [""; 0]);
}

#[tokio::test]
#[should_panic(expected = "has no foreign key")]
async fn a_database_without_foreign_keys_is_not_taken_for_a_good_one() {
    schema::bare_foreign_keys(&with("").await).await;
}

#[tokio::test]
async fn what_says_nothing_of_itself_is_named() {
    let db = with("COMMENT ON TABLE number IS 'Numbers.'; COMMENT ON COLUMN number.name IS ' '").await;
    assert_eq!(schema::without_comment(&db).await, ["number.name", "number.value"]);
}

#[tokio::test]
async fn a_declaration_that_is_not_the_table_is_named_from_both_sides() {
    let db = with("").await;
    let declared = |column: &str| {
        format!(
            "diesel::table! {{\n    number (value) {{\n        value -> BigInt,\n        {column},\n    }}\n}}\n"
        )
    };
    assert_eq!(schema::differences(&db, &declared("name -> Text")).await, [""; 0]);
    let otherwise = schema::differences(&db, &declared("name -> Nullable<Text>")).await;
    assert_eq!(otherwise, ["+ number name Text", "- number name Nullable<Text>"]);
}

#[tokio::test]
async fn migrations_that_can_be_taken_back_give_the_same_schema_again() {
    let dump = schema::down_and_up(&with("").await, migrations).await;
    assert!(dump.contains("CREATE TABLE public.number ("), "{dump}");
}

#[tokio::test]
#[should_panic(expected = "left behind by the way down")]
async fn what_no_way_down_removes_is_noticed() {
    schema::down_and_up(&with("CREATE TABLE forgotten (id bigint)").await, migrations).await;
}
