//! The keys an issuer signs with: Ed25519, named by their thumbprint.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

/// A key that cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system's random source failed.
    #[error("a key could not be generated")]
    Generate,
    /// The bytes are no Ed25519 key in PKCS#8.
    #[error("the private key is not readable")]
    Read,
    /// The claims could not be written as JSON, or signed.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// The public half of a [`SigningKey`], as it is published (RFC 7517, RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// The public key, base64url.
    pub x: String,
    /// The key's name: its RFC 7638 thumbprint.
    pub kid: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// An Ed25519 key to sign access tokens with. `Debug` shows its name only; the private half is wiped when it is dropped.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: PublicJwk,
}

impl SigningKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Generate`] when the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pair(&Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?)
    }

    /// Reads a key in PKCS#8 DER, version 1 or 2.
    ///
    /// # Errors
    /// [`KeyError::Read`] when it is no such key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_pair(&Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Read)?)
    }

    fn from_pair(pair: &Ed25519KeyPair) -> Result<Self, KeyError> {
        // Version 1 whatever was read: it is what the widest set of readers takes, and one form makes sealed keys comparable.
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Read)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let public = PublicJwk {
            kid: thumbprint(&x),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        };
        Ok(Self { private: EncodingKey::from_ed_der(der.as_ref()), public })
    }

    /// The key's name, as it stands in a token's header.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// What to publish.
    #[must_use]
    pub fn public_jwk(&self) -> &PublicJwk {
        &self.public
    }

    /// The private key in PKCS#8 DER, to be sealed and stored.
    #[must_use]
    pub fn to_pkcs8(&self) -> SecretSlice<u8> {
        self.private.as_bytes().to_vec().into()
    }

    /// Signs an access token (RFC 9068: `typ` is `at+jwt`) with these claims.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the claims do not serialise.
    pub fn sign<T: Serialize>(&self, claims: &T) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.public.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private).map_err(KeyError::Sign)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

/// RFC 7638: SHA-256 over the required members, in the order of their names, without spaces.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_thumbprint_is_the_one_of_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_survives_storage_in_either_version_of_pkcs8() {
        let key = SigningKey::generate().unwrap();
        let stored = key.to_pkcs8();
        assert_eq!(SigningKey::from_pkcs8(stored.expose_secret()).unwrap().public, key.public);
        let second = Ed25519KeyPair::from_pkcs8(stored.expose_secret()).unwrap().to_pkcs8().unwrap();
        assert_eq!(SigningKey::from_pkcs8(second.as_ref()).unwrap().public, key.public);
        assert!(SigningKey::from_pkcs8(b"nonsense").is_err());
    }

    #[test]
    fn debug_shows_no_private_part() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
    }
}
