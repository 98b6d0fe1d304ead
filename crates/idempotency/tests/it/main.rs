//! Keys against a real database: one effect each, whatever happens.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test like the tests themselves")]

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use idempotency::{
    Claim, ClaimError, FingerprintKey, IdempotencyKey, MIGRATIONS, Scope, StoredAnswer, claim, fingerprint,
    purge_older_than, store,
};
use test_harness::Database;

fn scope() -> Scope {
    Scope::new(&["user-1", "POST", "/v1/animals"])
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn database() -> Database {
    let database = Database::create(vec![MIGRATIONS], "idempotency").await;
    database.connect().await.batch_execute("CREATE TABLE effect (id bigserial)").await.unwrap();
    database
}

async fn count(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    sql_query(sql).get_result::<Count>(conn).await.unwrap().count
}

async fn effects(database: &Database) -> i64 {
    count(&mut database.connect().await, "SELECT count(*) FROM effect").await
}

fn key(text: &str) -> IdempotencyKey {
    let request =
        actix_web::test::TestRequest::default().insert_header(("Idempotency-Key", text)).to_http_request();
    IdempotencyKey::required(request.headers()).unwrap()
}

fn answer() -> StoredAnswer {
    let location = ("location".to_owned(), "/v1/animals/1".to_owned());
    StoredAnswer { status: 201, headers: vec![location], body: vec![0, 159, 146, 150, 255] }
}

fn print(body: &[u8]) -> [u8; 32] {
    fingerprint(&FingerprintKey::derive(&"secret".into()), "POST", "/v1/animals", "application/json", body)
}

/// What a handler does: claim, have the effect, store.
async fn post(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    key: &IdempotencyKey,
    body: &[u8],
) -> Result<Claim, ClaimError> {
    conn.transaction(async |tx| {
        let claimed = claim(tx, scope, key, &print(body)).await?;
        if claimed == Claim::Fresh {
            tx.batch_execute("INSERT INTO effect DEFAULT VALUES").await?;
            store(tx, scope, key, &print(body), &answer()).await?;
        }
        Ok(claimed)
    })
    .await
}

#[tokio::test]
async fn a_second_request_gets_the_first_answer_byte_for_byte() {
    let database = database().await;
    let mut conn = database.connect().await;
    assert_eq!(post(&mut conn, &scope(), &key("a"), b"{}").await.unwrap(), Claim::Fresh);
    assert_eq!(post(&mut conn, &scope(), &key("\"a\""), b"{}").await.unwrap(), Claim::Replay(answer()));
    assert_eq!(effects(&database).await, 1);
}

#[tokio::test]
async fn the_same_key_on_another_request_is_refused() {
    let database = database().await;
    let mut conn = database.connect().await;
    post(&mut conn, &scope(), &key("a"), b"{}").await.unwrap();
    let reused = post(&mut conn, &scope(), &key("a"), b"{\"other\":1}").await.unwrap_err();
    assert!(matches!(reused, ClaimError::Reused));
    let problem = problem::Problem::from(reused);
    assert_eq!((problem.kind().status, problem.kind().code), (422, "idempotency_key_reused"));
    assert_eq!(effects(&database).await, 1);
}

#[tokio::test]
async fn another_principal_or_operation_has_keys_of_its_own() {
    let database = database().await;
    let mut conn = database.connect().await;
    let others = [
        ["user-1", "POST", "/v1/animals"],
        ["user-2", "POST", "/v1/animals"],
        ["user-1", "POST", "/v1/breeds"],
    ];
    for parts in others {
        assert_eq!(post(&mut conn, &Scope::new(&parts), &key("a"), b"{}").await.unwrap(), Claim::Fresh);
    }
    assert_eq!(effects(&database).await, 3);
}

#[tokio::test]
async fn while_the_first_request_runs_a_second_is_told_so_and_not_kept_waiting() {
    let database = database().await;
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    first.batch_execute("BEGIN").await.unwrap();
    assert_eq!(claim(&mut first, &scope(), &key("a"), &print(b"{}")).await.unwrap(), Claim::Fresh);
    let refused = post(&mut second, &scope(), &key("a"), b"{}").await.unwrap_err();
    assert!(matches!(refused, ClaimError::InUse));
    assert_eq!(problem::Problem::from(refused).kind().status, 409);
    assert_eq!(post(&mut second, &scope(), &key("b"), b"{}").await.unwrap(), Claim::Fresh);
}

#[tokio::test]
async fn a_transaction_that_ends_without_a_commit_leaves_the_key_free() {
    let database = database().await;
    let mut first = database.connect().await;
    first.batch_execute("BEGIN").await.unwrap();
    claim(&mut first, &scope(), &key("a"), &print(b"{}")).await.unwrap();
    first.batch_execute("INSERT INTO effect DEFAULT VALUES").await.unwrap();
    store(&mut first, &scope(), &key("a"), &print(b"{}"), &answer()).await.unwrap();
    // The session dies between the store and the commit, as with its process.
    let mut admin = database.admin().await;
    let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.batch_execute(others).await.unwrap();
    assert!(first.batch_execute("COMMIT").await.is_err());
    let mut retry = database.connect().await;
    assert_eq!(post(&mut retry, &scope(), &key("a"), b"{}").await.unwrap(), Claim::Fresh);
    assert_eq!(effects(&database).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_at_once_exactly_one_has_the_effect() {
    let database = database().await;
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut conn = database.connect().await;
        posts.spawn(async move { post(&mut conn, &scope(), &key("a"), b"{}").await });
    }
    let mut fresh = 0;
    for outcome in posts.join_all().await {
        match outcome {
            Ok(Claim::Fresh) => fresh += 1,
            Ok(Claim::Replay(replayed)) => assert_eq!(replayed, answer()),
            Err(error) => assert!(matches!(error, ClaimError::InUse), "{error}"),
        }
    }
    assert_eq!((fresh, effects(&database).await), (1, 1));
}

#[tokio::test]
async fn only_what_is_old_enough_is_forgotten() {
    let database = database().await;
    let mut conn = database.connect().await;
    for text in ["old", "new"] {
        post(&mut conn, &scope(), &key(text), b"{}").await.unwrap();
    }
    let age = "UPDATE idempotency_key SET created_at = now() - interval '25 hours' WHERE key = 'old'";
    conn.batch_execute(age).await.unwrap();
    assert_eq!(purge_older_than(&mut conn, 24).await.unwrap(), 1);
    assert_eq!(post(&mut conn, &scope(), &key("old"), b"{}").await.unwrap(), Claim::Fresh);
    assert!(matches!(post(&mut conn, &scope(), &key("new"), b"{}").await.unwrap(), Claim::Replay(_)));
}

#[tokio::test]
async fn a_large_purge_never_deletes_more_than_a_batch_at_once() {
    let database = database().await;
    let mut conn = database.connect().await;
    conn.batch_execute(
        "INSERT INTO idempotency_key (scope, key, fingerprint, status, headers, body, created_at) \
         SELECT 's', n::text, sha256(n::text::bytea), 201, '[]', '', now() - interval '2 days' \
         FROM generate_series(1, 12000) n; \
         CREATE TABLE purged (count bigint); \
         CREATE FUNCTION count_purged() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO purged SELECT count(*) FROM gone; RETURN NULL; END'; \
         CREATE TRIGGER count_purged AFTER DELETE ON idempotency_key REFERENCING OLD TABLE AS gone \
         FOR EACH STATEMENT EXECUTE FUNCTION count_purged();",
    )
    .await
    .unwrap();
    assert_eq!(purge_older_than(&mut conn, 24).await.unwrap(), 12_000);
    assert_eq!(count(&mut conn, "SELECT max(count) AS count FROM purged").await, 5000);
    assert_eq!(count(&mut conn, "SELECT count(*) FROM idempotency_key").await, 0);
}

#[tokio::test]
async fn the_migration_goes_down_and_up_again_and_explains_every_column() {
    let database = database().await;
    let mut conn = database.connect().await;
    conn.batch_execute(include_str!("../../migrations/2026-11-23-040000_idempotency_key/down.sql"))
        .await
        .unwrap();
    conn.batch_execute(include_str!("../../migrations/2026-11-23-040000_idempotency_key/up.sql"))
        .await
        .unwrap();
    let silent = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'idempotency_key'::regclass AND attnum > 0 \
                  AND col_description(attrelid, attnum) IS NULL";
    assert_eq!(count(&mut conn, silent).await, 0);
}

#[tokio::test]
async fn a_lost_database_is_unavailable_and_tells_nothing() {
    let database = database().await;
    let network = test_harness::ChaosProxy::to_url(database.url());
    let mut conn = test_harness::connect(&network.rewrite(database.url())).await;
    network.cut();
    let error = post(&mut conn, &scope(), &key("a"), b"{}").await.unwrap_err();
    let problem = problem::Problem::from(error);
    assert_eq!(problem.kind().status, 503);
    assert!(problem.detail_text().is_none());
}
