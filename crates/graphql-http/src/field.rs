//! Lists with parameters, as `Accept` and `Content-Type` have them (RFC 9110 §5.6).

use std::borrow::Cow;

/// The parts between separators that do not stand in a quoted string, without the space around them.
pub(crate) fn members(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let mut escaped = false;
        let end = text.iter().position(|&byte| {
            if escaped {
                escaped = false;
            } else if quoted && byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                quoted = !quoted;
            }
            !quoted && byte == separator
        });
        let (part, after) = match end {
            Some(end) => {
                let (part, after) = text.split_at_checked(end)?;
                (part, after.get(1..))
            }
            None => (text, None),
        };
        rest = after;
        Some(part.trim_ascii())
    })
}

/// A name with parameters.
pub(crate) struct Member<'a> {
    /// The name, as it was sent.
    pub(crate) name: &'a str,
    parameters: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Member<'a> {
    /// Reads one; nothing where it breaks the grammar.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        let mut parts = members(text, b';').map(|part| std::str::from_utf8(part).ok());
        let name = parts.next()??;
        if name.is_empty() || !name.bytes().all(|byte| is_token(byte) || byte == b'/') {
            return None;
        }
        let parameters = parts
            .filter(|part| *part != Some(""))
            .map(|part| {
                let (name, value) = part?.split_once('=')?;
                let is_name = !name.is_empty() && name.bytes().all(is_token);
                is_name.then_some(())?;
                Some((name, value_of(value)?))
            })
            .collect::<Option<_>>()?;
        Some(Self { name, parameters })
    }

    /// Whether it has this name, in any case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of the parameter of that name, unquoted.
    pub(crate) fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        self.parameters
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }
}

/// A token, or a quoted string without its quotes.
fn value_of(text: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = text.strip_prefix('"') else {
        return (!text.is_empty() && text.bytes().all(is_token)).then_some(Cow::Borrowed(text));
    };
    let inner = quoted.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?),
            '"' => return None,
            _ => value.push(character),
        }
    }
    Some(Cow::Owned(value))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
