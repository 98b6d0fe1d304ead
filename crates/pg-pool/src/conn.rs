//! What a pool lends.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, AsyncConnection, AsyncPgConnection, TransactionManager};
use tokio_postgres::NoTls;

use crate::statements::Statements;

/// How long telling the server to stop an abandoned statement may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// Which server a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The one that writes.
    Primary,
    /// A read replica, by its place in `replica_urls`.
    Replica(usize),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => f.write_str("primary"),
            Self::Replica(index) => write!(f, "replica {index}"),
        }
    }
}

/// A connection on loan from the pool.
///
/// It goes back when dropped, unless a transaction is still open on it or a statement still unanswered (the caller's
/// future was dropped midway): then it is closed, which rolls back, and the server is told to stop the statement.
pub struct Conn {
    /// Empty only while being dropped.
    object: Option<Object<AsyncPgConnection>>,
    source: Source,
}

impl Conn {
    pub(crate) fn new(object: Object<AsyncPgConnection>, source: Source) -> Self {
        Self { object: Some(object), source }
    }

    /// Where it leads to.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Deref for Conn {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        match &self.object {
            Some(object) => object,
            None => unreachable!("a connection is given up only when it is dropped"),
        }
    }
}

impl DerefMut for Conn {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match &mut self.object {
            Some(object) => object,
            None => unreachable!("a connection is given up only when it is dropped"),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        let abandoned =
            object.instrumentation().downcast_mut::<Statements>().is_some_and(Statements::abandon);
        if !abandoned && !AnsiTransactionManager::is_broken_transaction_manager(&mut *object) {
            return;
        }
        let conn = Object::take(object);
        if abandoned {
            cancel(&conn);
        }
        tracing::debug!(abandoned, "a connection was closed in the middle of its work");
    }
}

/// Asks the server to stop what this connection is doing. Nobody waits for the outcome: the statement's own time limit
/// ends it in any case.
fn cancel(conn: &AsyncPgConnection) {
    let token = conn.cancel_token();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(
            runtime
                .spawn(tokio::time::timeout(CANCEL_TIMEOUT, async move { token.cancel_query(NoTls).await })),
        );
    }
}
