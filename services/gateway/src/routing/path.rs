//! The one place where a request path is brought into its normal form.
//!
//! What the router matches is what the upstream gets: escapes of unreserved characters are undone (RFC 3986 §6.2.2),
//! and a path that two programs could read differently is refused rather than repaired.

use std::borrow::Cow;

use thiserror::Error;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathFault {
    /// Not an absolute path.
    #[error("the request target is not a path")]
    NotAPath,
    /// A `%` without two hexadecimal digits.
    #[error("the path has a malformed percent escape")]
    MalformedEscape,
    /// `.` or `..`, plain or escaped, with or without a `;parameter`.
    #[error("the path has a dot segment")]
    DotSegment,
    /// An empty segment that is not the last.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// An escaped `/`, or a `\` in any form.
    #[error("the path has an encoded slash or a backslash")]
    Separator,
    /// NUL or another control character.
    #[error("the path has a control character")]
    Control,
    /// An escape of an escape that would change the path if it were undone twice.
    #[error("the path is encoded twice")]
    EncodedTwice,
}

/// Brings `raw` (an absolute path without query) into its normal form.
///
/// # Errors
/// [`PathFault`] for every path that could mean something else to the next reader.
pub fn normalise(raw: &str) -> Result<Cow<'_, str>, PathFault> {
    if !raw.starts_with('/') {
        return Err(PathFault::NotAPath);
    }
    let path = if raw.bytes().all(is_plain) { Cow::Borrowed(raw) } else { Cow::Owned(rewrite(raw)?) };
    check_segments(&path)?;
    Ok(path)
}

/// Bytes that stand for themselves in a path (RFC 3986 `pchar` and `/`), escapes excepted.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'/' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn rewrite(raw: &str) -> Result<String, PathFault> {
    let bytes = raw.as_bytes();
    let mut out = String::with_capacity(raw.len() + 16);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let decoded = escape_at(bytes, at).ok_or(PathFault::MalformedEscape)?;
            push_escaped(&mut out, decoded, bytes, at)?;
            at += 3;
        } else {
            match byte {
                b'\\' => return Err(PathFault::Separator),
                0..=0x1f | 0x7f => return Err(PathFault::Control),
                _ if is_plain(byte) => out.push(char::from(byte)),
                _ => push_hex(&mut out, byte),
            }
            at += 1;
        }
    }
    Ok(out)
}

fn push_escaped(out: &mut String, decoded: u8, bytes: &[u8], at: usize) -> Result<(), PathFault> {
    match decoded {
        b'/' | b'\\' => return Err(PathFault::Separator),
        0..=0x1f | 0x7f => return Err(PathFault::Control),
        b'%' => {
            // `%25` and two digits is an escape again for whoever decodes once more.
            if hex_pair(bytes, at + 3).is_some_and(|again| {
                is_unreserved(again) || matches!(again, b'/' | b'\\' | b'%' | 0..=0x1f | 0x7f)
            }) {
                return Err(PathFault::EncodedTwice);
            }
            push_hex(out, decoded);
        }
        _ if is_unreserved(decoded) => out.push(char::from(decoded)),
        _ => push_hex(out, decoded),
    }
    Ok(())
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    hex_pair(bytes, at + 1)
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let high = char::from(*bytes.get(at)?).to_digit(16)?;
    let low = char::from(*bytes.get(at + 1)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.extend(DIGITS.get(usize::from(nibble)));
    }
}

fn check_segments(path: &str) -> Result<(), PathFault> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(PathFault::EmptySegment);
        }
        // `..;x` is a dot segment to servers that cut path parameters off.
        let bare = segment.split(';').next().unwrap_or_default();
        if bare == "." || bare == ".." {
            return Err(PathFault::DotSegment);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_not_copied() {
        assert!(matches!(normalise("/v1/animals/42:undelete"), Ok(Cow::Borrowed(_))));
        assert_eq!(normalise("/").unwrap(), "/");
        assert_eq!(normalise("/v1/animals/").unwrap(), "/v1/animals/");
    }

    #[test]
    fn escapes_of_unreserved_characters_are_undone_and_others_get_capitals() {
        assert_eq!(normalise("/v1/%61nimal%73").unwrap(), "/v1/animals");
        assert_eq!(normalise("/a%c3%a4/%20").unwrap(), "/a%C3%A4/%20");
        assert_eq!(normalise("/a\"b").unwrap(), "/a%22b");
        assert_eq!(normalise("/100%25 sure".replace(' ', "%20").as_str()).unwrap(), "/100%25%20sure");
    }

    #[test]
    fn what_two_programs_could_read_differently_is_refused() {
        let refused = [
            ("v1", PathFault::NotAPath),
            ("*", PathFault::NotAPath),
            ("/a/../b", PathFault::DotSegment),
            ("/a/%2e%2E/b", PathFault::DotSegment),
            ("/a/.%2e", PathFault::DotSegment),
            ("/a/..;x=1/b", PathFault::DotSegment),
            ("/./a", PathFault::DotSegment),
            ("/a//b", PathFault::EmptySegment),
            ("//a", PathFault::EmptySegment),
            ("/a%2fb", PathFault::Separator),
            ("/a%5Cb", PathFault::Separator),
            ("/a\\b", PathFault::Separator),
            ("/a%00", PathFault::Control),
            ("/a%0d%0ab", PathFault::Control),
            ("/a%7f", PathFault::Control),
            ("/a%", PathFault::MalformedEscape),
            ("/a%2", PathFault::MalformedEscape),
            ("/a%zz", PathFault::MalformedEscape),
            ("/a%252e%252e/b", PathFault::EncodedTwice),
            ("/a%252fb", PathFault::EncodedTwice),
            ("/a%25252fb", PathFault::EncodedTwice),
            ("/v1/%2561nimals", PathFault::EncodedTwice),
        ];
        for (path, fault) in refused {
            assert_eq!(normalise(path).map(Cow::into_owned), Err(fault), "{path}");
        }
    }
}
