//! Who makes a request, and the extractors that hand it to a handler.

use std::future::{Ready, ready};
use std::sync::OnceLock;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use problem::Problem;

use crate::error::token_missing;

/// The bearer of a verified token.
///
/// `subject` is unique only together with `issuer`: a service that stores it, and trusts more than one issuer, looks at both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who it is, as its issuer says (`sub`).
    pub subject: String,
    /// The roles its issuer gave it.
    pub roles: Vec<String>,
    /// What the token may be used for (`scope`).
    pub scopes: Vec<String>,
    /// Who says so (`iss`).
    pub issuer: String,
    /// The token's own id (`jti`); empty when its issuer gives none.
    pub token_id: String,
}

impl Principal {
    /// Whether its issuer gave it this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether the token may be used for this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

/// A principal as it is remembered with its token, and what whoever meets it again and again has made of it.
#[derive(Debug)]
pub struct Verified {
    /// Who bears the token.
    pub principal: Principal,
    marks: OnceLock<[u8; 32]>,
}

impl Verified {
    pub(crate) fn new(principal: Principal) -> Self {
        Self { principal, marks: OnceLock::new() }
    }

    /// Something that follows from the principal alone; `reckon` is called once for a token that is remembered, and has to say the
    /// same whenever it is called.
    pub fn marks(&self, reckon: impl FnOnce(&Principal) -> [u8; 32]) -> &[u8; 32] {
        self.marks.get_or_init(|| reckon(&self.principal))
    }
}

/// The principal when there is one; for handlers that also serve the anonymous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybePrincipal(pub Option<Principal>);

/// Fails with the 401 problem when the request carries no token. Reads the extensions only, so it is as good as the
/// [`crate::Authenticate`] in front of it.
impl FromRequest for Principal {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(find(request).ok_or_else(token_missing))
    }
}

impl FromRequest for MaybePrincipal {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(find(request))))
    }
}

fn find(request: &HttpRequest) -> Option<Principal> {
    request.extensions().get::<Principal>().cloned()
}
