//! What a handler reads of a request, beside its path.

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpMessage as _, HttpRequest};
use idempotency::{IdempotencyKey, Scope};
use identity::Principal;
use problem::{Problem, registry};
use service_error::{ServiceError, unauthenticated};
use uuid::Uuid;

use crate::domain::access::{ADMINISTRATOR, Caller};
use crate::domain::asset::Visibility;
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
    maybe_caller(request, state).ok_or_else(unauthenticated)
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
