//! An issuer of tokens with a key of its own, which it publishes as a real one does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{HttpResponse, web};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{IdentityConfig, IssuerConfig};
use serde_json::{Value, json};

use crate::local_server::LocalServer;

/// The audience of the tokens, unless [`TestIssuer::sign`] is given another.
pub const TEST_AUDIENCE: &str = "aldia";

/// How long a token is good for: longer than any test.
const LIFETIME: Duration = Duration::from_hours(1);

/// An OpenID issuer on a port of its own: `/.well-known/openid-configuration`, `/.well-known/jwks.json`, and tokens signed
/// with Ed25519. Tokens are put together here by hand, so that a test can have any wrong one as well.
#[derive(Debug)]
pub struct TestIssuer {
    server: LocalServer,
    key: Ed25519KeyPair,
    kid: String,
}

impl TestIssuer {
    /// Makes a key and publishes it.
    ///
    /// # Panics
    /// When the machine has no randomness or no port.
    #[must_use]
    pub fn start() -> Self {
        let key = Ed25519KeyPair::generate().unwrap_or_else(|error| panic!("no key: {error}"));
        let public = URL_SAFE_NO_PAD.encode(key.public_key());
        let kid = format!("test-{}", uuid::Uuid::new_v4().simple());
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public});
        let keys = json!({"keys": [jwk]});
        let server = LocalServer::start(move |app| {
            let keys = keys.clone();
            let publish = move || std::future::ready(HttpResponse::Ok().json(&keys));
            app.route("/.well-known/jwks.json", web::get().to(publish))
                .route("/.well-known/openid-configuration", web::get().to(discover));
        });
        Self { server, key, kid }
    }

    /// The value of `iss`, also the base of the discovery document.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.server.base_url()
    }

    /// Where the keys are.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.server.base_url())
    }

    /// The configuration of a service that trusts this issuer alone. Give it [`TEST_AUDIENCE`] to have its tokens accepted.
    #[must_use]
    pub fn config(&self, audience: &str) -> IdentityConfig {
        let issuer = IssuerConfig {
            issuer: self.issuer(),
            jwks_url: Some(self.jwks_url()),
            roles_claim: "roles".to_owned(),
        };
        IdentityConfig { audience: audience.to_owned(), issuers: vec![issuer], ..IdentityConfig::default() }
    }

    /// A good token for `subject` with these roles.
    #[must_use]
    pub fn token(&self, subject: &str, roles: &[&str]) -> String {
        let now = unix_now();
        self.sign(&self.claims(subject, roles, now, now + LIFETIME))
    }

    /// A token that was good until an hour ago: further back than any clock tolerance.
    #[must_use]
    pub fn expired_token(&self, subject: &str, roles: &[&str]) -> String {
        let now = unix_now();
        self.sign(&self.claims(subject, roles, now - 2 * LIFETIME, now - LIFETIME))
    }

    /// A token of any claims, whatever is wrong with them, signed with the published key.
    ///
    /// # Panics
    /// Never: claims that are a JSON value can be written as JSON.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn claims(&self, subject: &str, roles: &[&str], issued: Duration, expires: Duration) -> Value {
        json!({
            "iss": self.issuer(), "sub": subject, "aud": TEST_AUDIENCE, "roles": roles,
            "iat": issued.as_secs(), "exp": expires.as_secs(), "jti": uuid::Uuid::new_v4(),
        })
    }
}

/// The issuer's name is the address it was asked at, which it does not know before it is bound.
async fn discover(request: actix_web::HttpRequest) -> HttpResponse {
    let issuer = format!("http://{}", request.connection_info().host());
    let document = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/.well-known/jwks.json")});
    HttpResponse::Ok().json(document)
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
