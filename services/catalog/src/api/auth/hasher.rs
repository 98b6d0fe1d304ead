//! Hashing passwords without hashing the service: off the workers, a few at a time, with a bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
use telemetry::request::Part;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::PasswordConfig;
use super::error::AuthError;
use crate::domain::credential::{self, CredentialError, HashParams, Verification};

/// The one place that hashes. Cheap to clone; clones share the queue.
#[derive(Clone)]
pub(crate) struct Hasher {
    inner: Arc<Inner>,
}

struct Inner {
    params: HashParams,
    config: PasswordConfig,
    running: Arc<Semaphore>,
    waiting: AtomicU32,
    /// Compared with when there is no such user, so that the answer takes as long as for one.
    decoy: String,
}

impl Hasher {
    /// A hasher. Hashes once, for the decoy.
    ///
    /// # Errors
    /// When argon2 cannot work with the parameters.
    pub(crate) fn new(config: &PasswordConfig) -> Result<Self, CredentialError> {
        let params = config.params();
        let inner = Inner {
            params,
            config: config.clone(),
            running: Arc::new(Semaphore::new(usize::try_from(config.concurrent.max(1)).unwrap_or(1))),
            waiting: AtomicU32::new(0),
            decoy: credential::hash_password("nobody has this password", params)?,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`AuthError::HashingBusy`] when the queue is full or too slow.
    pub(crate) async fn hash(&self, plain: SecretString) -> Result<String, AuthError> {
        let params = self.inner.params;
        self.run(move || credential::hash_password(plain.expose_secret(), params)).await
    }

    /// Whether `plain` is the password of `stored`; without one, [`Verification::Wrong`] after as long a time.
    ///
    /// # Errors
    /// [`AuthError::HashingBusy`] as above; [`AuthError::Credential`] when `stored` is no hash.
    pub(crate) async fn verify(
        &self,
        plain: SecretString,
        stored: Option<&str>,
    ) -> Result<Verification, AuthError> {
        let params = self.inner.params;
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.inner.decoy).to_owned();
        let verification =
            self.run(move || credential::verify_password(plain.expose_secret(), &stored, params)).await?;
        // Somebody could guess the decoy's password; it is nobody's.
        Ok(if known { verification } else { Verification::Wrong })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let permit = self.permit().await?;
        let job = tokio::task::spawn_blocking(move || {
            // Goes with the work, not with the request: a client that hangs up frees no core.
            let _permit = permit;
            work()
        });
        let outcome = job.await.map_err(|error| AuthError::Token(Box::new(error)))?;
        Ok(outcome?)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, AuthError> {
        let running = self.inner.running.clone();
        if let Ok(permit) = running.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take(&self.inner).ok_or(AuthError::HashingBusy)?;
        let _waiting = telemetry::request::enter(Part::Queue);
        let turn = tokio::time::timeout(self.inner.config.queue_timeout(), running.acquire_owned()).await;
        drop(place);
        // The semaphore is never closed, so an error is a timeout either way.
        turn.ok().and_then(Result::ok).ok_or(AuthError::HashingBusy)
    }
}

/// A place in the queue; given back when dropped, also by a client that hangs up.
struct Place<'a>(&'a Inner);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Option<Self> {
        let before = inner.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(inner);
        (before < inner.config.queue).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> PasswordConfig {
        PasswordConfig { memory_kib: 64, iterations: 1, concurrent: 1, queue: 1, ..PasswordConfig::default() }
    }

    #[tokio::test]
    async fn nobody_has_no_password_not_even_the_decoys() {
        let hasher = Hasher::new(&config()).unwrap();
        let stored = hasher.hash("correct horse".into()).await.unwrap();
        assert_eq!(hasher.verify("correct horse".into(), Some(&stored)).await.unwrap(), Verification::Right);
        let decoys = hasher.verify("nobody has this password".into(), None).await.unwrap();
        assert_eq!(decoys, Verification::Wrong);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_frees_its_places() {
        let hasher = Hasher::new(&config()).unwrap();
        let held = hasher.permit().await.unwrap();
        let mut waits = Box::pin(hasher.permit());
        assert!(futures_util::poll!(&mut waits).is_pending(), "one may wait");
        assert!(matches!(hasher.permit().await, Err(AuthError::HashingBusy)), "a second may not");
        drop(waits);
        let mut waits = Box::pin(hasher.permit());
        assert!(futures_util::poll!(&mut waits).is_pending(), "the place of one that left is free again");
        drop(held);
        assert!(waits.await.is_ok());
    }

    #[tokio::test]
    async fn a_queue_that_does_not_move_gives_up() {
        let hasher = Hasher::new(&PasswordConfig { queue_timeout_ms: 5, ..config() }).unwrap();
        let _held = hasher.permit().await.unwrap();
        assert!(matches!(hasher.permit().await, Err(AuthError::HashingBusy)));
    }
}
