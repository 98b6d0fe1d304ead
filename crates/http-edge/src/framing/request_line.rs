//! The request line: method, target and version with one space between them (RFC 9112 §3).

use std::ops::Range;

use super::Refusal;
use super::authority::check_authority;
use super::bytes::{fault_of, is_field_byte, is_path, is_query, is_token};

/// The longest method that is taken for one. The longest registered is `UPDATEREDIRECTREF`.
const METHOD_BYTES: usize = 32;
/// Bytes of `HTTP/1.1`.
const VERSION_BYTES: usize = 8;

/// What the first bytes of a request line show, before its end has been read.
#[derive(Debug)]
pub(super) enum Method {
    /// Not yet the whole method.
    More,
    /// An empty line.
    EmptyLine,
    /// So many bytes of method, then a space.
    Bytes(usize),
}

/// Reads the method. It is judged before its line has ended, so that what is no HTTP at all is refused at once.
pub(super) fn method(line: &[u8]) -> Result<Method, Refusal> {
    let Some(end) = line.iter().take(METHOD_BYTES + 1).position(|&byte| !is_token(byte)) else {
        return if line.len() > METHOD_BYTES { Err(Refusal::MethodTooLong) } else { Ok(Method::More) };
    };
    match (line.get(end), line.get(end + 1)) {
        (Some(b' '), _) if end > 0 => Ok(Method::Bytes(end)),
        (Some(b'\r'), None) => Ok(Method::More),
        (Some(b'\r'), Some(b'\n')) if end == 0 => Ok(Method::EmptyLine),
        (Some(b'\r'), Some(b'\n')) | (Some(b' ' | b'\t'), _) => Err(Refusal::RequestLineMalformed),
        (Some(&byte), _) => Err(fault_of(byte, Refusal::MethodMalformed)),
        (None, _) => Ok(Method::More),
    }
}

/// The most bytes that a request line may have without its CRLF.
pub(super) fn bound(method: usize, target_bytes: usize) -> usize {
    method.saturating_add(target_bytes).saturating_add(VERSION_BYTES + 2)
}

/// What a request line says of the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    pub(super) http10: bool,
    /// Where in the line the authority of an absolute-form target stands.
    pub(super) authority: Option<Range<usize>>,
}

/// Judges the rest of a request line, given without its CRLF, whose method has so many bytes.
pub(super) fn parse(line: &[u8], method_bytes: usize, target_bytes: usize) -> Result<RequestLine, Refusal> {
    let start = method_bytes + 1;
    let rest = line.get(start..).unwrap_or_default();
    let end = target_end(rest)?;
    let target = rest.get(..end).unwrap_or_default();
    let version = rest.get(end + 1..).unwrap_or_default();
    if target.len() > target_bytes {
        return Err(Refusal::TargetTooLong);
    }
    let http10 = is_http10(version)?;
    let authority = match (line.get(..method_bytes), target) {
        (Some(b"CONNECT"), _) => return Err(Refusal::ConnectRefused),
        (_, [b'/', ..]) | (Some(b"OPTIONS"), b"*") => None,
        (_, b"*") => return Err(Refusal::AsteriskForm),
        _ => Some(absolute_form(target)?),
    };
    Ok(RequestLine { http10, authority: authority.map(|range| range.start + start..range.end + start) })
}

/// How many bytes the target has that `rest` begins with: up to a space, all of them allowed in one.
fn target_end(rest: &[u8]) -> Result<usize, Refusal> {
    let path = rest.iter().position(|&byte| !is_path(byte)).unwrap_or(rest.len());
    let end = if rest.get(path) == Some(&b'?') {
        rest.iter().skip(path).position(|&byte| !is_query(byte)).map_or(rest.len(), |query| path + query)
    } else {
        path
    };
    match rest.get(end) {
        Some(b' ') if end > 0 => Ok(end),
        // Two spaces, a tab for a space, or the line of HTTP/0.9, which has no version.
        Some(b' ' | b'\t') | None => Err(Refusal::RequestLineMalformed),
        Some(&byte) => Err(fault_of(byte, Refusal::TargetMalformed)),
    }
}

fn is_http10(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Refusal::VersionUnsupported)
        }
        _ => {
            let fault = version.iter().find(|&&byte| !is_field_byte(byte));
            Err(fault.map_or(Refusal::VersionMalformed, |&byte| fault_of(byte, Refusal::VersionMalformed)))
        }
    }
}

/// Where the authority stands in an absolute-form target (RFC 9112 §3.2.2).
fn absolute_form(target: &[u8]) -> Result<Range<usize>, Refusal> {
    let colon = memchr::memchr(b':', target).ok_or(Refusal::TargetMalformed)?;
    let (scheme, after) = target.split_at_checked(colon).ok_or(Refusal::TargetMalformed)?;
    let rest = after.strip_prefix(b"://").ok_or(Refusal::TargetMalformed)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(if is_scheme(scheme) { Refusal::AbsoluteFormScheme } else { Refusal::TargetMalformed });
    }
    let bytes = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let start = colon + b"://".len();
    match rest.get(..bytes) {
        Some(authority) if check_authority(authority) => Ok(start..start + bytes),
        _ => Err(Refusal::TargetMalformed),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}
