//! What the handlers of this section share. Cheap to clone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use identity::{Clock, IdentityConfig, KeySource, KeySourceError, Verifier};
use pg_pool::PgPool;
use problem::Problem;

use super::attempts::Attempts;
use super::config::AuthConfig;
use super::error::AuthError;
use super::hasher::Hasher;
use super::keyring::KeyRing;
use super::sealing::SealError;
use crate::domain::credential::CredentialError;

/// Why this section cannot be set up; all of it is configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthSetupError {
    /// The master key.
    #[error("the master key is not usable")]
    MasterKey(#[from] SealError),
    /// The password section.
    #[error("passwords cannot be hashed like this")]
    Password(#[from] CredentialError),
}

/// Passwords, tokens and keys.
#[derive(Clone)]
pub(crate) struct AuthState {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    config: Arc<AuthConfig>,
    attempts: Attempts,
    clock: Clock,
    hasher: Hasher,
    keyring: KeyRing,
}

impl AuthState {
    /// Sets the section up. Touches neither the database nor Redis: keys are read, and the first one made, when they are
    /// needed.
    ///
    /// # Errors
    /// When the configuration is not usable; [`AuthConfig::faults`] says so with the key's name.
    pub(crate) fn new(
        pool: PgPool,
        config: AuthConfig,
        attempts: Attempts,
        clock: Clock,
    ) -> Result<Self, AuthSetupError> {
        let config = Arc::new(config);
        let hasher = Hasher::new(&config.password)?;
        let keyring = KeyRing::new(pool.clone(), config.clone(), clock.clone())?;
        Ok(Self { inner: Arc::new(Inner { pool, config, attempts, clock, hasher, keyring }) })
    }

    /// The hash to store for a new password. The rules for passwords are the model's to check.
    ///
    /// # Errors
    /// 503 when too many passwords are being hashed.
    pub(crate) async fn hash_password(&self, plain: String) -> Result<String, Problem> {
        self.inner.hasher.hash(plain.into()).await.map_err(Problem::from)
    }

    /// A verifier that takes this service's own tokens, with the keys at hand, beside those of the configured issuers.
    pub(crate) fn verifier(&self, identity: &IdentityConfig, client: http_client::Client) -> Verifier {
        let keys = Arc::new(OwnKeys(self.clone()));
        Verifier::with_local_keys(identity, client, self.inner.clock.clone(), &self.inner.config.issuer, keys)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.inner.clock)()
    }

    pub(crate) fn config(&self) -> &AuthConfig {
        &self.inner.config
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.inner.attempts
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn keyring(&self) -> &KeyRing {
        &self.inner.keyring
    }

    /// The document of `/.well-known/jwks.json`.
    ///
    /// # Errors
    /// When the keys cannot be read and never were.
    pub(crate) async fn key_set(&self) -> Result<serde_json::Value, AuthError> {
        Ok(self.inner.keyring.current().await?.key_set(self.now()))
    }
}

/// The verifier's way to our keys, without asking ourselves over the network.
struct OwnKeys(AuthState);

impl KeySource for OwnKeys {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<serde_json::Value, KeySourceError>> + Send + '_>> {
        Box::pin(async {
            let ring = self.0.inner.keyring.current().await;
            let ring = ring.map_err(|error| KeySourceError::Fetch(Box::new(error)))?;
            Ok(ring.key_set(self.0.now()))
        })
    }
}
