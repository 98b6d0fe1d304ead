//! Changes against a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test like the tests themselves")]

use std::time::Duration;

use actix_web::test::TestRequest;
use diesel_async::SimpleAsyncConnection as _;
use freshness::Groups;
use idempotency::{IdempotencyKey, Keyed, Once, Scope, StoredAnswer};
use pg_pool::Connection;
use request_parts::{no_content, once};
use service_error::ServiceError;
use test_harness::{Database, lines};

/// Longer than any work here that is not meant to be cut.
const LONGEST: Duration = Duration::from_secs(60);

async fn database() -> Database {
    let db = Database::create(vec![idempotency::MIGRATIONS], "request-parts").await;
    db.connect().await.batch_execute("CREATE TABLE done (what text NOT NULL)").await.unwrap();
    db
}

fn keyed() -> Keyed {
    let request = TestRequest::default().insert_header(("Idempotency-Key", "the-same")).to_http_request();
    Keyed {
        scope: Scope::new(&["ada", "POST", "/v1/things"]),
        key: IdempotencyKey::required(request.headers()).unwrap(),
        fingerprint: [7; 32],
    }
}

async fn work(conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
    conn.batch_execute("INSERT INTO done VALUES ('work')").await?;
    Ok(no_content())
}

/// A transaction as a service makes it.
async fn change(
    db: &Database,
    longest: Duration,
    work: impl AsyncFnOnce(&mut Connection) -> Result<StoredAnswer, ServiceError>,
) -> Result<Once, ServiceError> {
    let groups = Groups::of(["things/1"])?;
    let mut conn = db.connect().await;
    conn.batch_execute("BEGIN").await?;
    let once = once(&mut conn, Some(&keyed()), Some(&groups), longest, work).await;
    conn.batch_execute(if once.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    once
}

async fn done(db: &Database) -> usize {
    lines(&mut db.connect().await, "SELECT what AS line FROM done").await.len()
}

#[tokio::test]
async fn what_is_repeated_is_done_once_and_ends_the_same_copies() {
    let db = database().await;
    let first = change(&db, LONGEST, work).await.unwrap();
    let again = change(&db, LONGEST, work).await.unwrap();
    assert!(!first.is_replay && again.is_replay);
    assert_eq!(first.answer, again.answer);
    let field = |name: &str| {
        let mut fields = again.answer.headers.iter().filter(|(known, _)| known == name);
        fields.next().map(|(_, value)| value.clone())
    };
    assert_eq!(field("cache-control").as_deref(), Some("no-store"));
    let groups = Groups::of(["things/1"]).unwrap();
    assert_eq!(field("cache-group-invalidation"), Some(groups.render()));
    assert_eq!(done(&db).await, 1);
}

#[tokio::test]
async fn what_ends_no_copies_names_none() {
    let db = database().await;
    let once = once(&mut db.connect().await, None, None, LONGEST, work).await.unwrap();
    assert!(once.answer.headers.iter().all(|(name, _)| name != "cache-group-invalidation"), "{once:?}");
}

#[tokio::test]
async fn work_that_takes_too_long_is_given_up_and_can_be_repeated() {
    let db = database().await;
    let forever = async |conn: &mut Connection| {
        work(conn).await?;
        std::future::pending().await
    };
    let late = change(&db, Duration::from_millis(500), forever).await.unwrap_err();
    assert_eq!(late.code(), "unavailable");
    assert_eq!(done(&db).await, 0);
    assert!(!change(&db, LONGEST, work).await.unwrap().is_replay);
    assert_eq!(done(&db).await, 1);
}
