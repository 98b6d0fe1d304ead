//! `Cache-Groups` and `Cache-Group-Invalidation` (RFC 9875): lists of strings.

use std::fmt;

use http::{HeaderMap, HeaderName, Method};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::invalidate::is_unsafe;

/// The groups an answer belongs to.
pub const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The groups an answer to an unsafe request invalidates.
pub const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The most groups a field may name; the RFC asks for at least 32.
pub const MAX_GROUPS: usize = 128;
/// The most bytes a name may have; the RFC asks for at least 32.
pub const MAX_GROUP_BYTES: usize = 200;

/// A field that is no list of strings, or goes beyond [`MAX_GROUPS`] or [`MAX_GROUP_BYTES`]. None of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupsFault;

impl fmt::Display for GroupsFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a list of cache groups")
    }
}

impl std::error::Error for GroupsFault {}

/// The groups an answer belongs to, each once, in order of appearance; none where the field is absent (§2).
///
/// # Errors
/// [`GroupsFault`]. Such an answer is better not stored: it would outlive the invalidation of its groups.
pub fn parse(headers: &HeaderMap) -> Result<Vec<String>, GroupsFault> {
    list(headers, &CACHE_GROUPS)
}

/// The groups that an answer to `method` invalidates (§3); none for a safe method, whatever the field says.
///
/// # Errors
/// [`GroupsFault`].
pub fn parse_invalidation(method: &Method, headers: &HeaderMap) -> Result<Vec<String>, GroupsFault> {
    if is_unsafe(method) { list(headers, &CACHE_GROUP_INVALIDATION) } else { Ok(Vec::new()) }
}

fn list(headers: &HeaderMap, name: &HeaderName) -> Result<Vec<String>, GroupsFault> {
    let mut groups: Vec<String> = Vec::new();
    let mut members = List::new();
    for line in headers.get_all(name) {
        members = Parser::new(line).parse_list_with_visitor(members).map_err(|_fault| GroupsFault)?;
    }
    if members.len() > MAX_GROUPS {
        return Err(GroupsFault);
    }
    for member in members {
        let ListEntry::Item(item) = member else { return Err(GroupsFault) };
        let BareItem::String(group) = item.bare_item else { return Err(GroupsFault) };
        if group.as_str().len() > MAX_GROUP_BYTES {
            return Err(GroupsFault);
        }
        if !groups.iter().any(|known| known == group.as_str()) {
            groups.push(group.as_str().to_owned());
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn groups(values: &[&str]) -> Result<Vec<String>, GroupsFault> {
        parse(&fields(&CACHE_GROUPS, values))
    }

    /// RFC 9875 §2.
    #[test]
    fn groups_are_a_list_of_strings() {
        assert_eq!(groups(&["\"animals\", \"animals/42\""]).unwrap(), ["animals", "animals/42"]);
        assert_eq!(
            groups(&["\"a\"", "\"b\", \"a\""]).unwrap(),
            ["a", "b"],
            "lines make one list, each name counts once"
        );
        assert_eq!(groups(&[]).unwrap(), [""; 0]);
        assert_eq!(groups(&["\"a \\\"b\\\"\""]).unwrap(), ["a \"b\""]);
    }

    /// RFC 9875 §2.
    #[test]
    fn parameters_of_groups_are_ignored() {
        assert_eq!(groups(&["\"a\";x=1, \"b\";soft"]).unwrap(), ["a", "b"]);
    }

    /// RFC 9875 §2.1.
    #[test]
    fn groups_are_compared_case_sensitively() {
        assert_eq!(groups(&["\"a\", \"A\""]).unwrap(), ["a", "A"]);
    }

    /// RFC 9875 §2: at least 32 groups of at least 32 characters.
    #[test]
    fn as_many_and_as_long_groups_as_required_are_supported() {
        let names: Vec<String> = (0..MAX_GROUPS).map(|at| format!("{at:0>200}")).collect();
        let field = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        assert_eq!(groups(&[&field]).unwrap(), names);
        assert_eq!(groups(&[&field, "\"one more\""]), Err(GroupsFault));
        assert_eq!(groups(&[&format!("\"{}\"", "g".repeat(MAX_GROUP_BYTES + 1))]), Err(GroupsFault));
    }

    /// RFC 9875 §2, RFC 9651 §4.2.
    #[test]
    fn a_malformed_list_of_groups_counts_as_a_whole() {
        for bad in ["a", "1", "\"a\", b", "(\"a\")", "\"a", "\"a\",", "\"a\" \"b\"", "\"caf\u{e9}\""] {
            assert_eq!(groups(&["\"good\"", bad]), Err(GroupsFault), "{bad}");
        }
    }

    /// RFC 9875 §3.
    #[test]
    fn group_invalidation_counts_for_unsafe_methods_only() {
        let headers = fields(&CACHE_GROUP_INVALIDATION, &["\"animals\";x"]);
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert_eq!(parse_invalidation(&method, &headers).unwrap(), [""; 0], "{method}");
        }
        for method in
            [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::from_bytes(b"PURGE").unwrap()]
        {
            assert_eq!(parse_invalidation(&method, &headers).unwrap(), ["animals"], "{method}");
        }
    }
}
