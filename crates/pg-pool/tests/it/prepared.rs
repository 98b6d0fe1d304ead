//! Which statements a connection remembers.

use diesel::ExpressionMethods as _;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::Prepare;

use crate::{Bench, run};

#[derive(diesel::QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    sum: i64,
}

/// How many statements with this text in them the connection remembers, beside this one.
async fn remembered(conn: &mut AsyncPgConnection, text: &str) -> i64 {
    let counting = diesel::sql_query(
        "SELECT count(*) AS sum FROM pg_prepared_statements WHERE statement LIKE '%' || $1 || '%' \
         AND statement NOT LIKE '%pg_prepared_statements%'",
    );
    counting.bind::<Text, _>(text).get_result::<Sum>(conn).await.unwrap().sum
}

#[tokio::test]
async fn a_prepared_text_is_remembered_once_whatever_its_values() {
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    for value in 0..3 {
        let twice = diesel::sql_query("SELECT $1 + $1 AS sum").bind::<BigInt, _>(value);
        let Sum { sum } = twice.prepared().get_result(&mut *conn).await.unwrap();
        assert_eq!(sum, 2 * value);
    }
    assert_eq!(remembered(&mut conn, "SELECT $1 + $1").await, 1);
}

#[tokio::test]
async fn another_text_is_forgotten_at_once() {
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    let once = diesel::sql_query("SELECT $1 - $1 AS sum").bind::<BigInt, _>(1_i64);
    assert_eq!(once.get_result::<Sum>(&mut *conn).await.unwrap().sum, 0);
    assert_eq!(remembered(&mut conn, "SELECT $1 - $1").await, 0);
}

diesel::table! {
    prepared_thing (id) {
        id -> BigInt,
        name -> Nullable<Text>,
    }
}

#[tokio::test]
async fn an_insertion_is_remembered_too() {
    let bench = Bench::new();
    let mut conn = bench.pool.write().await.unwrap();
    run(&mut conn, "CREATE TEMPORARY TABLE prepared_thing (id bigint, name text)").await;
    for id in 0..3_i64 {
        let values = (prepared_thing::id.eq(id), prepared_thing::name.eq("a name"));
        let insertion = diesel::insert_into(prepared_thing::table).values(values);
        assert_eq!(insertion.prepared().execute(&mut *conn).await.unwrap(), 1);
    }
    assert_eq!(remembered(&mut conn, "INSERT INTO \"prepared_thing\"").await, 1);
}

#[tokio::test]
async fn one_that_has_to_be_planned_first_keeps_its_place_before_others() {
    let bench = Bench::new();
    let mut conn = bench.pool.write().await.unwrap();
    run(&mut conn, "CREATE TEMPORARY TABLE parent (id bigint PRIMARY KEY, a text, b text)").await;
    run(&mut conn, "CREATE TEMPORARY TABLE child (parent_id bigint REFERENCES parent)").await;
    for (id, column) in [(1_i64, "a"), (2, "b"), (3, "a")] {
        let parent = diesel::sql_query(format!("INSERT INTO parent (id, {column}) VALUES ($1, 'x')"));
        let parent = parent.bind::<BigInt, _>(id).prepared();
        let child = diesel::sql_query("INSERT INTO child (parent_id) VALUES ($1)");
        let child = child.bind::<BigInt, _>(id).prepared();
        let conn = &*conn;
        let inserted = tokio::join!(
            biased;
            async { parent.execute(&mut &*conn).await },
            async { child.execute(&mut &*conn).await },
        );
        assert_eq!((inserted.0.unwrap(), inserted.1.unwrap()), (1, 1));
    }
}
