//! Passwords: how they are hashed (argon2id), and whether one fits a stored hash. What is accepted as a new one, 8 to 1024
//! characters, stands with the model's field.
//!
//! Hashing is slow on purpose; callers run it on a blocking thread, behind the bound of `api::auth::hasher`.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

/// Most characters of a password, as in the model: longer ones are refused before anything is hashed.
pub(crate) const MAX_CHARS: usize = 1024;

/// How much work one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HashParams {
    /// Memory in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over the memory.
    pub(crate) iterations: u32,
    /// Lanes, computed one after the other.
    pub(crate) lanes: u32,
}

/// A hash that could not be made or read. Says nothing about the password.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// The parameters are out of argon2's range.
    #[error("the password hashing parameters are not usable")]
    Params(#[source] argon2::Error),
    /// Hashing failed.
    #[error("the password could not be hashed")]
    Hash(#[source] HashError),
    /// What is stored is no argon2 hash.
    #[error("a stored password hash is not readable")]
    Stored(#[source] HashError),
}

/// Whether a password fits a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// It does not.
    Wrong,
    /// It does.
    Right,
    /// It does, but the hash was made with other parameters: make a new one while the password is at hand.
    RightButOutdated,
}

impl HashParams {
    fn hasher(self) -> Result<Argon2<'static>, CredentialError> {
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, None)
            .map_err(CredentialError::Params)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// Whether argon2 can work with these.
    ///
    /// # Errors
    /// [`CredentialError::Params`] when it cannot.
    pub(crate) fn check(self) -> Result<(), CredentialError> {
        self.hasher().map(|_| ())
    }
}

/// Hashes a password under a salt of its own; the result is a PHC string. Takes tens of milliseconds.
///
/// # Errors
/// When the parameters are unusable or the system gives no randomness.
pub(crate) fn hash_password(plain: &str, params: HashParams) -> Result<String, CredentialError> {
    let hash: PasswordHash =
        params.hasher()?.hash_password(plain.as_bytes()).map_err(CredentialError::Hash)?;
    Ok(hash.to_string())
}

/// Whether `plain` is the password that `stored` was made from. Takes as long as the stored hash took.
///
/// # Errors
/// When `stored` is no argon2 hash.
pub(crate) fn verify_password(
    plain: &str,
    stored: &str,
    params: HashParams,
) -> Result<Verification, CredentialError> {
    let hash = PasswordHash::new(stored).map_err(|error| CredentialError::Stored(error.into()))?;
    match params.hasher()?.verify_password(plain.as_bytes(), &hash) {
        Ok(()) if is_current(&hash, params) => Ok(Verification::Right),
        Ok(()) => Ok(Verification::RightButOutdated),
        Err(HashError::PasswordInvalid) => Ok(Verification::Wrong),
        Err(error) => Err(CredentialError::Stored(error)),
    }
}

fn is_current(hash: &PasswordHash, params: HashParams) -> bool {
    let same_costs = Params::try_from(hash).is_ok_and(|own| {
        (own.m_cost(), own.t_cost(), own.p_cost()) == (params.memory_kib, params.iterations, params.lanes)
    });
    same_costs && hash.algorithm == Algorithm::Argon2id.ident()
}

/// What a session remembers of the password hash it began with; says nothing about the hash itself.
pub(crate) fn credential_mark(stored: &str) -> [u8; 32] {
    *blake3::hash(stored.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashParams = HashParams { memory_kib: 64, iterations: 1, lanes: 1 };

    #[test]
    fn only_the_right_password_fits() {
        let stored = hash_password("correct horse", CHEAP).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_eq!(verify_password("correct horse", &stored, CHEAP).unwrap(), Verification::Right);
        for wrong in ["", "correct horse ", "Correct horse", "correct hors"] {
            assert_eq!(verify_password(wrong, &stored, CHEAP).unwrap(), Verification::Wrong);
        }
    }

    #[test]
    fn the_same_password_never_hashes_to_the_same_text() {
        assert_ne!(
            hash_password("correct horse", CHEAP).unwrap(),
            hash_password("correct horse", CHEAP).unwrap()
        );
    }

    #[test]
    fn a_hash_of_other_costs_still_fits_and_is_outdated() {
        let stored = hash_password("correct horse", CHEAP).unwrap();
        for newer in [
            HashParams { memory_kib: 128, ..CHEAP },
            HashParams { iterations: 2, ..CHEAP },
            HashParams { memory_kib: 128, lanes: 2, ..CHEAP },
        ] {
            let verification = verify_password("correct horse", &stored, newer).unwrap();
            assert_eq!(verification, Verification::RightButOutdated);
            assert_eq!(verify_password("wrong", &stored, newer).unwrap(), Verification::Wrong);
        }
    }

    #[test]
    fn what_is_no_hash_is_an_error_and_not_a_wrong_password() {
        for stored in ["", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"] {
            assert!(verify_password("x", stored, CHEAP).is_err(), "{stored}");
        }
        assert!(hash_password("x", HashParams { memory_kib: 1, ..CHEAP }).is_err());
    }
}
