//! One field line, and what the fields that decide framing say (RFC 9112 §5, §6).

use std::ops::Range;

use super::Refusal;
use super::bytes::{are_field_bytes, fault_of, is_field_byte, is_token};

/// A field line taken apart. The value has no whitespace around it.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Where in the line the value stands.
    pub(super) value_at: Range<usize>,
}

/// Takes a field line, given without its CRLF, apart. `first` is the line after the request line.
pub(super) fn parse(line: &[u8], first: bool) -> Result<Field<'_>, Refusal> {
    let end = line.iter().position(|&byte| !is_token(byte)).unwrap_or(line.len());
    let (Some(name), Some((b':', raw))) = (line.get(..end), line.get(end..).and_then(<[u8]>::split_first))
    else {
        return Err(name_fault(line, end, first));
    };
    if name.is_empty() {
        return Err(Refusal::FieldNameMalformed);
    }
    if !are_field_bytes(raw) {
        let fault = raw.iter().find(|&&byte| !is_field_byte(byte)).copied().unwrap_or_default();
        return Err(fault_of(fault, Refusal::ControlCharacter));
    }
    // No other whitespace than SP and HTAB is left, so that this trims OWS and nothing else.
    let raw = raw.trim_ascii_start();
    let start = line.len() - raw.len();
    let value = raw.trim_ascii_end();
    Ok(Field { name, value, value_at: start..start + value.len() })
}

/// Which rule a line breaks whose first `end` bytes are a token that no colon follows.
fn name_fault(line: &[u8], end: usize, first: bool) -> Refusal {
    let rest = line.get(end..).unwrap_or_default();
    match rest.first() {
        Some(b' ' | b'\t') if end == 0 && first => Refusal::WhitespaceBeforeFields,
        Some(b' ' | b'\t') if end == 0 => Refusal::ObsoleteFold,
        Some(b' ' | b'\t') => match rest.iter().find(|&&byte| byte != b' ' && byte != b'\t') {
            Some(b':') => Refusal::WhitespaceBeforeColon,
            Some(&byte) => fault_of(byte, Refusal::FieldNameMalformed),
            None => Refusal::FieldNameMalformed,
        },
        Some(&byte) => fault_of(byte, Refusal::FieldNameMalformed),
        None => Refusal::FieldNameMalformed,
    }
}

/// The value of a `Content-Length`: one decimal number, without a leading zero that some would read as octal, at most
/// 2⁶³ − 1.
pub(super) fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || (value.len() > 1 && value.first() == Some(&b'0')) {
        return Err(Refusal::ContentLengthMalformed);
    }
    value
        .iter()
        .try_fold(0_u64, |length, &byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            length.checked_mul(10)?.checked_add(digit)
        })
        .filter(|&length| i64::try_from(length).is_ok())
        .ok_or(Refusal::ContentLengthMalformed)
}

/// Passes over `chunked` and nothing else (RFC 9112 §6.1): where another coding stands before a final `chunked` the
/// end of the body is known but its bytes are not; where `chunked` is not final, not even the end is.
pub(super) fn transfer_encoding(value: &[u8]) -> Result<(), Refusal> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.rsplit(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let chunked_is_final = codings.next().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
    let others_are_tokens = codings.all(|coding| {
        !coding.is_empty()
            && !coding.eq_ignore_ascii_case(b"chunked")
            && coding.iter().all(|&byte| is_token(byte))
    });
    Err(if chunked_is_final && others_are_tokens {
        Refusal::TransferEncodingUnsupported
    } else {
        Refusal::TransferEncodingMalformed
    })
}

/// Whether a name would be taken for `framing` by a recipient that reads `_` as `-`, as those do that pass fields on
/// as environment variables. The lengths are equal.
pub(super) fn is_lookalike(name: &[u8], framing: &[u8]) -> bool {
    name.iter()
        .zip(framing)
        .all(|(&given, &wanted)| given.eq_ignore_ascii_case(&wanted) || (given == b'_' && wanted == b'-'))
}
