//! Asking the origin whether a stored answer still holds, and taking in what it says (RFC 9111 §3.2, §4.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::policy::is_stored;

/// The fields by which a client makes its request conditional. Those of a validation are the cache's own.
pub const PRECONDITIONS: [HeaderName; 5] = [
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
];

/// Fields of a stored answer that describe the bytes it was stored with, or how those were sent (§3.2).
const DESCRIBES_CONTENT: [HeaderName; 3] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE];

/// Makes a request validate a stored answer (§4.3.1): its entity tag if it has one, its date if it has one; `Range` and the
/// client's own conditions go, since the answer is for the cache. Returns false, and leaves the request alone, when there
/// is nothing to validate by.
pub fn make_conditional(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    let etag = stored.get(header::ETAG);
    let modified = stored.get(header::LAST_MODIFIED);
    if etag.is_none() && modified.is_none() {
        return false;
    }
    for name in PRECONDITIONS {
        request.remove(name);
    }
    request.remove(header::RANGE);
    for (name, validator) in [(header::IF_NONE_MATCH, etag), (header::IF_MODIFIED_SINCE, modified)] {
        if let Some(validator) = validator {
            request.insert(name, validator.clone());
        }
    }
    true
}

/// Whether a 304 speaks of the answer stored under these fields (§4.3.4). If not, it updates nothing.
#[must_use]
pub fn identifies(not_modified: &HeaderMap, stored: &HeaderMap) -> bool {
    match (not_modified.get(header::ETAG), stored.get(header::ETAG)) {
        (Some(new), Some(old)) if is_weak(new) => opaque(new) == opaque(old),
        (Some(new), old) => old == Some(new),
        // Of validators only those that were received are compared; a 304 to our own question needs to repeat none.
        (None, _) => match not_modified.get(header::LAST_MODIFIED) {
            Some(new) => stored.get(header::LAST_MODIFIED) == Some(new),
            None => true,
        },
    }
}

/// The fields of a stored answer after a 304, or after a HEAD that [`head_matches`] (§3.2): each field received replaces the
/// stored one, but for those that are not stored at all and those that describe the stored bytes. `omit` are the names of
/// [`Terms::omit`](crate::Terms::omit). What the result is kept under is for [`decide`](crate::decide) to say anew.
#[must_use]
pub fn merge(stored: &HeaderMap, received: &HeaderMap, omit: &[HeaderName]) -> HeaderMap {
    let mut merged = stored.clone();
    // The age begins anew: what these said of the former answer does not hold for the validated one.
    for name in [header::AGE, header::DATE] {
        merged.remove(name);
    }
    for name in received.keys() {
        if DESCRIBES_CONTENT.contains(name) || !is_stored(name, received, omit) {
            continue;
        }
        merged.remove(name);
        for value in received.get_all(name) {
            merged.append(name.clone(), value.clone());
        }
    }
    merged
}

/// Whether a 200 to HEAD confirms the stored answer to GET (§4.3.5): every validator it has is the stored one, and so is its
/// length. If not, the stored answer is stale.
#[must_use]
pub fn head_matches(head: &HeaderMap, stored: &HeaderMap, stored_length: u64) -> bool {
    let same = |name: HeaderName| head.get(&name).is_none_or(|value| stored.get(&name) == Some(value));
    let length = head
        .get(header::CONTENT_LENGTH)
        .is_none_or(|value| value.as_bytes() == stored_length.to_string().as_bytes());
    same(header::ETAG) && same(header::LAST_MODIFIED) && length
}

fn is_weak(tag: &HeaderValue) -> bool {
    tag.as_bytes().starts_with(b"W/")
}

fn opaque(tag: &HeaderValue) -> &[u8] {
    let bytes = tag.as_bytes();
    bytes.strip_prefix(b"W/").unwrap_or(bytes)
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
