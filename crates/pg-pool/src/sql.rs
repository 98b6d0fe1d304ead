//! Reading just enough of a statement's text to name it.

use std::fmt::{self, Display, Write};

/// How much of a statement is kept; longer texts are cut.
pub(crate) const MAX_TEXT: usize = 8 * 1024;

/// What separates a statement from its values in diesel's own rendering of a query.
const BINDS: &str = " -- binds: ";

/// What a statement does and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// `SELECT`, `INSERT`, …, or `OTHER`.
    pub(crate) operation: &'static str,
    /// The first table named, if one is.
    pub(crate) table: Option<&'a str>,
    /// Whether it is work the caller asked for, as opposed to transaction and session control.
    pub(crate) is_work: bool,
}

/// Renders a query without its bind values.
///
/// Formatting stops where the values would begin, so that they are not even rendered.
pub(crate) fn text_of(query: &dyn Display) -> String {
    let mut sink = UpToBinds { text: String::new(), done: false };
    // An error here means "stopped on purpose" or a query that cannot be rendered; what came before is the answer to both.
    let _ = write!(sink, "{query}");
    sink.text
}

struct UpToBinds {
    text: String,
    done: bool,
}

impl Write for UpToBinds {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // diesel writes the separator as a part of its own: a literal inside the statement that happens to read the same
        // is longer than that.
        if self.done || part == BINDS {
            self.done = true;
            return Err(fmt::Error);
        }
        let room = MAX_TEXT.saturating_sub(self.text.len());
        let kept = part.floor_char_boundary(room);
        self.text.push_str(part.get(..kept).unwrap_or_default());
        Ok(())
    }
}

/// Names a statement by its leading keyword and the first table after `FROM`, `INTO`, `UPDATE` or `TABLE`.
pub(crate) fn describe(text: &str) -> Statement<'_> {
    let mut words =
        text.split_whitespace().map(|word| word.trim_start_matches('(')).filter(|word| !word.is_empty());
    let (operation, is_work) = operation(words.next().unwrap_or_default());
    let operation = if operation == "WITH" { main_operation(text) } else { operation };
    Statement { operation, table: if is_work { first_table(text) } else { None }, is_work }
}

fn operation(word: &str) -> (&'static str, bool) {
    const WORK: [&str; 16] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "COPY", "LOCK", "TRUNCATE", "CREATE",
        "ALTER", "DROP", "EXPLAIN", "NOTIFY", "LISTEN", "VALUES",
    ];
    const CONTROL: [&str; 9] =
        ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "START", "RESET", "DISCARD"];
    let word = word.trim_end_matches(';');
    if word.is_empty() {
        return ("PING", false);
    }
    let find = |list: &[&'static str]| list.iter().find(|known| known.eq_ignore_ascii_case(word)).copied();
    if let Some(known) = find(&WORK) {
        (known, true)
    } else if let Some(known) = find(&CONTROL) {
        (known, false)
    } else {
        ("OTHER", true)
    }
}

/// A `WITH` that writes is named after the write.
fn main_operation(text: &str) -> &'static str {
    text.split_whitespace()
        .map(|word| word.trim_start_matches('('))
        .find_map(|word| match operation(word).0 {
            write @ ("INSERT" | "UPDATE" | "DELETE" | "MERGE") => Some(write),
            _ => None,
        })
        .unwrap_or("SELECT")
}

fn first_table(text: &str) -> Option<&str> {
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let introduces = ["FROM", "INTO", "UPDATE", "TABLE"].iter().any(|key| key.eq_ignore_ascii_case(word));
        let Some(next) = words.peek().filter(|_| introduces) else { continue };
        let name = next.split(['(', ')', ';', ',']).next().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default().trim_matches('"');
        let is_call = next.contains('(');
        if !name.is_empty() && !is_call && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Text;

    use super::*;

    fn named(text: &str) -> (&'static str, Option<&str>, bool) {
        let statement = describe(text);
        (statement.operation, statement.table, statement.is_work)
    }

    #[test]
    fn a_statement_is_named_by_what_it_does_to_which_table() {
        assert_eq!(named(r#"SELECT "a"."b" FROM "a" WHERE x = $1"#), ("SELECT", Some("a"), true));
        assert_eq!(named(r#"INSERT INTO "thing" ("id") VALUES ($1)"#), ("INSERT", Some("thing"), true));
        assert_eq!(named("update public.thing set x = 1"), ("UPDATE", Some("thing"), true));
        assert_eq!(named("DELETE FROM thing;"), ("DELETE", Some("thing"), true));
        assert_eq!(named("SELECT 1"), ("SELECT", None, true));
        assert_eq!(
            named("SELECT * FROM (SELECT 1 FROM inner_table) t"),
            ("SELECT", Some("inner_table"), true)
        );
        assert_eq!(named("SELECT * FROM unnest($1) u"), ("SELECT", None, true));
        assert_eq!(named("WITH x AS (SELECT 1) INSERT INTO y SELECT * FROM x"), ("INSERT", Some("y"), true));
        assert_eq!(named("VACUUM"), ("OTHER", None, true));
    }

    #[test]
    fn transaction_and_session_control_is_not_work() {
        for text in [
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT diesel_savepoint_1",
            "RELEASE SAVEPOINT x",
            "SET TIME ZONE 'UTC'",
        ] {
            assert!(!describe(text).is_work, "{text}");
        }
    }

    #[test]
    fn bind_values_are_never_rendered() {
        let query = diesel::sql_query("SELECT $1 AS \" -- binds: \"").bind::<Text, _>("hunter2");
        let text = text_of(&diesel::debug_query::<diesel::pg::Pg, _>(&query));
        assert_eq!(text, "SELECT $1 AS \" -- binds: \"");
    }

    #[test]
    fn a_long_statement_is_cut_at_a_character() {
        let long = "ä".repeat(MAX_TEXT);
        assert!(text_of(&long).len() <= MAX_TEXT);
    }
}
