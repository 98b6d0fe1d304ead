//! Who uses a key, and for which operation.

use std::fmt;

use crate::fingerprint::update_parts;

/// Keys of different scopes have nothing to do with each other. Only a digest of the parts is kept: it has one length
/// whatever a foreign issuer calls its users, and nothing in one part can pass for the beginning of the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(String);

impl Scope {
    /// The scope made of these parts, in their order: usually the principal, the method and the path.
    #[must_use]
    pub fn new(parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("aldia idempotency 2026-11 scope");
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        update_parts(&mut hasher, &parts);
        Self(hasher.finalize().to_hex().to_string())
    }

    /// As it is stored: 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let scopes = [
            Scope::new(&["user 1", "POST", "/v1/animals"]),
            Scope::new(&["user", "1 POST", "/v1/animals"]),
            Scope::new(&["user 1 POST /v1/animals"]),
            Scope::new(&["user 1", "POST", "/v1/animals", ""]),
            Scope::new(&["user 2", "POST", "/v1/animals"]),
        ];
        for (i, a) in scopes.iter().enumerate() {
            assert!(scopes.iter().enumerate().all(|(j, b)| (a == b) == (i == j)));
        }
    }

    #[test]
    fn a_scope_has_one_length_and_tells_no_names() {
        let scope = Scope::new(&[&"mara".repeat(1000), "POST", "/v1/animals"]);
        assert_eq!(scope.as_str().len(), 64);
        assert!(scope.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
