//! Digests that a client announces for what it sends, and the digest that the server answers with.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How an announced digest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-1: every tus server has to know it. It finds what a bad line did, not what somebody did on purpose.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The bytes are not those that were announced: they changed on the way, and sending them again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content does not match its announced checksum")]
pub struct Mismatch;

/// Compares the bytes of one request with the digest announced for them.
#[derive(Clone)]
pub struct Verifier {
    context: Context,
}

impl Algorithm {
    /// Names for `Tus-Checksum-Algorithm`, separated by commas.
    pub const TUS_NAMES: &str = "sha1,sha256,sha512";

    /// The algorithm that an `Upload-Checksum` field names (tus 1.0, `sha1`), if it is known.
    #[must_use]
    pub fn from_tus(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The algorithm that a key of `Content-Digest` or `Repr-Digest` names (RFC 9530, `sha-256`), if it is one that may be
    /// relied upon: the registry calls all others insecure.
    #[must_use]
    pub fn from_digest_key(key: &str) -> Option<Self> {
        match key {
            "sha-256" => Some(Self::Sha256),
            "sha-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Length of its digests in bytes.
    #[must_use]
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Verifier {
    /// Of no bytes so far.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let algorithm = match algorithm {
            Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        };
        Self { context: Context::new(algorithm) }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.context.update(piece);
    }

    /// Compares with the announced digest.
    ///
    /// # Errors
    /// [`Mismatch`] when the digest is another one, or has not the algorithm's length.
    pub fn verify(self, expected: &[u8]) -> Result<(), Mismatch> {
        if self.context.finish().as_ref() == expected { Ok(()) } else { Err(Mismatch) }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// The value of a `Repr-Digest` field (RFC 9530) for a SHA-256: `sha-256=:…:`.
#[must_use]
pub fn repr_digest(sha256: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests of `hello world`, as `sha1sum`, `sha256sum` and `sha512sum` print them.
    const KNOWN: [(Algorithm, &str); 3] = [
        (Algorithm::Sha1, "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"),
        (Algorithm::Sha256, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"),
        (
            Algorithm::Sha512,
            "309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f\
             989dd35bc5ff499670da34255b45b0cfd830e81f605dcf7dc5542e93ae9cd76f",
        ),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.as_bytes().chunks(2).map(digits).collect()
    }

    fn verifier(algorithm: Algorithm, pieces: &[&str]) -> Verifier {
        let mut verifier = Verifier::new(algorithm);
        pieces.iter().for_each(|piece| verifier.update(piece.as_bytes()));
        verifier
    }

    #[test]
    fn the_announced_digest_is_the_one_of_all_pieces() {
        for (algorithm, hex) in KNOWN {
            let expected = bytes(hex);
            assert_eq!(expected.len(), algorithm.digest_bytes());
            assert_eq!(verifier(algorithm, &["hello", " ", "world"]).verify(&expected), Ok(()));
        }
    }

    #[test]
    fn a_changed_byte_or_a_shortened_digest_is_a_mismatch() {
        for (algorithm, hex) in KNOWN {
            let expected = bytes(hex);
            assert_eq!(verifier(algorithm, &["hello worle"]).verify(&expected), Err(Mismatch));
            assert_eq!(verifier(algorithm, &["hello world"]).verify(&expected[1..]), Err(Mismatch));
            assert_eq!(verifier(algorithm, &["hello world"]).verify(&[]), Err(Mismatch));
        }
    }

    #[test]
    fn names_of_one_dialect_are_not_those_of_the_other() {
        assert!(Algorithm::TUS_NAMES.split(',').all(|name| Algorithm::from_tus(name).is_some()));
        assert_eq!(Algorithm::from_tus("sha-256"), None);
        assert_eq!(Algorithm::from_tus("md5"), None);
        assert_eq!(Algorithm::from_digest_key("sha-512"), Some(Algorithm::Sha512));
        assert_eq!(Algorithm::from_digest_key("sha"), None);
    }

    #[test]
    fn a_repr_digest_is_a_dictionary_with_a_byte_sequence() {
        let digest: [u8; 32] = bytes(KNOWN[1].1).try_into().unwrap();
        assert_eq!(repr_digest(&digest), "sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:");
    }
}
