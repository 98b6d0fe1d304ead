//! The name of a service whose answers are governed.

use std::fmt;
use std::sync::Arc;

use crate::FreshnessError;

const MAX_BYTES: usize = 64;

/// The name of a service whose answers are governed, such as `catalog`: part of keys in Redis and of subjects in NATS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Accepts lower-case letters, digits and hyphens, 1 to 64 of them.
    ///
    /// # Errors
    /// [`FreshnessError::Settings`] for anything else.
    pub fn new(name: &str) -> Result<Self, FreshnessError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > MAX_BYTES || !name.bytes().all(allowed) {
            return Err(FreshnessError::Settings(format!("{name:?} is no name of a domain")));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Domain;

    #[test]
    fn a_domain_is_a_plain_word() {
        assert_eq!(Domain::new("stories-feed").unwrap().as_str(), "stories-feed");
        for name in ["", "Catalog", "a.b", "a*", "{a}", "a b", &"a".repeat(65)] {
            assert!(Domain::new(name).is_err(), "{name}");
        }
    }
}
