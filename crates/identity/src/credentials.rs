//! The token a request brings along. Everybody who looks for one reads it here, so that a gateway and the service behind it
//! never read one request differently.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use problem::Problem;

use crate::error::header_malformed;

/// The bearer token among these headers, if there is one; credentials of another scheme are none.
///
/// # Errors
/// A header nobody can read is refused with 401, and two `Authorization` headers are as well: which one counts would depend
/// on who reads them.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    only_bearer(headers.get_all(AUTHORIZATION).map(|line| line.as_bytes()))
}

/// [`bearer`] for the headers of the `http` crate.
///
/// # Errors
/// As [`bearer`].
pub fn bearer_in(headers: &http::HeaderMap) -> Result<Option<&str>, Problem> {
    only_bearer(headers.get_all(http::header::AUTHORIZATION).iter().map(|line| line.as_bytes()))
}

fn only_bearer<'v>(mut lines: impl Iterator<Item = &'v [u8]>) -> Result<Option<&'v str>, Problem> {
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() || !line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Err(header_malformed());
    }
    let value = std::str::from_utf8(line).map_err(|_| header_malformed())?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    match token.trim_matches(' ') {
        "" => Err(header_malformed()),
        token if token.contains([' ', ',']) => Err(header_malformed()),
        token => Ok(Some(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn both_kinds_of_headers_are_read_the_same() {
        type Case = (&'static [&'static [u8]], Result<Option<&'static str>, ()>);
        let cases: &[Case] = &[
            (&[], Ok(None)),
            (&[b"Basic bWFyYTpwdw=="], Ok(None)),
            (&[b""], Ok(None)),
            (&[b"bEARER a.b.c"], Ok(Some("a.b.c"))),
            (&[b"Bearer  a.b.c "], Ok(Some("a.b.c"))),
            (&[b"Bearer"], Err(())),
            (&[b"Bearer  "], Err(())),
            (&[b"Bearer a b"], Err(())),
            (&[b"Bearer a, Bearer b"], Err(())),
            (&[b"Bearer a", b"Bearer a"], Err(())),
            (&[b"Basic a", b"Bearer a"], Err(())),
            (&[b"Bearer \xc3\xa4"], Err(())),
            (&[b"Bearer \xff"], Err(())),
        ];
        for (lines, expected) in cases {
            let (mut actix, mut neutral) = (HeaderMap::new(), http::HeaderMap::new());
            for line in *lines {
                actix.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
                neutral.append("authorization", http::HeaderValue::from_bytes(line).unwrap());
            }
            assert_eq!(bearer(&actix).map_err(drop), *expected, "{lines:?}");
            assert_eq!(bearer_in(&neutral).map_err(drop), *expected, "{lines:?}");
        }
    }
}
