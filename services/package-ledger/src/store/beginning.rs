//! What begins with some characters, found by an index of patterns (`text_pattern_ops`).

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::Text;

/// Characters that texts begin with, and the end of the texts that do, as such an index orders them: by their bytes. `LIKE` would need the
/// value when the statement is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    from: String,
    to: String,
}

impl Beginning {
    /// Of these characters.
    pub(super) fn of(characters: &str) -> Self {
        Self { from: characters.to_owned(), to: format!("{characters}{}", char::MAX) }
    }

    /// Writes the condition that a column begins so.
    ///
    /// # Errors
    /// Those of diesel.
    pub(super) fn of_column<'b>(&'b self, column: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(column);
        out.push_sql(" ~>=~ ");
        out.push_bind_param::<Text, _>(&self.from)?;
        out.push_sql(" AND ");
        out.push_sql(column);
        out.push_sql(" ~<~ ");
        out.push_bind_param::<Text, _>(&self.to)
    }
}
