//! Private keys at rest: AES-256-GCM under a key derived from the master key, bound to the name of what they seal.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::config::decode_master_key;

/// Names the derivation; another purpose must take another name.
const CONTEXT: &str = "aldia catalog 2026-11 signing key sealing";
/// First byte of what is stored, so that the way of sealing can change.
const FORMAT: u8 = 1;

/// Something that does not open, or a master key that is none. Says nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// The master key is too short or not base64.
    #[error("the master key is not usable")]
    MasterKey,
    /// Sealing failed.
    #[error("a private key could not be sealed")]
    Seal,
    /// It was sealed under another master key or for another name, or was changed.
    #[error("a stored private key does not open with the master key")]
    Open,
}

/// Seals with the current master key, opens with that or the one before.
pub(crate) struct Sealer {
    current: RandomizedNonceKey,
    previous: Option<RandomizedNonceKey>,
}

impl Sealer {
    /// A sealer for these master keys.
    ///
    /// # Errors
    /// [`SealError::MasterKey`] when one is not usable.
    pub(crate) fn new(master: &SecretString, previous: Option<&SecretString>) -> Result<Self, SealError> {
        Ok(Self { current: derive(master)?, previous: previous.map(derive).transpose()? })
    }

    /// Seals `plain` for `name`.
    ///
    /// # Errors
    /// [`SealError::Seal`] when the system gives no randomness.
    pub(crate) fn seal(&self, name: &str, plain: &SecretSlice<u8>) -> Result<Vec<u8>, SealError> {
        // Encrypted in place, so that no copy of the plain text stays behind in freed memory.
        let mut sealed = plain.expose_secret().to_vec();
        let tag_and_text = &mut sealed;
        let nonce = self
            .current
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), tag_and_text)
            .map_err(|_| SealError::Seal)?;
        Ok([&[FORMAT], nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `name`.
    ///
    /// # Errors
    /// [`SealError::Open`] when it was not, or not with our master keys.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        let rest = sealed.strip_prefix(&[FORMAT]).ok_or(SealError::Open)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Open)?;
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|key| {
                let mut text = text.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let plain = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text).ok()?.len();
                text.truncate(plain);
                Some(text.into())
            })
            .ok_or(SealError::Open)
    }
}

fn derive(master: &SecretString) -> Result<RandomizedNonceKey, SealError> {
    let master: SecretSlice<u8> = decode_master_key(master).ok_or(SealError::MasterKey)?.into();
    let key = blake3::derive_key(CONTEXT, master.expose_secret());
    RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| SealError::MasterKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    fn master(byte: u8) -> SecretString {
        base64::engine::general_purpose::STANDARD.encode([byte; 32]).into()
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&master(byte), None).unwrap()
    }

    #[test]
    fn only_the_same_master_key_and_name_open() {
        let plain: SecretSlice<u8> = b"private".to_vec().into();
        let sealed = sealer(1).seal("kid", &plain).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        assert_eq!(sealer(1).open("kid", &sealed).unwrap().expose_secret(), b"private");
        assert_eq!(sealer(1).open("other", &sealed).unwrap_err(), SealError::Open);
        assert_eq!(sealer(2).open("kid", &sealed).unwrap_err(), SealError::Open);
    }

    #[test]
    fn a_master_key_may_have_a_predecessor() {
        let plain: SecretSlice<u8> = b"private".to_vec().into();
        let sealed = sealer(1).seal("kid", &plain).unwrap();
        let both = Sealer::new(&master(2), Some(&master(1))).unwrap();
        assert_eq!(both.open("kid", &sealed).unwrap().expose_secret(), b"private");
        let anew = both.seal("kid", &plain).unwrap();
        assert!(sealer(1).open("kid", &anew).is_err(), "new seals are the current key's");
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let sealed = sealer(1).seal("kid", &b"private".to_vec().into()).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer(1).open("kid", &changed).is_err(), "byte {index}");
            assert!(sealer(1).open("kid", &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn a_short_master_key_is_refused() {
        assert!(Sealer::new(&"c2hvcnQ=".into(), None).is_err());
    }
}
