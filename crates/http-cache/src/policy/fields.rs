//! Which fields of an answer are stored (RFC 9111 §3.1).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::directives::parse::elements;

/// Fields between neighbours (RFC 9110 §7.6.1), of a client's proxy (§3.1), and `Set-Cookie`, which is one client's.
const NEVER_STORED: [HeaderName; 11] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
];

/// Whether the field `name` of an answer with these `headers` is stored; `omit` are the names of [`Terms::omit`].
///
/// [`Terms::omit`]: crate::policy::Terms::omit
#[must_use]
pub fn is_stored(name: &HeaderName, headers: &HeaderMap, omit: &[HeaderName]) -> bool {
    let per_connection = || {
        let named = headers.get_all(header::CONNECTION).iter().flat_map(|line| elements(line.as_bytes()));
        named.into_iter().any(|option| option.eq_ignore_ascii_case(name.as_str().as_bytes()))
    };
    !NEVER_STORED.contains(name) && !omit.contains(name) && !per_connection()
}

/// The fields of an answer that are stored: all but those that concern one connection, one proxy or one client.
pub fn stored_fields<'a>(
    headers: &'a HeaderMap,
    omit: &'a [HeaderName],
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    headers.iter().filter(move |(name, _)| is_stored(name, headers, omit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[(&'static str, &'static str)], omit: &[HeaderName]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        stored_fields(&headers, omit)
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect()
    }

    /// RFC 9111 §3.1.
    #[test]
    fn all_fields_are_stored_unknown_ones_too() {
        let fields =
            [("x-unheard-of", "1"), ("content-type", "text/plain"), ("link", "</a>"), ("link", "</b>")];
        let kept = stored(&fields, &[]);
        assert_eq!(kept.len(), 4);
        assert!(kept.contains(&"x-unheard-of=1".to_owned()));
        assert!(kept.contains(&"link=</b>".to_owned()));
    }

    /// RFC 9111 §3.1.
    #[test]
    fn fields_of_the_connection_are_not_stored() {
        let fields = [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("etag", "\"1\""),
        ];
        assert_eq!(stored(&fields, &[]), ["etag=\"1\""]);
    }

    /// RFC 9111 §3.1.
    #[test]
    fn fields_of_a_clients_proxy_are_not_stored() {
        let fields = [
            ("proxy-authenticate", "Basic"),
            ("proxy-authentication-info", "x"),
            ("proxy-authorization", "x"),
        ];
        assert!(stored(&fields, &[]).is_empty());
    }

    /// RFC 9111 §5.2.2.4, §5.2.2.7.
    #[test]
    fn fields_named_by_private_or_no_cache_are_not_stored() {
        let fields = [("x-user", "anna"), ("etag", "\"1\"")];
        assert_eq!(stored(&fields, &[HeaderName::from_static("x-user")]), ["etag=\"1\""]);
    }

    /// RFC 9111 §7.3 leaves it to the cache.
    #[test]
    fn a_cookie_is_never_stored() {
        assert!(stored(&[("set-cookie", "a=1")], &[]).is_empty());
    }
}
