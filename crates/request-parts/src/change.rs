//! What every change does inside of its transaction besides its work.

use std::time::Duration;

use freshness::Groups;
use idempotency::{Keyed, Once, StoredAnswer};
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::ServiceError;

/// Does the work of a change and keeps its answer under the key, or finds the answer of an earlier run with the same key (X-D2); to
/// be called first thing in a transaction. The answer says which groups of copies the change ended (RFC 9875), and is kept by nobody.
///
/// # Errors
/// Those of the work and of the key; `unavailable` for work that takes longer than `longest`. The transaction has to be rolled back.
pub async fn once(
    conn: &mut Connection,
    keyed: Option<&Keyed>,
    groups: Option<&Groups>,
    longest: Duration,
    work: impl AsyncFnOnce(&mut Connection) -> Result<StoredAnswer, ServiceError>,
) -> Result<Once, ServiceError> {
    let named = async |conn: &mut Connection| Ok(named(work(conn).await?, groups));
    tokio::time::timeout(longest, idempotency::once(conn, keyed, named)).await.unwrap_or_else(|_| {
        let cause = "the transaction took too long";
        Err(Problem::new(&registry::UNAVAILABLE).cause(cause).into())
    })
}

fn named(mut answer: StoredAnswer, groups: Option<&Groups>) -> StoredAnswer {
    answer.headers.push(("cache-control".to_owned(), "no-store".to_owned()));
    answer.headers.extend(groups.map(|groups| ("cache-group-invalidation".to_owned(), groups.render())));
    answer
}
