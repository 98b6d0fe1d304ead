//! The problems only a gateway has. With [`problem::registry::COMMON`] they are all it can answer with itself.

use http_edge::Refusal;
use problem::{Problem, ProblemType, registry};

/// The request target could be read in two ways.
pub static AMBIGUOUS_TARGET: ProblemType = ProblemType {
    code: "ambiguous_target",
    status: 400,
    title: "The request target is ambiguous",
    doc: "The path has a dot segment, an empty segment, an encoded slash, a backslash, a control character or an \
          escape of an escape. Two programs could read it differently, so it is refused rather than repaired. Send \
          the path in its normal form.",
};

/// The message breaks a rule of HTTP's syntax or framing.
pub static AMBIGUOUS_MESSAGE: ProblemType = ProblemType {
    code: "ambiguous_message",
    status: 400,
    title: "The request could be read in more than one way",
    doc: "The message breaks a rule of HTTP (RFC 9112, RFC 9110): Host is missing, repeated or malformed, the length of the body \
          is announced in more than one way, a line ends otherwise than in CR LF, or a byte stands where it must not. `detail` names \
          the rule. Two programs could read such a message differently, so it is refused, and the connection closed.",
};

/// The client stopped sending in the middle of a head or a body.
pub static REQUEST_STALLED: ProblemType = ProblemType {
    code: "request_stalled",
    status: 408,
    title: "The request did not arrive",
    doc: "The head or the body of the request stopped arriving before its end, or came more slowly than is waited for. Send \
          the request again.",
};

/// No connection to any instance.
pub static UPSTREAM_UNAVAILABLE: ProblemType = ProblemType {
    code: "upstream_unavailable",
    status: 503,
    title: "The service behind the gateway cannot be reached",
    doc: "No instance of the service that answers this path accepts connections. The request was not processed: \
          send it again after the time in Retry-After.",
};

/// An expectation other than `100-continue`.
pub static EXPECTATION_FAILED: ProblemType = ProblemType {
    code: "expectation_failed",
    status: 417,
    title: "The expectation cannot be met",
    doc: "The request has an `Expect` field with something other than `100-continue`, which is the only expectation there is. \
          Send the request without the field.",
};

/// `https` asked for on a connection without TLS.
pub static MISDIRECTED: ProblemType = ProblemType {
    code: "misdirected",
    status: 421,
    title: "This connection is not the one for this URL",
    doc: "The request asks for an `https` URL on a connection that is not encrypted. Ask for it over TLS, or for the `http` URL.",
};

/// The request has come round again and again.
pub static LOOP_DETECTED: ProblemType = ProblemType {
    code: "loop_detected",
    status: 508,
    title: "The request goes round in circles",
    doc: "By its `Via` field the request has been through this gateway many times: some upstream is a gateway that forwards here. \
          The operator has to break the circle; repeating the request will not help.",
};

/// A version that is not spoken here.
pub static HTTP_VERSION_UNSUPPORTED: ProblemType = ProblemType {
    code: "http_version_unsupported",
    status: 505,
    title: "This version of HTTP is not spoken here",
    doc: "The gateway speaks HTTP/1.1 and HTTP/1.0, and HTTP/2 where the connection agreed on it by TLS. Send the request in one of these.",
};

/// Too many requests are in flight.
pub static OVERLOADED: ProblemType = ProblemType {
    code: "overloaded",
    status: 503,
    title: "The gateway has as many requests as it can serve",
    doc: "So many requests are being served that one more would slow all of them down. This one was not looked at: send it again \
          after the time in Retry-After.",
};

/// The upstream's circuit breaker is open.
pub static UPSTREAM_OVERLOADED: ProblemType = ProblemType {
    code: "upstream_overloaded",
    status: 503,
    title: "The service behind the gateway has as many requests as it may have",
    doc: "The service that answers this path has reached its bound of requests under way. This one was not passed on: send it \
          again after the time in Retry-After.",
};

/// `only-if-cached`, and there is nothing.
pub static NOT_CACHED: ProblemType = ProblemType {
    code: "not_cached",
    status: 504,
    title: "There is no kept answer to this request",
    doc: "The request says `Cache-Control: only-if-cached`, and the gateway has no answer in memory that it may give for it \
          (RFC 9111 §5.2.1.7). Send the request without the directive.",
};

/// `/openapi.json` before any service could be asked.
pub static OPENAPI_UNAVAILABLE: ProblemType = ProblemType {
    code: "openapi_unavailable",
    status: 503,
    title: "The API description is not there yet",
    doc: "None of the services has delivered its OpenAPI document since the gateway started. Try again shortly.",
};

/// All of the above.
pub static OWN: &[&ProblemType] = &[
    &AMBIGUOUS_TARGET,
    &AMBIGUOUS_MESSAGE,
    &REQUEST_STALLED,
    &EXPECTATION_FAILED,
    &MISDIRECTED,
    &UPSTREAM_UNAVAILABLE,
    &UPSTREAM_OVERLOADED,
    &OVERLOADED,
    &OPENAPI_UNAVAILABLE,
    &NOT_CACHED,
    &HTTP_VERSION_UNSUPPORTED,
    &LOOP_DETECTED,
];

/// The problem a breach of HTTP's syntax or framing is told as.
pub(crate) fn of_refusal(refusal: Refusal) -> Problem {
    let kind = match refusal.status() {
        408 => &REQUEST_STALLED,
        413 => &registry::PAYLOAD_TOO_LARGE,
        414 => &registry::URI_TOO_LONG,
        417 => &EXPECTATION_FAILED,
        431 => &registry::HEADERS_TOO_LARGE,
        501 => &registry::NOT_IMPLEMENTED,
        505 => &HTTP_VERSION_UNSUPPORTED,
        _ => &AMBIGUOUS_MESSAGE,
    };
    Problem::new(kind).detail(format!("{} ({})", refusal.detail(), refusal.rule()))
}

/// Every problem the gateway knows without asking a service, ordered by status and code.
#[must_use]
pub fn known() -> Vec<&'static ProblemType> {
    let mut all: Vec<&'static ProblemType> =
        problem::registry::COMMON.iter().chain(OWN.iter()).copied().collect();
    all.sort_by_key(|kind| (kind.status, kind.code));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let all = known();
        let codes: HashSet<_> = all.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), all.len());
        for kind in all {
            assert!(kind.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", kind.code);
            assert!((400..600).contains(&kind.status) && !kind.doc.is_empty(), "{}", kind.code);
        }
    }
}
