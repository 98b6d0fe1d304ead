//! What a handler reads of a request, beside its path.

use actix_web::{HttpMessage as _, HttpRequest};
use conditional::{Conditions, EntityTag};
use idempotency::{IdempotencyKey, Keyed, Scope};
use identity::Principal;
use problem::{FieldError, Problem, registry};
use uuid::Uuid;

use crate::domain::people::Caller;
use crate::error::{ServiceError, not_found, parameters, refused};
use crate::state::AppState;

/// Who asks. Every route of this service is for somebody.
///
/// # Errors
/// `unauthenticated`.
pub(crate) fn caller(request: &HttpRequest, state: &AppState) -> Result<Caller, ServiceError> {
    let extensions = request.extensions();
    let principal = extensions
        .get::<Principal>()
        .ok_or_else(|| Problem::new(&registry::UNAUTHENTICATED).header("WWW-Authenticate", "Bearer"))?;
    Ok(Caller::of(principal, &state.config.access.own_issuer))
}

/// The id in the path under this name. What is no id names nothing.
///
/// # Errors
/// `not_found`.
pub(crate) fn path_id(request: &HttpRequest, name: &str) -> Result<Uuid, ServiceError> {
    request.match_info().get(name).and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(not_found)
}

/// Refuses a parameter of the query.
pub(crate) fn refuse_parameter(name: &str, code: &'static str, message: impl Into<String>) -> ServiceError {
    let pointer = format!("?{}", name.chars().take(80).collect::<String>());
    parameters(vec![FieldError { pointer, code, message: message.into() }])
}

/// Refuses any parameter where none is known.
///
/// # Errors
/// `invalid_parameter` that names it.
pub(crate) fn no_parameters(request: &HttpRequest) -> Result<(), ServiceError> {
    match http_server::query_pairs(request)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(refuse_parameter(name, "unknown_parameter", "no parameters are known here")),
    }
}

/// Preconditions of the request.
///
/// # Errors
/// `invalid_parameter` that names the field.
pub(crate) fn conditions(request: &HttpRequest) -> Result<Conditions, ServiceError> {
    Ok(Conditions::from_headers(request.headers())?)
}

/// The validator of a thing's version, as changes are checked against it (X-B6).
pub(crate) fn version_tag(version: i64) -> EntityTag {
    EntityTag::strong(&version.to_string())
}

/// Whether a change of `what` at this version may go on: `If-Match` must be there and name it.
///
/// # Errors
/// `precondition_required`, `precondition_failed`.
pub(crate) fn check_version(conditions: &Conditions, version: i64, what: &str) -> Result<(), ServiceError> {
    conditions.check_write(Some(&version_tag(version))).map_err(|refusal| refused(&refusal, what))
}

/// The idempotency key of the request, bound to its caller, operation and content (X-B2).
///
/// # Errors
/// `malformed_request` where the key is badly formed.
pub(crate) fn keyed(
    request: &HttpRequest,
    state: &AppState,
    caller: &Caller,
    body: &[u8],
) -> Result<Option<Keyed>, ServiceError> {
    let Some(key) = IdempotencyKey::from_headers(request.headers())? else { return Ok(None) };
    let (method, path) = (request.method().as_str(), request.path());
    Ok(Some(Keyed {
        scope: Scope::new(&[&caller.id.to_string(), method, path]),
        key,
        fingerprint: idempotency::fingerprint(
            &state.fingerprints,
            method,
            path,
            request.query_string(),
            body,
        ),
    }))
}
