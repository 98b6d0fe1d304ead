//! Taking values out of SQL before it is logged.
//!
//! Statements are sent with their values beside them, so that texts hold none. What was written by hand, and the plans that
//! the database makes of it, may: numbers and quoted strings become `?`, comments go.

use std::iter::Peekable;
use std::str::Chars;

/// What stands for a value.
const VALUE: char = '?';

/// A statement without its numbers and quoted strings. Names, quoted or not, and parameters (`$1`) stay.
#[must_use]
pub fn statement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    // Whether a digit would go on with a name.
    let mut in_name = false;
    while let Some(letter) = rest.next() {
        let was_in_name = std::mem::replace(&mut in_name, letter.is_alphanumeric() || letter == '_');
        match letter {
            '\'' => {
                // E'…' knows backslashes; where others hold one, more is taken away than need be.
                skip_quoted(&mut rest, was_in_name && ends_with_escape(&out));
                out.push(VALUE);
            }
            '"' => {
                out.push('"');
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == '"' {
                        break;
                    }
                }
            }
            '$' if was_in_name => {
                out.push('$');
                in_name = true;
            }
            '$' => match dollar(&mut rest) {
                Dollar::Parameter(number) => out.extend(['$'].into_iter().chain(number.chars())),
                Dollar::Quoted => out.push(VALUE),
                Dollar::Sign(tag) => out.extend(['$'].into_iter().chain(tag.chars())),
            },
            '-' if rest.peek() == Some(&'-') => {
                let _comment = rest.by_ref().find(|inner| *inner == '\n');
                out.push(' ');
            }
            '/' if rest.peek() == Some(&'*') => {
                skip_comment(&mut rest);
                out.push(' ');
            }
            '0'..='9' if !was_in_name => {
                while rest
                    .peek()
                    .is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, '.' | '_'))
                {
                    rest.next();
                }
                out.push(VALUE);
                in_name = false;
            }
            _ => out.push(letter),
        }
    }
    out
}

/// A plan as `EXPLAIN` writes it. The planner's own estimates, in brackets at the end of a node's line, stay.
#[must_use]
pub fn plan(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rfind("  (cost=") {
        Some(at) if line.ends_with(')') => {
            let (node, estimate) = line.split_at(at);
            format!("{}{estimate}", statement(node))
        }
        _ => statement(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn ends_with_escape(out: &str) -> bool {
    out.ends_with(['e', 'E'])
}

/// To behind the closing quote; two in a row are one inside.
fn skip_quoted(rest: &mut Peekable<Chars<'_>>, knows_backslashes: bool) {
    while let Some(letter) = rest.next() {
        match letter {
            '\\' if knows_backslashes => drop(rest.next()),
            '\'' if rest.peek() == Some(&'\'') => drop(rest.next()),
            '\'' => return,
            _ => {}
        }
    }
}

/// To behind its end; comments may hold comments.
fn skip_comment(rest: &mut Peekable<Chars<'_>>) {
    rest.next();
    let mut depth = 1;
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('*', Some('/')) => depth -= 1,
            ('/', Some('*')) => depth += 1,
            _ => continue,
        }
        rest.next();
        if depth == 0 {
            return;
        }
    }
}

enum Dollar {
    /// `$1`: its number.
    Parameter(String),
    /// `$$…$$` or `$tag$…$tag$`, which has been skipped.
    Quoted,
    /// Neither.
    Sign(String),
}

fn dollar(rest: &mut Peekable<Chars<'_>>) -> Dollar {
    let mut tag = String::new();
    while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || *next == '_') {
        tag.push(next);
    }
    if !tag.is_empty() && tag.chars().all(|letter| letter.is_ascii_digit()) {
        return Dollar::Parameter(tag);
    }
    if rest.next_if_eq(&'$').is_none() {
        return Dollar::Sign(tag);
    }
    let end = format!("${tag}$");
    let mut seen = String::new();
    for letter in rest.by_ref() {
        seen.push(letter);
        if letter == '$' && seen.ends_with(&end) {
            break;
        }
    }
    Dollar::Quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_go_and_all_else_stays() {
        for (text, redacted) in [
            ("SELECT 1", "SELECT ?"),
            (
                "SELECT a1, b_2 FROM t3 WHERE x = $1 AND y > $22",
                "SELECT a1, b_2 FROM t3 WHERE x = $1 AND y > $22",
            ),
            ("WHERE weight >= -12.50 OR n = 1e-9", "WHERE weight >= -? OR n = ?-?"),
            ("name = 'Bessie'", "name = ?"),
            ("name = 'it''s 5'", "name = ?"),
            (r"name = E'a\'b 7' AND x", "name = E? AND x"),
            (r"path = 'C:\' AND x = 'y'", "path = ? AND x = ?"),
            (r#"SELECT "odd 12 ""name" FROM "t-1""#, r#"SELECT "odd 12 ""name" FROM "t-1""#),
            ("SELECT $$it's 12$$, $x$ $y$ 3 $x$ FROM t", "SELECT ?, ? FROM t"),
            ("SELECT a -- don't log 4\nFROM t", "SELECT a  FROM t"),
            ("SELECT a /* it's /* 4 */ 5 */ FROM t", "SELECT a   FROM t"),
            ("interval '3 days' * 0x1F", "interval ? * ?"),
            ("numeric(10,2)", "numeric(?,?)"),
            ("a$1", "a$1"),
            ("'never closed 5", "?"),
            ("ünique2 = 'ß'", "ünique2 = ?"),
        ] {
            assert_eq!(statement(text), redacted, "{text}");
        }
    }

    #[test]
    fn a_plan_keeps_the_planners_estimates_and_loses_the_values() {
        let text = "Limit  (cost=0.42..8.44 rows=1 width=64)\n  ->  Index Scan using animal_p2_idx on animal  (cost=0.42..8.44 rows=1 width=64)\n        Index Cond: ((ear_tag = 'DE 0815'::text) AND (kg > 12.5))\n        Filter: (note ~~ '%(cost=1)%'::text)";
        let redacted = "Limit  (cost=0.42..8.44 rows=1 width=64)\n  ->  Index Scan using animal_p2_idx on animal  (cost=0.42..8.44 rows=1 width=64)\n        Index Cond: ((ear_tag = ?::text) AND (kg > ?))\n        Filter: (note ~~ ?::text)";
        assert_eq!(plan(text), redacted);
    }

    proptest! {
        /// Whatever stands around a value, it does not come through.
        #[test]
        fn a_secret_in_quotes_never_comes_through(
            before in "(SELECT|x1|\\$1|,|\\(| |=|\"q 1\"|'it''s'|\\$\\$a\\$\\$|/\\* c \\*/){0,8}",
            after in "[ -~]{0,20}",
            inner in "[a-z;\"$/*-]{0,6}(''){0,2}",
        ) {
            let text = format!("{before} 'hunter{inner}' {after}");
            prop_assert!(!statement(&text).contains("hunter"), "{}", statement(&text));
        }

        #[test]
        fn no_number_outside_of_a_name_comes_through(number in 10u32..=u32::MAX, sign in "(=|<|\\(|,| )") {
            let text = format!("WHERE x {sign}{number} AND y{number} IS NULL AND z = ${number}");
            let expected = format!("WHERE x {sign}? AND y{number} IS NULL AND z = ${number}");
            prop_assert_eq!(statement(&text), expected);
        }

        #[test]
        fn any_text_can_be_read(text in "\\PC{0,60}") {
            let _ = (statement(&text), plan(&text));
        }
    }
}
