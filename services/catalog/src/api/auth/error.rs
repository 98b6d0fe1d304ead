//! What can go wrong while signing in, and what the client hears of it.

use std::time::Duration;

use pg_pool::PgError;
use problem::{Problem, registry};

use super::keyring::KeyRingError;
use super::problems::{INVALID_CREDENTIALS, INVALID_GRANT, REFRESH_TOKEN_REUSED};
use crate::domain::credential::CredentialError;

/// The error of every step here; handlers turn it into a [`Problem`], which is what clients get.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// User name and password do not go together; see [`INVALID_CREDENTIALS`].
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// The refresh token is of no use; see [`INVALID_GRANT`].
    #[error("the refresh token is not valid")]
    InvalidGrant,
    /// The refresh token was used before; see [`REFRESH_TOKEN_REUSED`].
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    /// Too many attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// More passwords wait to be checked than is allowed.
    #[error("too many passwords wait to be hashed")]
    HashingBusy,
    /// The request is not understood; the problem says why.
    #[error("the request is not valid")]
    Request(#[source] Problem),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] PgError),
    /// No key to sign with.
    #[error("there is no key to sign with")]
    Keys(#[from] KeyRingError),
    /// A password could not be hashed or compared.
    #[error("a password could not be checked")]
    Credential(#[from] CredentialError),
    /// A token could not be made.
    #[error("a token could not be made")]
    Token(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<pg_pool::QueryError> for AuthError {
    fn from(error: pg_pool::QueryError) -> Self {
        Self::Database(error.into())
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::InvalidCredentials => Self::new(&INVALID_CREDENTIALS),
            AuthError::InvalidGrant => Self::new(&INVALID_GRANT),
            AuthError::RefreshTokenReused => Self::new(&REFRESH_TOKEN_REUSED),
            AuthError::TooManyAttempts { retry_after } => Self::new(&registry::TOO_MANY_REQUESTS)
                .detail("too many attempts to sign in")
                .header("Retry-After", whole_seconds(retry_after).to_string()),
            AuthError::Request(problem) => problem,
            error if error.is_unavailable() => Self::new(&registry::UNAVAILABLE).cause(error),
            error => Self::new(&registry::INTERNAL).cause(error),
        }
    }
}

impl AuthError {
    fn is_unavailable(&self) -> bool {
        match self {
            Self::HashingBusy => true,
            Self::Database(error) | Self::Keys(KeyRingError::Database(error)) => {
                error.is_unavailable() || error.is_timeout()
            }
            _ => false,
        }
    }
}

/// Rounded up: a client that waits exactly so long must not be early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
