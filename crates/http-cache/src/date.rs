//! HTTP dates as a cache reads them (RFC 9111 §4.2).

use std::time::SystemTime;

use http::{HeaderMap, HeaderName};

/// Parses an HTTP-date in any of its three forms, whatever its case (§4.2: a cache matches dates without regard to it).
/// A zone other than GMT is no date.
pub(crate) fn parse(value: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date);
    }
    let mut canonical = String::with_capacity(text.len());
    for word in text.split_inclusive(|character: char| !character.is_ascii_alphabetic()) {
        if word.eq_ignore_ascii_case("gmt") {
            canonical.push_str("GMT");
            continue;
        }
        let mut characters = word.chars();
        canonical.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        canonical.extend(characters.map(|other| other.to_ascii_lowercase()));
    }
    httpdate::parse_http_date(&canonical).ok()
}

/// The date in the field `name`: `None` when it is absent, malformed, or given more than once with different values.
pub(crate) fn field(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    parse(first.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9111 §4.2.
    #[test]
    fn dates_are_read_whatever_their_case() {
        let date = parse(b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(date.is_some());
        for same in [
            "sun, 06 nov 1994 08:49:37 gmt",
            "SUN, 06 NOV 1994 08:49:37 GMT",
            "sunday, 06-nov-94 08:49:37 gmt",
            "sun nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(same.as_bytes()), date, "{same}");
        }
    }

    /// RFC 9111 §4.2.
    #[test]
    fn a_date_with_another_zone_is_no_date() {
        for bad in [
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "0",
            "-1",
            "",
            "Sun, 06 Nov 1994",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
