//! The problems only a gateway has. With [`problem::registry::COMMON`] they are all it can answer with itself.

use problem::ProblemType;

/// The request target could be read in two ways.
pub static AMBIGUOUS_TARGET: ProblemType = ProblemType {
    code: "ambiguous_target",
    status: 400,
    title: "The request target is ambiguous",
    doc: "The path has a dot segment, an empty segment, an encoded slash, a backslash, a control character or an \
          escape of an escape. Two programs could read it differently, so it is refused rather than repaired. Send \
          the path in its normal form.",
};

/// `Host` is missing, repeated or malformed, or the body's length is given in two ways.
pub static AMBIGUOUS_MESSAGE: ProblemType = ProblemType {
    code: "ambiguous_message",
    status: 400,
    title: "The request could be read in more than one way",
    doc: "Host is missing, repeated or malformed, or the length of the body is announced in more than one way. \
          Send one Host, and either Content-Length or Transfer-Encoding: chunked.",
};

/// The client stopped sending in the middle of a body.
pub static REQUEST_STALLED: ProblemType = ProblemType {
    code: "request_stalled",
    status: 408,
    title: "The request body did not arrive",
    doc: "The body of the request stopped arriving before its end. Send the request again.",
};

/// No connection to any instance.
pub static UPSTREAM_UNAVAILABLE: ProblemType = ProblemType {
    code: "upstream_unavailable",
    status: 503,
    title: "The service behind the gateway cannot be reached",
    doc: "No instance of the service that answers this path accepts connections. The request was not processed: \
          send it again after the time in Retry-After.",
};

/// `/openapi.json` before any service could be asked.
pub static OPENAPI_UNAVAILABLE: ProblemType = ProblemType {
    code: "openapi_unavailable",
    status: 503,
    title: "The API description is not there yet",
    doc: "None of the services has delivered its OpenAPI document since the gateway started. Try again shortly.",
};

/// All of the above.
pub static OWN: &[&ProblemType] =
    &[&AMBIGUOUS_TARGET, &AMBIGUOUS_MESSAGE, &REQUEST_STALLED, &UPSTREAM_UNAVAILABLE, &OPENAPI_UNAVAILABLE];

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
