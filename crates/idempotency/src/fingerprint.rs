//! What makes two requests the same request.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Separates this key from every other use of the same secret; changing it makes stored keys look reused.
const KEY_CONTEXT: &str = "aldia idempotency 2026-11 request fingerprint";

/// The key under which one deployment takes fingerprints. Bodies may hold passwords: without it, whoever reads the table
/// could try guesses against a fingerprint as fast as hashes are made.
#[derive(Clone)]
pub struct FingerprintKey([u8; blake3::KEY_LEN]);

impl FingerprintKey {
    /// Derives the key from a deployment's secret. Every replica needs the same one, or a retry that reaches another replica
    /// is refused as another request.
    #[must_use]
    pub fn derive(secret: &SecretString) -> Self {
        Self(blake3::derive_key(KEY_CONTEXT, secret.expose_secret().as_bytes()))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// A keyed digest of everything that decides what a request does: an idempotency key that comes back with another one was
/// used twice for different things. `path` is the one the client asked for, with its query; `content_type` is empty when
/// there is none.
#[must_use]
pub fn fingerprint(
    key: &FingerprintKey,
    method: &str,
    path: &str,
    content_type: &str,
    body: &[u8],
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    update_parts(&mut hasher, &[method.as_bytes(), path.as_bytes(), content_type.as_bytes(), body]);
    hasher.finalize().into()
}

/// Each part after its length, so that no byte can move from one part to the next unnoticed.
pub(crate) fn update_parts(hasher: &mut blake3::Hasher, parts: &[&[u8]]) {
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> FingerprintKey {
        FingerprintKey::derive(&secret.into())
    }

    #[test]
    fn every_part_of_a_request_counts_and_none_runs_into_the_next() {
        let key = key("secret");
        let requests = [
            fingerprint(&key, "POST", "/v1/animals", "application/json", b"{}"),
            fingerprint(&key, "PUT", "/v1/animals", "application/json", b"{}"),
            fingerprint(&key, "POST", "/v1/animal", "sapplication/json", b"{}"),
            fingerprint(&key, "POST", "/v1/animals", "application/json{", b"}"),
            fingerprint(&key, "POST", "/v1/animals", "", b"{}"),
        ];
        for (i, a) in requests.iter().enumerate() {
            assert!(requests.iter().enumerate().all(|(j, b)| (a == b) == (i == j)));
        }
    }

    #[test]
    fn a_fingerprint_can_be_taken_only_with_the_deployments_secret() {
        let taken = |secret: &str| fingerprint(&key(secret), "POST", "/v1/users", "application/json", b"{}");
        assert_eq!(taken("secret"), taken("secret"));
        assert_ne!(taken("secret"), taken("another"));
        assert!(!format!("{:?}", key("secret")).contains("secret"));
    }
}
