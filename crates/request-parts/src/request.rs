//! What stands in a request beside its body.

use std::fmt::Display;

use actix_web::HttpRequest;
use conditional::{Conditions, EntityTag};
use idempotency::{FingerprintKey, IdempotencyKey, Keyed, Scope};
use problem::FieldError;
use service_error::{ServiceError, not_found, parameters, refused};
use uuid::Uuid;

/// Longest name of an unknown parameter that is told back, in characters.
const MAX_NAME_CHARS: usize = 80;

/// The id in the path under this name. What is no id names nothing.
///
/// # Errors
/// `not_found`.
pub fn path_id(request: &HttpRequest, name: &str) -> Result<Uuid, ServiceError> {
    request.match_info().get(name).and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(not_found)
}

/// A fault of a parameter of the query.
#[must_use]
pub fn parameter_fault(name: &str, code: &'static str, message: impl Into<String>) -> FieldError {
    let pointer = format!("?{}", name.chars().take(MAX_NAME_CHARS).collect::<String>());
    FieldError { pointer, code, message: message.into() }
}

/// Refuses a parameter of the query.
#[must_use]
pub fn refuse_parameter(name: &str, code: &'static str, message: impl Into<String>) -> ServiceError {
    parameters(vec![parameter_fault(name, code, message)])
}

/// Refuses any parameter where none is known.
///
/// # Errors
/// `invalid_parameter` that names it.
pub fn no_parameters(request: &HttpRequest) -> Result<(), ServiceError> {
    match http_server::query_pairs(request)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(refuse_parameter(name, "unknown_parameter", "no parameters are known here")),
    }
}

/// Preconditions of the request.
///
/// # Errors
/// `invalid_parameter` that names the field.
pub fn conditions(request: &HttpRequest) -> Result<Conditions, ServiceError> {
    Ok(Conditions::from_headers(request.headers())?)
}

/// The validator of a thing's version, as changes are checked against it (X-B6).
#[must_use]
pub fn version_tag(version: i64) -> EntityTag {
    EntityTag::strong(&version.to_string())
}

/// Whether a change of `what` at this version may go on: `If-Match` must be there and name it.
///
/// # Errors
/// `precondition_required`, `precondition_failed`.
pub fn check_version(conditions: &Conditions, version: i64, what: &str) -> Result<(), ServiceError> {
    conditions.check_write(Some(&version_tag(version))).map_err(|refusal| refused(&refusal, what))
}

/// The idempotency key of the request, bound to its caller, operation and content (X-B2).
///
/// # Errors
/// Those of [`IdempotencyKey::from_headers`] where the key is badly formed.
pub fn keyed(
    request: &HttpRequest,
    fingerprints: &FingerprintKey,
    caller: impl Display,
    body: &[u8],
) -> Result<Option<Keyed>, ServiceError> {
    let Some(key) = IdempotencyKey::from_headers(request.headers())? else { return Ok(None) };
    let (method, path) = (request.method().as_str(), request.path());
    Ok(Some(Keyed {
        scope: Scope::new(&[&caller.to_string(), method, path]),
        key,
        fingerprint: idempotency::fingerprint(fingerprints, method, path, request.query_string(), body),
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_is_no_id_names_nothing() {
        let id = "018f5e7a-0000-7000-8000-000000000001";
        let found = path_id(&TestRequest::default().param("id", id).to_http_request(), "id");
        assert_eq!(found.unwrap().to_string(), id);
        let request = TestRequest::default().param("id", "alma").to_http_request();
        assert_eq!(path_id(&request, "id").unwrap_err().code(), "not_found");
        assert_eq!(path_id(&request, "other").unwrap_err().code(), "not_found");
    }

    #[test]
    fn a_parameter_where_none_is_known_is_named_but_not_at_any_length() {
        assert!(no_parameters(&TestRequest::with_uri("/v1/a").to_http_request()).is_ok());
        let long = format!("/v1/a?{}=1", "x".repeat(200));
        let error = no_parameters(&TestRequest::with_uri(&long).to_http_request()).unwrap_err();
        assert_eq!(error.problem().field_errors()[0].pointer.len(), 1 + MAX_NAME_CHARS);
    }

    #[test]
    fn a_change_needs_the_version_that_it_is_made_of() {
        let check = |request: TestRequest| {
            check_version(&conditions(&request.to_http_request()).unwrap(), 7, "story")
                .map_err(|error| error.code())
        };
        assert_eq!(check(TestRequest::default()), Err("precondition_required"));
        assert_eq!(
            check(TestRequest::default().insert_header(("If-Match", "\"6\""))),
            Err("precondition_failed")
        );
        assert_eq!(check(TestRequest::default().insert_header(("If-Match", "\"7\""))), Ok(()));
    }

    #[test]
    fn a_key_is_bound_to_its_caller_path_query_and_content() {
        let secret = FingerprintKey::derive(&"a secret of a test".into());
        let keyed = |uri: &str, caller: &str, body: &[u8]| {
            let request =
                TestRequest::post().uri(uri).insert_header(("Idempotency-Key", "\"k-1\"")).to_http_request();
            super::keyed(&request, &secret, caller, body).unwrap().unwrap()
        };
        let first = keyed("/v1/a", "ada", b"{}");
        let same = keyed("/v1/a", "ada", b"{}");
        assert_eq!(first.fingerprint, same.fingerprint);
        assert_eq!(format!("{:?}", first.scope), format!("{:?}", same.scope));
        for other in
            [keyed("/v1/b", "ada", b"{}"), keyed("/v1/a?b=1", "ada", b"{}"), keyed("/v1/a", "ada", b"[]")]
        {
            assert_ne!(first.fingerprint, other.fingerprint);
        }
        assert_ne!(format!("{:?}", first.scope), format!("{:?}", keyed("/v1/a", "eve", b"{}").scope));
        let without = TestRequest::post().uri("/v1/a").to_http_request();
        assert!(super::keyed(&without, &secret, "ada", b"{}").unwrap().is_none());
    }
}
