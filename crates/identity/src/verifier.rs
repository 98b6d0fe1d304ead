//! From a bearer token to a principal.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Duration;
use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::claims::{Accepted, accept};
use crate::clock::{Clock, system_clock};
use crate::config::{IdentityConfig, IssuerConfig};
use crate::error::IdentityError;
use crate::key_cache::KeyCache;
use crate::key_set::VerifyingKey;
use crate::key_source::{KeySource, RemoteKeys};
use crate::principal::{Principal, Verified};
use crate::token_cache::{Remembered, TokenCache, fingerprint};

/// The whole list. No `none`, nothing symmetric: a public key must never serve as a shared secret.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];
/// Longer tokens are refused before anything is decoded; ours have some 500 bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Longer key ids are refused; they are compared, and logged nowhere.
const MAX_KID_BYTES: usize = 256;

/// Checks access tokens against the configured issuers. Cheap to clone; clones share keys and verified tokens.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    audience: String,
    leeway: Duration,
    issuers: HashMap<String, Issuer>,
    verified: TokenCache,
    clock: Clock,
}

struct Issuer {
    keys: KeyCache,
    roles_claim: String,
}

impl Verifier {
    /// A verifier that fetches the keys of every configured issuer with `client` when they are first needed.
    #[must_use]
    pub fn new(config: &IdentityConfig, client: http_client::Client) -> Self {
        Self::with_sources(config, system_clock(), |issuer| {
            Box::new(RemoteKeys::new(client.clone(), &issuer.issuer, issuer.jwks_url.as_deref()))
        })
    }

    /// The verifier of an issuer's own service: `issuer`'s keys come from `keys` instead of over the network, all others as
    /// in [`Verifier::new`]. `issuer` is trusted whether it stands in the configuration or not.
    #[must_use]
    pub fn with_local_keys(
        config: &IdentityConfig,
        client: http_client::Client,
        clock: Clock,
        issuer: &str,
        keys: Arc<dyn KeySource>,
    ) -> Self {
        let mut config = config.clone();
        if !config.issuers.iter().any(|known| known.issuer == issuer) {
            config.issuers.push(IssuerConfig {
                issuer: issuer.to_owned(),
                jwks_url: None,
                roles_claim: "roles".to_owned(),
            });
        }
        Self::with_sources(&config, clock, |known| {
            if known.issuer == issuer {
                Box::new(Shared(keys.clone()))
            } else {
                Box::new(RemoteKeys::new(client.clone(), &known.issuer, known.jwks_url.as_deref()))
            }
        })
    }

