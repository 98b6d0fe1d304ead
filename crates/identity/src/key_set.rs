//! A fetched key set, reduced to the keys this crate is willing to verify with.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// More keys than this are not an issuer's key set but an attack on our memory.
const MAX_KEYS: usize = 64;

/// One key and the only algorithm it is used with.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// The usable keys of one issuer, by `kid`.
#[derive(Clone, Default)]
pub(crate) struct KeySet {
    keys: HashMap<String, VerifyingKey>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Keys of other kinds, for other uses or without a `kid` are left out, as the RFC asks;
    /// `None` when the document is no key set at all.
    pub(crate) fn read(document: &Value) -> Option<Self> {
        let entries = document.get("keys")?.as_array()?;
        let keys = entries
            .iter()
            .take(MAX_KEYS)
            .filter_map(|entry| serde_json::from_value::<Jwk>(entry.clone()).ok())
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, usable(&jwk)?)))
            .collect();
        Some(Self { keys })
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.get(kid)
    }
}

/// The algorithm follows from the key's own type and curve; a declared `alg` may only agree with it.
fn usable(jwk: &Jwk) -> Option<VerifyingKey> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, declared) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|own| own != declared) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(VerifyingKey { algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn keys_of_other_kinds_are_left_out_and_do_not_spoil_the_set() {
        let set = KeySet::read(&json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "good"},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "declared", "alg": "EdDSA", "use": "sig"},
            {"kty": "OKP", "crv": "Ed25519", "x": X},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "for encryption", "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "lies", "alg": "RS256"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric", "alg": "HS256"},
            {"kty": "of the future", "kid": "odd"},
            17,
        ]}))
        .unwrap();
        let mut kids: Vec<_> = set.keys.keys().map(String::as_str).collect();
        kids.sort_unstable();
        assert_eq!(kids, ["declared", "good"]);
    }

    #[test]
    fn a_document_without_keys_is_no_key_set() {
        assert!(KeySet::read(&json!({"keys": 1})).is_none());
        assert!(KeySet::read(&json!([])).is_none());
    }
}
