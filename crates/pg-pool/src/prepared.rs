//! Statements of fixed text that are planned once for each connection.
//!
//! Diesel cannot know that a text is always the same, and so has `diesel::sql_query` and every insertion parsed, planned and
//! forgotten each time: a second round trip, and often more work than running them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement that its connection remembers under its text.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<Q>(Q);

/// Has a statement remembered.
pub trait Prepare: Sized {
    /// The statement, to be remembered by each connection that runs it, for as long as it lives. Only for one whose text is one of
    /// a few: texts that hold names, or as many placeholders as there are values, would fill the connection's memory.
    ///
    /// After five runs Postgres may keep one plan for all values, and for the table as large as it was then. Where the best plan
    /// depends on either (a bound `LIMIT`, a queue that is empty at first), leave the statement as it is.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: QueryFragment<Pg>> Prepare for Q {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    // The text decides, so it is the key under which diesel finds the statement again.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for Prepared<Q> {}