    /// A verifier whose time and key sources the caller chooses, one source per configured issuer.
    #[must_use]
    pub fn with_sources(
        config: &IdentityConfig,
        clock: Clock,
        source_of: impl Fn(&IssuerConfig) -> Box<dyn KeySource>,
    ) -> Self {
        let issuers = config
            .issuers
            .iter()
            .map(|issuer| {
                let keys = KeyCache::new(&issuer.issuer, source_of(issuer), clock.clone());
                (issuer.issuer.clone(), Issuer { keys, roles_claim: issuer.roles_claim.clone() })
            })
            .collect();
        let inner = Inner {
            audience: config.audience.clone(),
            leeway: Duration::seconds(i64::try_from(config.leeway_secs.min(300)).unwrap_or(300)),
            issuers,
            verified: TokenCache::new(),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Who bears this token. The first time it costs a signature check (and perhaps a fetch of keys), then a look-up.
    ///
    /// # Errors
    /// Says why the token is not accepted; see [`IdentityError`].
    pub async fn verify(&self, bearer: &str) -> Result<Principal, IdentityError> {
        if bearer.len() > MAX_TOKEN_BYTES {
            return Err(IdentityError::Malformed("too long"));
        }
        let inner = &*self.inner;
        let key = fingerprint(bearer);
        match inner.verified.get(&key, (inner.clock)()) {
            Some(Remembered::Good(verified)) => return Ok(verified.principal.clone()),
            Some(Remembered::Expired) => return Err(IdentityError::Expired),
            None => {}
        }
        let accepted = self.verify_anew(bearer).await?;
        let until = accepted.expires_at.checked_add_signed(inner.leeway).unwrap_or(accepted.expires_at);
        inner.verified.insert(key, accepted.principal.clone(), until, (inner.clock)());
        Ok(accepted.principal)
    }

    /// Who bears this token, if [`verify`](Self::verify) would say so without looking at it again. Costs no copy of the principal.
    #[must_use]
    pub fn recall(&self, bearer: &str) -> Option<Arc<Verified>> {
        let inner = &*self.inner;
        if bearer.len() > MAX_TOKEN_BYTES {
            return None;
        }
        match inner.verified.get(&fingerprint(bearer), (inner.clock)())? {
            Remembered::Good(verified) => Some(verified),
            Remembered::Expired => None,
        }
    }

    async fn verify_anew(&self, bearer: &str) -> Result<Accepted, IdentityError> {
        let (algorithm, kid) = read_header(bearer)?;
        let name = claimed_issuer(bearer)?;
        // Before any fetch: nobody can make us ask an issuer we do not know.
        let issuer = self.inner.issuers.get(&name).ok_or(IdentityError::UnknownIssuer)?;
        let key = issuer.keys.key(&kid).await?;
        if key.algorithm != algorithm {
            return Err(IdentityError::Algorithm);
        }
        let claims = self.check_signature(bearer, &key, &name)?;
        accept(&claims, &name, &issuer.roles_claim, (self.inner.clock)(), self.inner.leeway)
    }

    fn check_signature(
        &self,
        bearer: &str,
        key: &VerifyingKey,
        issuer: &str,
    ) -> Result<Map<String, Value>, IdentityError> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_audience(&[&self.inner.audience]);
        validation.set_issuer(&[issuer]);
        // The times are checked by `accept`, against our own clock and without the library's one-second edges.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        jsonwebtoken::decode::<Map<String, Value>>(bearer, &key.key, &validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => IdentityError::Signature,
                ErrorKind::InvalidAudience => IdentityError::Audience,
                ErrorKind::InvalidIssuer => IdentityError::UnknownIssuer,
                ErrorKind::InvalidAlgorithm => IdentityError::Algorithm,
                ErrorKind::MissingRequiredClaim(_) => IdentityError::Malformed("a claim is missing"),
                _ => IdentityError::Malformed("not a signed token"),
            })
    }
}

/// Reads what is needed to find the key, and refuses what can never be accepted. Nothing here is trusted yet.
fn read_header(bearer: &str) -> Result<(Algorithm, String), IdentityError> {
    let header: Header =
        jsonwebtoken::decode_header(bearer).map_err(|_| IdentityError::Malformed("no readable header"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(IdentityError::Algorithm);
    }
    // RFC 7515 §4.1.11: we understand no extension, so any that is critical is a reason to refuse.
    if header.crit.is_some() {
        return Err(IdentityError::Malformed("a critical extension is not understood"));
    }
    if !header.typ.as_deref().is_none_or(is_access_token_type) {
        return Err(IdentityError::Malformed("not an access token"));
    }
    match header.kid {
        Some(kid) if !kid.is_empty() && kid.len() <= MAX_KID_BYTES => Ok((header.alg, kid)),
        _ => Err(IdentityError::Malformed("no usable kid")),
    }
}

/// RFC 9068 §4 asks for `at+jwt`; issuers older than it write `JWT`. Anything else (an id token's hint, a logout token, a
/// proof of possession) is made for other eyes.
fn is_access_token_type(typ: &str) -> bool {
    ["at+jwt", "application/at+jwt", "jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ))
}

/// Which issuer the token claims to come from; only chooses the keys that then prove it.
fn claimed_issuer(bearer: &str) -> Result<String, IdentityError> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Claimed>(bearer)
        .map(|claimed| claimed.iss)
        .map_err(|_| IdentityError::Malformed("no readable issuer"))
}

/// A key source that several verifiers use.
struct Shared(Arc<dyn KeySource>);

impl KeySource for Shared {
    fn fetch(
        &self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Value, crate::key_source::KeySourceError>> + Send + '_>>
    {
        self.0.fetch()
    }
}
