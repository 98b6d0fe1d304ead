//! What a handler reads of a request, beside its path.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use conditional::Conditions;
use idempotency::{IdempotencyKey, Keyed, Scope};
use identity::Principal;
use problem::{Problem, registry};
use request_parts::refuse_parameter;
use serde_json::Value as Json;
use service_error::ServiceError;

use super::strict_json::{self, JsonFault};
use crate::domain::draft::valid_mutation_id;
use crate::operations::outcome::Return;
use crate::state::AppState;

/// Media types of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyType {
    /// `application/json`, or a merge patch (RFC 7396).
    Json,
    /// `application/x-ndjson`: one JSON value a line.
    Lines,
}

/// The principal. A subject of a foreign issuer never passes for one of our users.
pub(crate) fn principal(request: &HttpRequest, state: &AppState) -> Option<Principal> {
    let mut principal = request.extensions().get::<Principal>().cloned()?;
    if principal.issuer != state.settings.own_issuer {
        principal.subject = format!("{}#{}", principal.issuer, principal.subject);
    }
    Some(principal)
}

/// The principal of a request that needs one.
///
/// # Errors
/// `unauthenticated`.
pub(crate) fn required_principal(request: &HttpRequest, state: &AppState) -> Result<Principal, ServiceError> {
    principal(request, state).ok_or_else(|| crate::domain::access::Denial::Unauthenticated.into())
}

/// Refuses any parameter of a read that offers none, but for `cache_bust`, which old clients send everywhere.
///
/// # Errors
/// `invalid_parameter` that names it.
pub(crate) fn no_parameters(request: &HttpRequest) -> Result<(), ServiceError> {
    match http_server::query_pairs(request)?.iter().find(|(name, _)| name != "cache_bust") {
        None => Ok(()),
        Some((name, _)) => Err(refuse_parameter(name, "unknown_parameter", "no parameters are known here")),
    }
}

/// Preconditions of a change. A record that was read with `include` has a tag that begins with the record's own: it
/// names the same state of the record.
///
/// # Errors
/// `invalid_parameter` that names the field.
pub(crate) fn write_conditions(request: &HttpRequest) -> Result<Conditions, ServiceError> {
    let mut headers = HeaderMap::new();
    for (name, value) in request
        .headers()
        .iter()
        .filter(|(name, _)| *name == header::IF_MATCH || *name == header::IF_NONE_MATCH)
    {
        let own =
            value.to_str().ok().map(without_included).and_then(|text| HeaderValue::from_str(&text).ok());
        headers.append(name.clone(), own.unwrap_or_else(|| value.clone()));
    }
    Ok(Conditions::from_headers(&headers)?)
}

/// `"57-12.3"` → `"57"`: versions are digits, and so is what stands for the included models.
fn without_included(tags: &str) -> String {
    let mut out = String::with_capacity(tags.len());
    let mut skipping = false;
    let mut digits = false;
    for character in tags.chars() {
        match character {
            '-' if digits => skipping = true,
            '0'..='9' | '.' if skipping => {}
            _ => {
                skipping = false;
                out.push(character);
            }
        }
        digits = character.is_ascii_digit() && !skipping;
    }
    out
}

/// What the client prefers to be returned (RFC 7240); preferences that are not known are ignored, as it says.
pub(crate) fn prefer(headers: &HeaderMap) -> Return {
    let minimal = headers
        .get_all("Prefer")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"));
    if minimal { Return::Minimal } else { Return::Representation }
}

/// The client's mark of its change, where it stands in the header (C-D8).
///
/// # Errors
/// `invalid_parameter` where it is badly formed.
pub(crate) fn mutation_id(headers: &HeaderMap) -> Result<Option<String>, ServiceError> {
    match headers.get("Client-Mutation-Id") {
        None => Ok(None),
        Some(value) => match value.to_str().ok().filter(|text| valid_mutation_id(text)) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(Problem::new(&registry::INVALID_PARAMETER)
                .field(
                    "Client-Mutation-Id",
                    "invalid_format",
                    "1 to 64 printable ASCII characters are expected",
                )
                .into()),
        },
    }
}

/// The idempotency key of the request, bound to its principal, operation and content (X-B2).
///
/// # Errors
/// `invalid_parameter` where the key is badly formed.
pub(crate) fn idempotent(
    request: &HttpRequest,
    state: &AppState,
    principal: &Principal,
    body: &[u8],
) -> Result<Option<Keyed>, ServiceError> {
    let Some(key) = IdempotencyKey::from_headers(request.headers())? else { return Ok(None) };
    let target = request.uri().to_string();
    let method = request.method().as_str();
    let fingerprint =
        idempotency::fingerprint(&state.fingerprints, method, &target, request.content_type(), body);
    Ok(Some(Keyed { scope: Scope::new(&[&principal.subject, method, request.path()]), key, fingerprint }))
}

/// The media type of the body.
///
/// # Errors
/// `unsupported_media_type`.
pub(crate) fn body_type(request: &HttpRequest, lines: bool) -> Result<BodyType, ServiceError> {
    let declared =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" | "application/merge-patch+json" => Ok(BodyType::Json),
        "application/x-ndjson" | "application/jsonl" if lines => Ok(BodyType::Lines),
        _ => Err(Problem::new(&registry::UNSUPPORTED_MEDIA_TYPE)
            .detail(if lines {
                "send application/json or application/x-ndjson"
            } else {
                "send application/json"
            })
            .field("Content-Type", "unsupported", "not a media type that is read here")
            .into()),
    }
}

/// JSON text that stands at `pointer` of the body; the empty pointer is the whole of it.
///
/// # Errors
/// `malformed_json` with the place, or `validation_failed` that points at a member that is there twice.
pub(crate) fn json(text: &[u8], pointer: &str) -> Result<Json, Problem> {
    strict_json::parse(text).map_err(|fault| match fault {
        JsonFault::Malformed(error) => Problem::new(&registry::MALFORMED_JSON)
            .detail(format!("the body is not JSON: line {}, column {}", error.line(), error.column()))
            .field(pointer, "malformed_json", "not well-formed JSON"),
        JsonFault::Repeated(inner) => Problem::new(&registry::VALIDATION_FAILED).field(
            format!("{pointer}{inner}"),
            "repeated",
            "may be given once",
        ),
    })
}
