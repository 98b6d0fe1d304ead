//! Making the tokens of an answer.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::config::AuthConfig;
use super::error::AuthError;
use super::keyring::Ring;
use crate::domain::session::{RefreshToken, TOKEN_BYTES};

/// The answer to a sign-in and to a refresh (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(minimum = 0, example = 900)]
    expires_in: u32,
    /// Gets the next pair, once.
    refresh_token: String,
    /// Seconds until the refresh token expires.
    #[schema(minimum = 0, example = 2_592_000)]
    refresh_expires_in: i64,
}

/// Whom the tokens are for.
pub(crate) struct Bearer<'a> {
    pub(crate) user_id: Uuid,
    pub(crate) role: &'a str,
    pub(crate) session_id: Uuid,
}

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: Uuid,
    aud: &'a str,
    /// RFC 9068 asks for it. We register no clients, so it is the audience's name.
    client_id: &'a str,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: Uuid,
    roles: [&'a str; 1],
    /// The session: what the token descends from.
    sid: Uuid,
}

/// A new refresh token.
///
/// # Errors
/// [`AuthError::Token`] when the system gives no randomness.
pub(crate) fn new_refresh_token() -> Result<RefreshToken, AuthError> {
    let mut bytes = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| AuthError::Token(Box::new(error)))?;
    Ok(RefreshToken::from_random(&bytes))
}

/// The signed access token for a bearer.
///
/// # Errors
/// When there is no key to sign with.
pub(crate) fn access_token(
    config: &AuthConfig,
    ring: &Ring,
    bearer: &Bearer<'_>,
    now: DateTime<Utc>,
) -> Result<String, AuthError> {
    let claims = Claims {
        iss: &config.issuer,
        sub: bearer.user_id,
        aud: &config.audience,
        client_id: &config.audience,
        exp: (now + config.access_ttl()).timestamp(),
        iat: now.timestamp(),
        nbf: now.timestamp(),
        jti: Uuid::now_v7(),
        roles: [bearer.role],
        sid: bearer.session_id,
    };
    ring.signing_key(now)?.sign(&claims).map_err(|error| AuthError::Token(Box::new(error)))
}

impl TokenResponse {
    /// The answer with these tokens.
    pub(crate) fn new(
        config: &AuthConfig,
        access_token: String,
        refresh_token: &RefreshToken,
        refresh_lasts: chrono::Duration,
    ) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: config.access_ttl_secs,
            refresh_token: refresh_token.expose().to_owned(),
            refresh_expires_in: refresh_lasts.num_seconds(),
        }
    }
}
