//! What a handler reads of a request, beside its path.

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpMessage as _, HttpRequest};
use conditional::Conditions;
use idempotency::{IdempotencyKey, Scope};
use identity::Principal;
use problem::{FieldError, Problem, registry};
use uuid::Uuid;

use crate::domain::access::{ADMINISTRATOR, Caller};
use crate::domain::asset::Visibility;
use crate::error::{ServiceError, not_found, parameters};
use crate::ingest::Idempotent;
use crate::state::AppState;

/// Longest title, in characters; the database has the same bound.
pub(crate) const MAX_TITLE_CHARS: usize = 200;

/// Who asks, if anybody has said so. A subject of a foreign issuer never passes for one of our users.
pub(crate) fn maybe_caller(request: &HttpRequest, state: &AppState) -> Option<Caller> {
    let principal = request.extensions().get::<Principal>().cloned()?;
    let access = &state.config.access;
    let own = principal.issuer == access.own_issuer;
    let is_moderator = access.moderator_roles.iter().any(|role| principal.has_role(role));
    let is_administrator = principal.has_role(ADMINISTRATOR);
    let subject = if own { principal.subject } else { format!("{}#{}", principal.issuer, principal.subject) };
    Some(Caller { subject, is_administrator, is_moderator })
}

/// Who asks, where somebody must.
///
/// # Errors
/// `unauthenticated`.
pub(crate) fn caller(request: &HttpRequest, state: &AppState) -> Result<Caller, ServiceError> {
    maybe_caller(request, state)
        .ok_or_else(|| Problem::new(&registry::UNAUTHENTICATED).header("WWW-Authenticate", "Bearer").into())
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
    parameters(vec![parameter_fault(name, code, message)])
}

/// A fault of a parameter of the query.
pub(crate) fn parameter_fault(name: &str, code: &'static str, message: impl Into<String>) -> FieldError {
    let pointer = format!("?{}", name.chars().take(80).collect::<String>());
    FieldError { pointer, code, message: message.into() }
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

/// The id that ties everything about an upload together: the client's `X-Correlation-Id` if it is a UUID, or a new one.
///
/// # Errors
/// `invalid_parameter` where it is something else.
pub(crate) fn correlation_id(headers: &HeaderMap, new_id: fn() -> Uuid) -> Result<Uuid, ServiceError> {
    let Some(value) = headers.get(HeaderName::from_static("x-correlation-id")) else { return Ok(new_id()) };
    value.to_str().ok().and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(|| {
        Problem::new(&registry::INVALID_PARAMETER)
            .field("X-Correlation-Id", "invalid_format", "must be a UUID")
            .into()
    })
}

/// A title as it is stored: trimmed, and none where it is empty.
///
/// # Errors
/// What is wrong with it, as code and message.
pub(crate) fn title(text: &str) -> Result<Option<String>, (&'static str, &'static str)> {
    let trimmed = text.trim();
    if trimmed.chars().any(char::is_control) {
        return Err(("invalid_format", "control characters are not taken"));
    }
    if trimmed.chars().count() > MAX_TITLE_CHARS {
        return Err(("too_long", "at most 200 characters are expected"));
    }
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

/// A visibility by its name.
///
/// # Errors
/// What is wrong with it, as code and message.
pub(crate) fn visibility(text: &str) -> Result<Visibility, (&'static str, &'static str)> {
    Visibility::parse(text).ok_or(("not_a_choice", "must be one of: private, public"))
}

/// The idempotency key of the request, bound to its caller and operation (X-B2); the content is added when its digest is known.
///
/// # Errors
/// `invalid_parameter` where the key is badly formed.
pub(crate) fn idempotent(
    request: &HttpRequest,
    state: &AppState,
    caller: &Caller,
) -> Result<Option<Idempotent>, ServiceError> {
    let Some(key) = IdempotencyKey::from_headers(request.headers())? else { return Ok(None) };
    let (method, path) = (request.method().as_str(), request.path());
    Ok(Some(Idempotent {
        scope: Scope::new(&[&caller.subject, method, path]),
        key,
        fingerprints: state.fingerprints.clone(),
        operation: (method.to_owned(), path.to_owned()),
    }))
}
