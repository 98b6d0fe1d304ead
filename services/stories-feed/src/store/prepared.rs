//! Statements of fixed text that are planned once for each connection. What `diesel::sql_query` makes is planned anew each time,
//! which for the statements of a feed costs more than running them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

/// What stands for `$1`, `$2` and so on.
pub(crate) trait Values {
    /// Pushes the value of this number, from 1.
    ///
    /// # Errors
    /// [`no_such_value`] for a number that there is no value for; those of diesel.
    fn push<'b>(&'b self, number: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// A statement with its values. A value that is named twice is sent twice: diesel numbers what it sends itself.
#[derive(Debug)]
pub(crate) struct Prepared<V> {
    text: &'static str,
    values: V,
}

impl<V: Values> Prepared<V> {
    /// This text, with `$1` to `$9` in it, and nowhere else a `$`.
    pub(crate) fn new(text: &'static str, values: V) -> Self {
        Self { text, values }
    }
}

impl<V: Values> QueryFragment<Pg> for Prepared<V> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut parts = self.text.split('$');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let (number, rest) = part.split_at_checked(1).unwrap_or_default();
            self.values.push(number, &mut out)?;
            out.push_sql(rest);
        }
        Ok(())
    }
}

impl<V> QueryId for Prepared<V> {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<V> Query for Prepared<V> {
    type SqlType = Untyped;
}

impl<V, Conn> RunQueryDsl<Conn> for Prepared<V> {}

/// A statement names a value that it does not have, which no test would pass.
pub(crate) fn no_such_value(number: &str) -> QueryResult<()> {
    Err(diesel::result::Error::QueryBuilderError(format!("there is no value ${number}").into()))
}
