//! The problems every service may answer with. Codes are a promise: never renamed, never reused, status never changed.

use crate::ProblemType;

/// Declares the constants and the list of them at once, so that none can be missing from the list.
macro_rules! problems {
    ($($name:ident = $status:literal $code:literal $title:literal $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };
        )*

        /// Every problem of this module, by status.
        pub static COMMON: &[&ProblemType] = &[$(&$name),*];
    };
}

problems! {
    MALFORMED_REQUEST = 400 "malformed_request" "The request is malformed"
        "The request could not be read: a header, the framing or an encoding is broken. Sending it again unchanged will fail again; `detail` says which part to repair.";
    MALFORMED_JSON = 400 "malformed_json" "The body is not valid JSON"
        "The body ends too early or is not JSON at the line and column given in `detail`. Repair the body and send it again.";
    INVALID_PARAMETER = 400 "invalid_parameter" "A parameter is not valid"
        "A path segment, query parameter or header is unknown, repeated, of the wrong type or out of its range. Each entry of `errors` names one (`?name` for a query parameter) and the rule it broke.";
    INVALID_CURSOR = 400 "invalid_cursor" "The page cursor is not valid"
        "The cursor was changed, has aged out, or belongs to a list with other filters or another order. Begin again at the first page, and pass cursors back exactly as they were given, with the same filters.";
    IDEMPOTENCY_KEY_MISSING = 400 "idempotency_key_missing" "An Idempotency-Key is required"
        "This operation must not happen twice by accident, so it needs an `Idempotency-Key` header. Send a value that is new for each intended operation and the same for every attempt at it.";
    UNAUTHENTICATED = 401 "unauthenticated" "Authentication is required"
        "There is no bearer token, or the one sent could not be verified: wrong issuer, audience, signature or form. Get a token from `POST /v1/auth/token` and send it as `Authorization: Bearer …`.";
    TOKEN_EXPIRED = 401 "token_expired" "The token has expired"
        "The token was valid once and is past its time. Use the refresh token, or sign in again, then repeat the request.";
    FORBIDDEN = 403 "forbidden" "Not allowed"
        "You are known, but your role or your relation to this resource does not permit the operation. Repeating it will not help; ask someone who may grant the permission.";
    NOT_FOUND = 404 "not_found" "Not found"
        "No such resource, or none that you may know of. Check the path and the id.";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "The method is not allowed here"
        "The resource exists but does not support this method. The `Allow` header lists those it does.";
    NOT_ACCEPTABLE = 406 "not_acceptable" "No acceptable representation"
        "None of the media types in `Accept` can be produced for this resource. Ask for one that is listed in the API description, or leave the header out.";
    CONFLICT = 409 "conflict" "Conflict with the current state"
        "The request is well-formed but contradicts what is stored: a value that must be unique is taken, or the resource is in a state that does not allow the change. `detail` and `errors` say which. Read the current state and decide anew.";
    IDEMPOTENCY_KEY_IN_USE = 409 "idempotency_key_in_use" "The first request with this key is still running"
        "Another request with the same `Idempotency-Key` has not finished yet. Wait a moment and repeat this one unchanged: you will get the answer of the first.";
    GONE = 410 "gone" "No longer available"
        "What you ask for was here and is not kept any more, for example changes older than the retention of a sync token. Start over from a full read; `detail` says where.";
    PRECONDITION_FAILED = 412 "precondition_failed" "The resource has changed"
        "The `If-Match` validator is not the current one: someone else changed the resource after you read it. Read it again, apply your change to what you find, and send that with the new validator.";
    PAYLOAD_TOO_LARGE = 413 "payload_too_large" "The body is too large"
        "The body exceeds the limit of this operation, which `detail` gives in bytes when it is known. Send less at once, in several requests where the operation allows that.";
    URI_TOO_LONG = 414 "uri_too_long" "The address is too long"
        "Path and query together exceed what the server reads. Ask for fewer ids or filters at once.";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The media type is not supported"
        "The `Content-Type` is missing or not one this operation reads, or the `Content-Encoding` is unknown. Most operations read `application/json`.";
    VALIDATION_FAILED = 422 "validation_failed" "The content is not valid"
        "The body was understood, but parts of it break a rule: an unknown or missing field, a wrong type, a value too long or out of range. Each entry of `errors` names one part by its JSON pointer and the rule. Nothing was changed.";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency_key_reused" "The Idempotency-Key was used for another request"
        "The same `Idempotency-Key` came before with different content. Nothing was done. Use a new key for a new operation, and the same body for a repeated one.";
    PRECONDITION_REQUIRED = 428 "precondition_required" "A precondition is required"
        "To keep two people from overwriting each other, this change needs an `If-Match` header. Read the resource, and send the `ETag` you got with the change.";
    TOO_MANY_REQUESTS = 429 "too_many_requests" "Too many requests"
        "A limit for this client or this operation is used up. Wait at least as many seconds as `Retry-After` says; sooner attempts are refused as well.";
    HEADERS_TOO_LARGE = 431 "headers_too_large" "The header fields are too large"
        "One header field, or all together, exceed what the server reads. Send fewer or shorter ones; cookies are the usual cause.";
    INTERNAL = 500 "internal" "Something went wrong on our side"
        "An error nobody foresaw; it has been logged under the `trace_id`. The request may be repeated once with the same `Idempotency-Key`. If it fails again, report the `trace_id`.";
    NOT_IMPLEMENTED = 501 "not_implemented" "Not supported by this server"
        "The method or a feature the request asks for is not known to this server. Repeating it will not help.";
    BAD_GATEWAY = 502 "bad_gateway" "A service behind this one answered badly"
        "The service that should have answered closed the connection or sent something that is not a valid answer. A safe or idempotent request may be repeated after a moment.";
    UNAVAILABLE = 503 "unavailable" "Temporarily unavailable"
        "The service, or a store it needs, cannot serve at the moment; nothing was changed. Repeat the request after the seconds given in `Retry-After`.";
    GATEWAY_TIMEOUT = 504 "gateway_timeout" "A service behind this one did not answer in time"
        "The answer did not come within the time allowed. It is not known whether the operation took place: repeat it with the same `Idempotency-Key`, or read the state first.";
}

