//! Why a token was not accepted, and what the outside world is told about it.

use problem::{Problem, registry};

/// A token that was not accepted. The variants say what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a JWT this crate reads: broken encoding, no `kid`, a missing claim, an unknown `crit` or `typ`, too long.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Signed with an algorithm that is not on the list, or not the key's own.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The issuer is none of the configured ones.
    #[error("the token's issuer is not trusted")]
    UnknownIssuer,
    /// The issuer has no such key.
    #[error("the token's key is unknown to its issuer")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature does not fit")]
    Signature,
    /// Made for somebody else.
    #[error("the token was made for another audience")]
    Audience,
    /// Its time has run out; a new one helps.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The issuer's keys cannot be had and none fits: nobody's fault but ours, so not a 401.
    #[error("the issuer's keys cannot be had")]
    IssuerUnavailable,
}

/// The realm of every challenge.
const REALM: &str = "aldia";

impl IdentityError {
    /// The problem a client gets: 401 with a challenge of RFC 6750 §3, or 503 when the issuer's keys cannot be had.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        let (kind, description) = match self {
            Self::IssuerUnavailable => {
                return Problem::new(&registry::UNAVAILABLE)
                    .detail("the token cannot be checked right now")
                    .cause(self.clone());
            }
            Self::Expired => (&registry::TOKEN_EXPIRED, "the access token has expired"),
            Self::NotYetValid => (&registry::UNAUTHENTICATED, "the access token is not valid yet"),
            Self::Malformed(_) => (&registry::UNAUTHENTICATED, "the access token is malformed"),
            // Which of the remaining checks failed helps only someone who makes tokens up.
            _ => (&registry::UNAUTHENTICATED, "the access token is not valid"),
        };
        Problem::new(kind)
            .detail(description)
            .header(
                "WWW-Authenticate",
                format!(
                    "Bearer realm=\"{REALM}\", error=\"invalid_token\", error_description=\"{description}\""
                ),
            )
            .cause(self.clone())
    }
}

/// The problem for a request that carries no token where one is needed. RFC 6750 §3.1: no error code then.
#[must_use]
pub fn token_missing() -> Problem {
    Problem::new(&registry::UNAUTHENTICATED)
        .detail("this needs an access token in the Authorization header")
        .header("WWW-Authenticate", format!("Bearer realm=\"{REALM}\""))
}

/// The problem for an `Authorization` header nobody can read. RFC 6750 §3.1 `invalid_request`, kept at 401 so that clients
/// treat it as what it is: not being authenticated.
#[must_use]
pub fn header_malformed() -> Problem {
    Problem::new(&registry::UNAUTHENTICATED)
        .detail("the Authorization header is malformed")
        .header("WWW-Authenticate", format!("Bearer realm=\"{REALM}\", error=\"invalid_request\""))
}
