//! Links to what is not for everybody: whoever holds one may fetch what it names, until it expires. The signature covers the
//! path and the expiry, so that neither can be changed by the holder. To what is hidden there are no links: none opens it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

/// Separates this key from every other use of the same secret; changing it voids all links.
const KEY_CONTEXT: &str = "aldia upload-ingest 2026-11 media capability";

/// The key that signs links. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct CapabilityKey([u8; blake3::KEY_LEN]);

/// What a link carries beside its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capability {
    /// When it ends, in seconds since 1970.
    expires: i64,
    signature: blake3::Hash,
}

/// Why the parameters of a link are none that we make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParameterFault {
    /// A parameter that no link has, or has once only.
    #[error("no such parameter here, or given twice")]
    Unknown(String),
}

/// Why a link opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CapabilityError {
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
    /// It was altered, made up, or signed with another key.
    #[error("the link is not one of ours")]
    Forged,
}

impl Capability {
    /// Reads the parameters of an address; `None` when it has none. What cannot have been signed here is a capability that
    /// opens nothing.
    ///
    /// # Errors
    /// For other parameters than those of a link.
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Option<Self>, ParameterFault> {
        let (mut expires, mut signature) = (None, None);
        for (name, value) in pairs {
            let place = match name.as_str() {
                "expires" => &mut expires,
                "signature" => &mut signature,
                _ => return Err(ParameterFault::Unknown(name.clone())),
            };
            if place.replace(value.as_str()).is_some() {
                return Err(ParameterFault::Unknown(name.clone()));
            }
        }
        if expires.is_none() && signature.is_none() {
            return Ok(None);
        }
        let signature = signature.and_then(decode).unwrap_or_else(|| blake3::Hash::from_bytes([0; 32]));
        Ok(Some(Self { expires: expires.and_then(number).unwrap_or(0), signature }))
    }
}

/// One spelling of a number only: what is cached under an address has one address.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

fn decode(text: &str) -> Option<blake3::Hash> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(blake3::Hash::from_bytes(bytes))
}

impl CapabilityKey {
    /// Derives the key from a deployment's secret. Every replica needs the same one.
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self(blake3::derive_key(KEY_CONTEXT, secret.expose_secret().as_bytes()))
    }

    /// The query of a link to `scope` that is good until `expires`.
    pub(crate) fn query(&self, scope: &str, expires: i64) -> String {
        let signature = self.sign(scope, expires);
        format!("expires={expires}&signature={}", URL_SAFE_NO_PAD.encode(signature.as_bytes()))
    }

    /// How many seconds the link is still good for.
    ///
    /// # Errors
    /// [`CapabilityError::Forged`] is looked for first: only who held a link learns that it has expired.
    pub(crate) fn check(
        &self,
        scope: &str,
        capability: &Capability,
        now: i64,
    ) -> Result<u32, CapabilityError> {
        // `blake3::Hash` compares in constant time; plain arrays do not.
        if self.sign(scope, capability.expires) != capability.signature {
            return Err(CapabilityError::Forged);
        }
        let rest = capability.expires.saturating_sub(now);
        if rest <= 0 { Err(CapabilityError::Expired) } else { Ok(u32::try_from(rest).unwrap_or(u32::MAX)) }
    }

    fn sign(&self, scope: &str, expires: i64) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The number has a fixed length and comes first, so that no byte can move from one part to the next.
        hasher.update(&expires.to_le_bytes()).update(scope.as_bytes());
        hasher.finalize()
    }
}

impl std::fmt::Debug for CapabilityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CapabilityKey([REDACTED])")
    }
}

/// The stretch of time in which all links of an answer are the same, so that the answer can be validated: a link made in it
/// is good for its rest and the whole of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Counts the windows since 1970; part of the validator of what shows links.
    pub(crate) number: i64,
    /// When links of this window expire, in seconds since 1970.
    pub(crate) expires: i64,
}

