//! Validators of a story. What is read has the version and, behind a dot, a hash of what is shown: counts change without a change of
//! the story. Preconditions of changes look at the version alone.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use conditional::{Conditions, EntityTag};
use service_error::ServiceError;

/// The validator of a story as it is shown.
pub(super) fn of(version: i64, body: &[u8]) -> EntityTag {
    let hash = blake3::hash(body).to_hex();
    EntityTag::strong(&format!("{version}.{}", hash.get(..16).unwrap_or(&hash)))
}

/// Preconditions of a change, with tags brought down to versions.
///
/// # Errors
/// `invalid_parameter` that names the field.
pub(super) fn write_conditions(request: &HttpRequest) -> Result<Conditions, ServiceError> {
    let mut headers = HeaderMap::new();
    for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
        for value in request.headers().get_all(&name) {
            let versions =
                value.to_str().ok().and_then(|text| HeaderValue::from_str(&without_hashes(text)).ok());
            headers.append(name.clone(), versions.unwrap_or_else(|| value.clone()));
        }
    }
    Ok(Conditions::from_headers(&headers)?)
}

/// `"7.0a1b"` → `"7"`, in a list of tags.
fn without_hashes(tags: &str) -> String {
    let quoted =
        |(index, part): (usize, &str)| if index % 2 == 1 { version_of(part) } else { part.to_owned() };
    tags.split('"').enumerate().map(quoted).collect::<Vec<_>>().join("\"")
}

fn version_of(tag: &str) -> String {
    // A content coding stands behind a semicolon.
    let (own, coding) = tag.find(';').map_or((tag, ""), |at| tag.split_at(at));
    match own.split_once('.') {
        Some((version, hash)) if is(version, char::is_numeric) && is(hash, char::is_alphanumeric) => {
            format!("{version}{coding}")
        }
        _ => tag.to_owned(),
    }
}

fn is(text: &str, wanted: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precondition_names_a_version_however_often_it_was_reacted_to() {
        for (given, expected) in [
            ("\"7\"", "\"7\""),
            ("\"7.00ff\"", "\"7\""),
            ("W/\"7.00ff\", \"8.1\"", "W/\"7\", \"8\""),
            ("\"7.00ff;zstd\"", "\"7;zstd\""),
            ("*", "*"),
            ("\"a.b\"", "\"a.b\""),
            ("\"7.\"", "\"7.\""),
            ("7.1", "7.1"),
        ] {
            assert_eq!(without_hashes(given), expected, "{given}");
        }
    }

    #[test]
    fn another_content_has_another_validator() {
        assert_eq!(of(7, b"a"), of(7, b"a"));
        assert_ne!(of(7, b"a"), of(7, b"b"));
        assert!(of(7, b"a").to_string().starts_with("\"7."));
    }
}
