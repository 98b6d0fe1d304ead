//! How often one may try to sign in: per client address, and per user name whether there is such a user or not.

use throttle::{Throttle, ThrottleError, Verdict};

use super::config::AttemptsConfig;
use super::error::AuthError;

/// The two counts. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    by_address: Throttle,
    by_username: Throttle,
}

impl Attempts {
    /// Counts in this Redis. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address does not parse.
    pub(crate) fn new(redis_url: &str, config: &AttemptsConfig) -> Result<Self, ThrottleError> {
        let window = config.window();
        Ok(Self {
            by_address: Throttle::new(redis_url, "login-address", config.per_address, window)?,
            by_username: Throttle::new(redis_url, "login-username", config.per_username, window)?,
        })
    }

    /// Counts one attempt. The address first: one client must not be able to use up the attempts of many names for free.
    ///
    /// # Errors
    /// [`AuthError::TooManyAttempts`].
    pub(crate) async fn count(&self, address: &str, username: &str) -> Result<(), AuthError> {
        allowed(self.by_address.check(address).await)?;
        allowed(self.by_username.check(&fold(username)).await)
    }

    /// The right password was given: the name starts anew, the address does not.
    pub(crate) async fn succeed(&self, username: &str) {
        self.by_username.forgive(&fold(username)).await;
    }
}

fn allowed(verdict: Verdict) -> Result<(), AuthError> {
    match verdict {
        Verdict::Allowed { .. } => Ok(()),
        Verdict::Refused { retry_after } => Err(AuthError::TooManyAttempts { retry_after }),
    }
}

/// One count for all spellings that find the same person.
fn fold(username: &str) -> String {
    username.to_lowercase()
}