/// The entry with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static ProblemType> {
    COMMON.iter().copied().find(|kind| kind.code == code)
}

/// The general entry for a status that came without a problem, for example from a library: the first one of that
/// status, or of its class.
#[must_use]
pub fn for_status(status: u16) -> &'static ProblemType {
    match status {
        409 => return &CONFLICT,
        422 => return &VALIDATION_FAILED,
        _ => {}
    }
    COMMON.iter().copied().find(|kind| kind.status == status).unwrap_or(if (400..500).contains(&status) {
        &MALFORMED_REQUEST
    } else {
        &INTERNAL
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_unique_and_in_snake_case() {
        let mut seen = BTreeSet::new();
        for kind in COMMON {
            assert!(seen.insert(kind.code), "{} twice", kind.code);
            assert!(kind.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", kind.code);
        }
    }

    #[test]
    fn every_entry_has_an_error_status_and_texts_for_people() {
        for kind in COMMON {
            assert_eq!(kind.status_code().as_u16(), kind.status);
            assert!((400..600).contains(&kind.status), "{}", kind.code);
            assert!(!kind.title.is_empty() && !kind.title.ends_with('.'), "{}", kind.code);
            assert!(kind.doc.len() > 60 && kind.doc.ends_with('.'), "{}", kind.code);
        }
    }

    #[test]
    fn the_list_is_ordered_by_status() {
        assert!(COMMON.is_sorted_by_key(|kind| kind.status));
    }

    #[test]
    fn a_status_without_an_entry_falls_back_to_its_class() {
        assert_eq!(for_status(409).code, "conflict");
        assert_eq!(for_status(418).code, "malformed_request");
        assert_eq!(for_status(599).code, "internal");
        assert_eq!(find("gone").unwrap().status, 410);
        assert!(find("nonsense").is_none());
    }
}
