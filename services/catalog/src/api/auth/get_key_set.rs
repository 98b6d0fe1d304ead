//! The public keys that access tokens are checked with (RFC 7517), and where everything is (OpenID discovery).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::config::KEY_SET_MAX_AGE_SECS;
use super::state::AuthState;

/// A set of public keys (RFC 7517 §5).
#[derive(Serialize, ToSchema)]
pub(crate) struct KeySetResponse {
    /// The keys: those that sign, the next one, and those whose tokens are still about.
    keys: Vec<PublicKey>,
}

/// An Ed25519 public key (RFC 8037 §2).
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: String,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: String,
    /// The key, base64url.
    x: String,
    /// Its name: the RFC 7638 thumbprint.
    kid: String,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: String,
}

/// Where everything is (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigurationResponse {
    /// What stands in `iss` of every token.
    issuer: String,
    /// The public keys.
    jwks_uri: String,
    /// Where tokens are had.
    token_endpoint: String,
    /// Where refresh tokens are given back.
    revocation_endpoint: String,
    /// Kinds of grants.
    grant_types_supported: [&'static str; 2],
    /// None: there is no authorisation endpoint.
    response_types_supported: [&'static str; 0],
    /// A subject is the same for everybody.
    subject_types_supported: [&'static str; 1],
    /// Clients are not registered.
    token_endpoint_auth_methods_supported: [&'static str; 1],
    /// Algorithms of the tokens.
    id_token_signing_alg_values_supported: [&'static str; 1],
}

/// The keys that access tokens are checked with.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "get_key_set",
    tag = "auth",
    responses(
        (status = 200, description = "The key set", body = KeySetResponse, headers(("Cache-Control" = String, description = "`public, max-age=300`"))),
        (status = 503, description = "`unavailable`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(()),
)]
pub(crate) async fn get_key_set(auth: web::Data<AuthState>) -> Result<HttpResponse, Problem> {
    let keys = auth.key_set().await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, cacheable())).json(keys))
}

/// Where everything is.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    operation_id = "get_openid_configuration",
    tag = "auth",
    responses((status = 200, description = "The discovery document", body = ConfigurationResponse, headers(("Cache-Control" = String, description = "`public, max-age=300`")))),
    security(()),
)]
pub(crate) async fn get_openid_configuration(auth: web::Data<AuthState>) -> HttpResponse {
    let issuer = &auth.config().issuer;
    HttpResponse::Ok().insert_header((CACHE_CONTROL, cacheable())).json(ConfigurationResponse {
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        token_endpoint: format!("{issuer}/v1/auth/token"),
        revocation_endpoint: format!("{issuer}/v1/auth/revoke"),
        grant_types_supported: ["password", "refresh_token"],
        response_types_supported: [],
        subject_types_supported: ["public"],
        token_endpoint_auth_methods_supported: ["none"],
        id_token_signing_alg_values_supported: ["EdDSA"],
        issuer: issuer.clone(),
    })
}

fn cacheable() -> String {
    format!("public, max-age={KEY_SET_MAX_AGE_SECS}")
}