impl Window {
    /// The window at `now` (seconds since 1970), for links that are good for `lifetime_secs` at least and for twice as long at
    /// most.
    pub(crate) fn at(now: i64, lifetime_secs: u32) -> Self {
        let length = i64::from(lifetime_secs).max(1);
        let number = now.div_euclid(length);
        Self { number, expires: number.saturating_add(2).saturating_mul(length) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCOPE: &str = "/media/018f5e7a-0000-7000-8000-000000000001/full-0123.webp";

    fn key() -> CapabilityKey {
        CapabilityKey::new(&"a key of the tests, forty characters long".into())
    }

    fn read(query: &str) -> Result<Option<Capability>, ParameterFault> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Capability::read(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>())
    }

    fn check(scope: &str, query: &str, now: i64) -> Result<u32, CapabilityError> {
        key().check(scope, &read(query).unwrap().unwrap(), now)
    }

    #[test]
    fn a_link_opens_what_it_names_until_it_expires() {
        let query = key().query(SCOPE, 1000);
        assert_eq!(check(SCOPE, &query, 400), Ok(600));
        assert_eq!(check(SCOPE, &query, 999), Ok(1));
        assert_eq!(check(SCOPE, &query, 1000), Err(CapabilityError::Expired));
    }

    #[test]
    fn an_altered_path_expiry_or_key_opens_nothing() {
        let query = key().query(SCOPE, 1000);
        let forged = Err(CapabilityError::Forged);
        assert_eq!(check("/media/018f5e7a-0000-7000-8000-000000000001/full-0124.webp", &query, 1), forged);
        assert_eq!(check(SCOPE, &query.replace("1000", "2000"), 1), forged);
        let other = CapabilityKey::new(&"another key of the tests, just as long".into());
        assert_eq!(check(SCOPE, &other.query(SCOPE, 1000), 1), forged);
        // An expired link that was altered is not told that it was good once.
        assert_eq!(check(SCOPE, &query.replace("1000", "1"), 2000), forged);
    }

    #[test]
    fn half_a_link_opens_nothing_and_other_parameters_are_refused() {
        assert_eq!(read(""), Ok(None));
        for half in ["expires=1000", "signature=abc", "expires=+1000&signature=", "expires=x&signature=y"] {
            assert_eq!(check(SCOPE, half, 1), Err(CapabilityError::Forged), "{half}");
        }
        for query in ["x=1", "expires=1&expires=1", "expires=1&signature=a&cache_bust=3"] {
            assert!(read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn links_of_one_window_are_the_same_and_good_for_their_lifetime_at_least() {
        for now in [0_i64, 3599, 3600, 1_800_000_001] {
            let window = Window::at(now, 3600);
            assert!((3601..=7200).contains(&(window.expires - now)), "{now}");
            assert_eq!(Window::at(now - now.rem_euclid(3600), 3600), window);
            assert_ne!(Window::at(now + 3600, 3600), window);
        }
    }

    proptest! {
        #[test]
        fn a_signature_altered_anywhere_opens_nothing(at: prop::sample::Index, with in "[A-Za-z0-9_-]") {
            let query = key().query(SCOPE, 1000);
            let start = query.find("signature=").unwrap() + "signature=".len();
            let mut altered: Vec<char> = query.chars().collect();
            let at = start + at.index(altered.len() - start);
            altered[at] = with.chars().next().unwrap();
            let altered: String = altered.into_iter().collect();
            prop_assume!(altered != query);
            prop_assert_eq!(check(SCOPE, &altered, 1), Err(CapabilityError::Forged));
        }

        #[test]
        fn arbitrary_parameters_open_nothing(expires in ".{0,20}", signature in ".{0,60}") {
            let pairs = [("expires".to_owned(), expires), ("signature".to_owned(), signature)];
            let capability = Capability::read(&pairs).unwrap().unwrap();
            prop_assert!(key().check(SCOPE, &capability, 0).is_err());
        }
    }
}
