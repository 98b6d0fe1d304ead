//! The `Idempotency-Key` field.

use actix_web::http::header::HeaderMap;
use problem::{Problem, registry};

const NAME: &str = "Idempotency-Key";

/// Longest key taken, in characters.
const MAX_CHARS: usize = 255;

/// A key a client chose for one operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the field: a structured-field string (`"8e03978e-40d5"`), as the draft has it, or the bare token
    /// (`8e03978e-40d5`) that many clients send. Both forms of the same text are the same key. Parameters are not taken.
    ///
    /// # Errors
    /// `malformed_request` when it is neither, is empty, has more than 255 characters or comes more than once.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut lines = headers.get_all(NAME);
        let Some(value) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(malformed("repeated", "must be sent once"));
        }
        let text = value.to_str().map_err(|_| malformed("invalid", "must be ASCII"))?;
        let key = parse(text).ok_or_else(|| malformed("invalid", "must be a quoted string or a token"))?;
        match key.len() {
            0 => Err(malformed("too_short", "must not be empty")),
            1..=MAX_CHARS => Ok(Some(Self(key))),
            _ => Err(malformed("too_long", "must have at most 255 characters")),
        }
    }

    /// The same, for an operation that needs a key.
    ///
    /// # Errors
    /// `idempotency_key_missing` when there is none, besides those of [`from_headers`](Self::from_headers).
    pub fn required(headers: &HeaderMap) -> Result<Self, Problem> {
        let missing = || {
            Problem::new(&registry::IDEMPOTENCY_KEY_MISSING).field(
                NAME,
                "required",
                "is needed for this operation",
            )
        };
        Self::from_headers(headers)?.ok_or_else(missing)
    }

    /// The key itself, unquoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn malformed(code: &'static str, message: &'static str) -> Problem {
    Problem::new(&registry::MALFORMED_REQUEST).field(NAME, code, message)
}

fn parse(text: &str) -> Option<String> {
    // White space around a field value is not part of it; an HTTP parser may have left it.
    let text = text.trim_matches([' ', '\t']);
    match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted),
        None => text.bytes().all(is_token_byte).then(|| text.to_owned()),
    }
}

/// The rest of an `sf-string` (RFC 9651 §3.3.3) after its opening quote.
fn unquote(quoted: &str) -> Option<String> {
    let mut key = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(key),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c @ ' '..='~' => key.push(c),
            _ => return None,
        }
    }
}

/// What an `sf-token` may contain; the restriction on its first character is not kept, since UUIDs start with digits.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Result<Option<IdempotencyKey>, &'static str> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static("idempotency-key");
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        IdempotencyKey::from_headers(&headers).map_err(|problem| problem.kind().code)
    }

    fn key(text: &str) -> Result<Option<IdempotencyKey>, &'static str> {
        Ok(Some(IdempotencyKey(text.to_owned())))
    }

    #[test]
    fn a_string_and_a_bare_token_are_both_keys() {
        assert_eq!(read(&["\"8e03978e-40d5\""]), key("8e03978e-40d5"));
        assert_eq!(read(&["8e03978e-40d5"]), key("8e03978e-40d5"));
        assert_eq!(read(&["\"a \\\"b\\\" \\\\ c, d\""]), key("a \"b\" \\ c, d"));
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = "x".repeat(256);
        let bad = [
            "",
            "\"\"",
            "\"a",
            "a\"",
            "a b",
            "a,b",
            "\"a\";p=1",
            "\"\\n\"",
            "\"a\\",
            "\"\u{e9}\"",
            "\u{e9}",
            "(a)",
            &long,
        ];
        for bad in bad {
            assert_eq!(read(&[bad]), Err("malformed_request"), "{bad:?}");
        }
        assert_eq!(read(&["a", "a"]), Err("malformed_request"));
        assert!(read(&[&"x".repeat(255)]).is_ok());
    }

    #[test]
    fn an_operation_that_needs_a_key_says_so() {
        let problem = IdempotencyKey::required(&HeaderMap::new()).unwrap_err();
        assert_eq!(problem.kind().code, "idempotency_key_missing");
    }

    proptest! {
        #[test]
        fn every_printable_text_survives_quoting(text in "[ -~]{1,100}") {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(read(&[&quoted]), key(&text));
        }

        #[test]
        fn arbitrary_values_never_panic(text in "[ -~\u{80}-\u{ff}]{0,40}") {
            let _ = read(&[&text]);
        }
    }
}
