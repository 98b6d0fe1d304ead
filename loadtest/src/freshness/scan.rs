//! Versions in bodies and tags, found without parsing: the checker has two cores to share with what it checks.

use memchr::memmem;

const MEMBER: &[u8] = b"\"version\":";

/// The last `"version":N` of a body. A record has its own behind those that are included in it, a list has its own behind
/// its records.
pub(crate) fn last_version(body: &[u8]) -> Option<u64> {
    number_after(body, memmem::rfind(body, MEMBER)?)
}

/// The first `"version":N` of a body: that of an included record, where there is one.
pub(crate) fn first_version(body: &[u8]) -> Option<u64> {
    number_after(body, memmem::find(body, MEMBER)?)
}

fn number_after(body: &[u8], at: usize) -> Option<u64> {
    let digits = body.get(at + MEMBER.len()..)?;
    let (mut number, mut any) = (0u64, false);
    for byte in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        any = true;
    }
    any.then_some(number)
}

/// The token with which a delta goes on.
pub(crate) fn sync_token(body: &[u8]) -> Option<&str> {
    let member = b"\"since\":\"";
    let rest = body.get(memmem::rfind(body, member)? + member.len()..)?;
    std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()
}

/// The numbers of a validator: those of a coding that was added behind a semicolon do not count.
///
/// `"17"` names a record, `"17-40"` one with another model beside it, `"1.40"` and `"1.40.3"` a model in an epoch.
pub(crate) fn tag_numbers(tag: &str) -> Vec<u64> {
    let opaque = tag.trim().trim_start_matches("W/").trim_matches('"');
    let opaque = opaque.split(';').next().unwrap_or_default();
    opaque.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
}

/// Whether a `Cache-Status` (RFC 9211) says that some cache answered by itself.
pub(crate) fn is_hit(cache_status: &str) -> bool {
    cache_status.split([';', ',']).any(|part| part.trim() == "hit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_by_its_own_version_and_not_by_that_of_an_included_one() {
        let body = br#"{"id":"a","breed":{"id":"b","version":3},"version":41,"created_at":"x"}"#;
        assert_eq!(last_version(body), Some(41));
        assert_eq!(first_version(body), Some(3));
        assert_eq!(last_version(b"{}"), None);
        assert_eq!(last_version(b"\"version\":x"), None);
    }

    #[test]
    fn a_list_is_known_by_the_version_behind_its_records() {
        let body = br#"{"items":[{"id":"a","version":900}],"self":"/","version":12,"total":1}"#;
        assert_eq!(last_version(body), Some(12));
    }

    #[test]
    fn a_tag_says_the_same_in_every_coding() {
        assert_eq!(tag_numbers("\"17\""), [17]);
        assert_eq!(tag_numbers("W/\"17;br\""), [17]);
        assert_eq!(tag_numbers("\"17-40\""), [17, 40]);
        assert_eq!(tag_numbers("\"1.40.3\""), [1, 40, 3]);
        assert_eq!(tag_numbers("\"abc\""), [0u64; 0]);
    }

    #[test]
    fn a_hit_is_a_word_of_its_own() {
        assert!(is_hit("aldia; hit; ttl=30"));
        assert!(is_hit("origin; fwd=miss, aldia;hit"));
        assert!(!is_hit("aldia; fwd=miss; detail=hitherto"));
    }

    #[test]
    fn a_delta_goes_on_with_its_token() {
        assert_eq!(
            sync_token(br#"{"items":[],"since":"abc.def","has_more":false,"version":4}"#),
            Some("abc.def")
        );
    }
}
