//! The signing keys as this replica knows them: a copy of the database's, opened, at most half a minute old.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Duration, Utc};
use identity::Clock;
use identity::keys::SigningKey;
use pg_pool::{PgError, PgPool};
use serde_json::{Value, json};

use super::config::{AuthConfig, KEY_RELOAD_SECS};
use super::sealing::{SealError, Sealer};
use crate::jobs::key_rotation::{self, Urgency};
use crate::store::auth::keys::{self, StoredKey};

/// No usable keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyRingError {
    /// The database failed, and there is no copy to go on with.
    #[error("the signing keys could not be read or stored")]
    Database(#[source] PgError),
    /// A key could not be sealed, or the master key is not usable.
    #[error("a signing key could not be sealed")]
    Seal(#[from] SealError),
    /// A key could not be made.
    #[error("a signing key could not be made")]
    Generate(#[from] identity::keys::KeyError),
    /// There are keys that should sign now, but none of them opens.
    #[error("no stored signing key opens with the master key; `catalog rotate-keys --at-once` replaces them")]
    NoneOpens,
}

impl From<PgError> for KeyRingError {
    fn from(error: PgError) -> Self {
        Self::Database(error)
    }
}

impl From<pg_pool::QueryError> for KeyRingError {
    fn from(error: pg_pool::QueryError) -> Self {
        Self::Database(error.into())
    }
}

/// The keys at one moment.
pub(crate) struct Ring {
    keys: Vec<RingKey>,
    loaded_at: DateTime<Utc>,
}

struct RingKey {
    /// Empty when it does not open: it is still published, others may hold tokens of it.
    signing: Option<SigningKey>,
    jwk: Value,
    not_before: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

impl Ring {
    /// The key to sign with now: the newest that may.
    ///
    /// # Errors
    /// [`KeyRingError::NoneOpens`] when there is none.
    pub(crate) fn signing_key(&self, now: DateTime<Utc>) -> Result<&SigningKey, KeyRingError> {
        let may_sign = |key: &&RingKey| key.not_before <= now && key.retired_at.is_none_or(|at| now < at);
        self.keys
            .iter()
            .filter(may_sign)
            .max_by_key(|key| key.not_before)
            .and_then(|key| key.signing.as_ref())
            .ok_or(KeyRingError::NoneOpens)
    }

    /// The document to publish: every key that signs, will sign, or has tokens about.
    pub(crate) fn key_set(&self, now: DateTime<Utc>) -> Value {
        let published = self.keys.iter().filter(|key| key.expires_at.is_none_or(|at| now < at));
        json!({ "keys": published.map(|key| key.jwk.clone()).collect::<Vec<_>>() })
    }

    fn has_a_key(&self, now: DateTime<Utc>) -> bool {
        self.keys.iter().any(|key| key.not_before <= now && key.retired_at.is_none_or(|at| now < at))
    }
}

/// The shared copy. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    config: Arc<AuthConfig>,
    sealer: Sealer,
    clock: Clock,
    ring: RwLock<Option<Arc<Ring>>>,
    /// Held by whoever reads the database; the others go on with the old copy, or wait when there is none.
    loading: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// A key ring that reads its keys when they are first needed.
    ///
    /// # Errors
    /// [`SealError::MasterKey`] when a master key is not usable.
    pub(crate) fn new(pool: PgPool, config: Arc<AuthConfig>, clock: Clock) -> Result<Self, SealError> {
        let sealer = Sealer::new(&config.master_key, config.previous_master_key.as_ref())?;
        let inner = Inner {
            pool,
            config,
            sealer,
            clock,
            ring: RwLock::new(None),
            loading: tokio::sync::Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The keys, read anew when the copy is old. The first call of the first replica makes the first key.
    ///
    /// # Errors
    /// When they cannot be read and there is no copy.
    pub(crate) async fn current(&self) -> Result<Arc<Ring>, KeyRingError> {
        let old = self.copy();
        if let Some(ring) = self.fresh(old.as_ref()) {
            return Ok(ring);
        }
        let _one_at_a_time = match (&old, self.inner.loading.try_lock()) {
            (_, Ok(guard)) => guard,
            (Some(ring), Err(_)) => return Ok(ring.clone()),
            (None, Err(_)) => self.inner.loading.lock().await,
        };
        if let Some(ring) = self.fresh(self.copy().as_ref()) {
            return Ok(ring);
        }
        match (self.load().await, old) {
            (Ok(ring), _) => Ok(ring),
            (Err(error), Some(ring)) => {
                tracing::warn!(%error, "going on with the signing keys as they were last read");
                Ok(ring)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Reads the keys now, and makes the first one when there is none.
    ///
    /// # Errors
    /// When they cannot be read, or the first one cannot be made.
    pub(crate) async fn load(&self) -> Result<Arc<Ring>, KeyRingError> {
        let now = (self.inner.clock)();
        let mut ring = self.ring_of(self.read().await?, now);
        if !ring.has_a_key(now) {
            key_rotation::rotate_as(
                &self.inner.pool,
                &self.inner.config,
                &self.inner.sealer,
                now,
                Urgency::WhenDue,
            )
            .await?;
            ring = self.ring_of(self.read().await?, now);
        }
        let ring = Arc::new(ring);
        *self.inner.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(ring.clone());
        Ok(ring)
    }

    async fn read(&self) -> Result<Vec<StoredKey>, KeyRingError> {
        let mut conn = self.inner.pool.read().await?;
        Ok(keys::all(&mut conn).await?)
    }

    fn ring_of(&self, stored: Vec<StoredKey>, now: DateTime<Utc>) -> Ring {
        let keys = stored.into_iter().map(|row| {
            let signing = self.open(&row);
            RingKey {
                signing,
                jwk: row.public_jwk,
                not_before: row.not_before,
                retired_at: row.retired_at,
                expires_at: row.expires_at,
            }
        });
        Ring { keys: keys.collect(), loaded_at: now }
    }

    fn open(&self, row: &StoredKey) -> Option<SigningKey> {
        let opened = self.inner.sealer.open(&row.kid, &row.private_key_sealed);
        match opened.map(|der| SigningKey::from_pkcs8(secrecy::ExposeSecret::expose_secret(&der))) {
            Ok(Ok(key)) => Some(key),
            Ok(Err(error)) => {
                tracing::error!(kid = row.kid, %error, "a stored signing key is not readable");
                None
            }
            Err(error) => {
                tracing::error!(kid = row.kid, %error, "a stored signing key does not open");
                None
            }
        }
    }

    fn copy(&self) -> Option<Arc<Ring>> {
        self.inner.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self, ring: Option<&Arc<Ring>>) -> Option<Arc<Ring>> {
        let now = (self.inner.clock)();
        ring.filter(|ring| now - ring.loaded_at < Duration::seconds(KEY_RELOAD_SECS) && ring.has_a_key(now))
            .cloned()
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
}
