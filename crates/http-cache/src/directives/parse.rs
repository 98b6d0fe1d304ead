//! The grammar of `Cache-Control`: `#( token [ "=" ( token / quoted-string ) ] )` (RFC 9111 §5.2), without allocation.

use http::HeaderName;

use crate::directives::MAX_SECONDS;

/// One directive of a field value.
#[derive(Debug)]
pub(crate) struct Directive<'a> {
    name: &'a [u8],
    pub(crate) argument: Argument<'a>,
}

impl Directive<'_> {
    /// Names are compared without regard to case (§5.2).
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// What stands after `=`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    None,
    Token(&'a [u8]),
    /// What stands between the quotes, escapes not resolved: no argument that means anything to us needs one.
    Quoted(&'a [u8]),
    Invalid,
}

impl Argument<'_> {
    /// `delta-seconds`, in the token form or the quoted one; `None` when it is not a number.
    pub(crate) fn seconds(&self) -> Option<u32> {
        match self {
            Self::Token(digits) | Self::Quoted(digits) => delta_seconds(digits),
            Self::None | Self::Invalid => None,
        }
    }
}

/// `1*DIGIT`; what is too great counts as [`MAX_SECONDS`] (§1.2.2).
pub(crate) fn delta_seconds(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    let mut seconds = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        seconds = (seconds * 10 + u64::from(digit - b'0')).min(u64::from(MAX_SECONDS));
    }
    u32::try_from(seconds).ok()
}

/// The directives of one field line. Empty elements are skipped, malformed ones too, up to the next comma.
pub(crate) fn directives(line: &[u8]) -> impl Iterator<Item = Directive<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            rest = skip(rest, |byte| byte == b',' || is_blank(byte));
            if rest.is_empty() {
                return None;
            }
            let (name, after) = split(rest, is_token_byte);
            let (argument, after) = take_argument(after);
            rest = after_comma(after);
            if !name.is_empty() {
                return Some(Directive { name, argument });
            }
        }
    })
}

/// Takes `= value` if it is there. White space around `=` is not in the grammar, so the argument is not either.
fn take_argument(after_name: &[u8]) -> (Argument<'_>, &[u8]) {
    let at_sign = skip(after_name, is_blank);
    let Some(after_sign) = at_sign.strip_prefix(b"=") else {
        let clean = at_sign.is_empty() || at_sign.starts_with(b",");
        return (if clean { Argument::None } else { Argument::Invalid }, at_sign);
    };
    let at_value = skip(after_sign, is_blank);
    let spaced = at_sign.len() != after_name.len() || at_value.len() != after_sign.len();
    let (argument, rest) = match at_value.strip_prefix(b"\"") {
        Some(quoted) => take_quoted(quoted),
        None => {
            let (token, rest) = split(at_value, is_token_byte);
            (if token.is_empty() { Argument::Invalid } else { Argument::Token(token) }, rest)
        }
    };
    let trailing = skip(rest, is_blank);
    let clean = !spaced && (trailing.is_empty() || trailing.starts_with(b","));
    (if clean { argument } else { Argument::Invalid }, rest)
}

/// Takes a quoted string whose opening quote is gone; one that does not end swallows the rest.
fn take_quoted(quoted: &[u8]) -> (Argument<'_>, &[u8]) {
    let mut escaped = false;
    for (at, &byte) in quoted.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            let (value, rest) = quoted.split_at(at);
            return (Argument::Quoted(value), rest.get(1..).unwrap_or_default());
        }
    }
    (Argument::Invalid, &[])
}

/// What follows the next comma that no quotes enclose.
fn after_comma(rest: &[u8]) -> &[u8] {
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return rest.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    &[]
}

/// `#field-name`; `None` when one of them is not a name.
pub(crate) fn field_names(list: &[u8]) -> Option<Vec<HeaderName>> {
    elements(list).map(|name| HeaderName::from_bytes(name).ok()).collect()
}

/// The elements of a list without quotes: trimmed, empty ones left out.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `tchar` of RFC 9110 §5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn skip(bytes: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    split(bytes, what).1
}

fn split(bytes: &[u8], prefix: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| !prefix(byte)).unwrap_or(bytes.len());
    bytes.split_at(end)
}
