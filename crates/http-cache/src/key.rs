//! What an answer is kept under: who may have it, and the address (RFC 9111 §2: method GET, target URI).
//!
//! A look-up borrows everything ([`KeyRef`]); only what is kept is owned ([`Key`]). The hash finds, the full comparison decides.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};
use quick_cache::Equivalent;

/// Whose answers these are. Never mixed: an answer kept for one class is not found by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudienceClass {
    /// Requests without credentials.
    Anonymous,
    /// Requests with credentials, where the answer is the same for everybody who may ask.
    Token,
    /// One principal, by a collision-resistant hash of who that is and what it may do.
    Principal([u8; 16]),
    /// All principals with the same rights, by a hash of these, where the answer is the same for them.
    Rights([u8; 16]),
}

impl AudienceClass {
    const fn tag(self) -> u8 {
        match self {
            Self::Anonymous => 0,
            Self::Token => 1,
            Self::Principal(_) => 2,
            Self::Rights(_) => 3,
        }
    }

    const fn hash(&self) -> Option<&[u8; 16]> {
        match self {
            Self::Anonymous | Self::Token => None,
            Self::Principal(hash) | Self::Rights(hash) => Some(hash),
        }
    }
}

/// How the address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    const fn tag(self) -> u8 {
        match self {
            Self::Http => 0,
            Self::Https => 4,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> &'static str {
        match self {
            Self::Http => ":80",
            Self::Https => ":443",
        }
    }
}

/// A key that borrows its parts, for looking up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRef<'a> {
    /// Of the address: it is needed more than once, so it is reckoned once. First, since it tells most keys apart.
    hash: u64,
    class: AudienceClass,
    scheme: Scheme,
    host: Cow<'a, [u8]>,
    target: &'a [u8],
}

impl<'a> KeyRef<'a> {
    /// The key of an address. `target` is path and query, without fragment. Hosts are the same whatever their case and
    /// whether the default port is written (RFC 9110 §4.2.3); an empty target is `/`. Nothing is allocated unless the
    /// host has an upper-case letter.
    #[must_use]
    pub fn new(class: AudienceClass, scheme: Scheme, host: &'a str, target: &'a str) -> Self {
        let host = host.strip_suffix(scheme.default_port()).unwrap_or(host).as_bytes();
        let host = if host.iter().any(u8::is_ascii_uppercase) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
        let target = if target.is_empty() { "/" } else { target }.as_bytes();
        let mut state = KeyHasher::default().build_hasher();
        state.write_u8(scheme.tag());
        state.write_usize(host.len());
        state.write(&host);
        state.write(target);
        Self { hash: state.finish(), class, scheme, host, target }
    }

    /// The same address for another class.
    #[must_use]
    pub fn for_class(&self, class: AudienceClass) -> Self {
        Self { class, ..self.clone() }
    }

    /// Whose answers.
    #[must_use]
    pub fn class(&self) -> AudienceClass {
        self.class
    }

    /// The same key with a hash that it does not have, as if addresses met in one.
    #[cfg(test)]
    pub(crate) fn with_hash(self, hash: u64) -> Self {
        Self { hash, ..self }
    }

    /// The hash of the address, the same for all classes.
    pub(crate) fn address_hash(&self) -> u64 {
        self.hash
    }

    /// An owned copy, in one allocation.
    #[must_use]
    pub fn to_key(&self) -> Key {
        let mut bytes = Vec::with_capacity(Key::HEAD + 16 + self.host.len() + self.target.len());
        bytes.extend_from_slice(&self.hash.to_le_bytes());
        bytes.push(self.class.tag() | self.scheme.tag());
        // A host longer than that is none; the length only separates host from target, and a cut one stays unambiguous
        // because the whole text is compared.
        bytes.extend_from_slice(&u32::try_from(self.host.len()).unwrap_or(u32::MAX).to_le_bytes());
        if let Some(hash) = self.class.hash() {
            bytes.extend_from_slice(hash);
        }
        bytes.extend_from_slice(&self.host);
        bytes.extend_from_slice(self.target);
        Key(bytes.into_boxed_slice())
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
        state.write_u8(self.class.tag());
        if let Some(hash) = self.class.hash() {
            state.write_u128(u128::from_le_bytes(*hash));
        }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.parts().is_some_and(|parts| parts == *self)
    }
}

/// A key that owns its parts: one allocation, two words in place.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(
    /// Hash of the address (8 bytes), class and scheme (1), length of the host (4), principal or rights (16 or none), host, target.
    Box<[u8]>,
);

impl Key {
    const HEAD: usize = 13;

    /// The parts; `None` cannot happen for what [`KeyRef::to_key`] wrote.
    fn parts(&self) -> Option<KeyRef<'_>> {
        let (hash, rest) = self.0.split_first_chunk::<8>()?;
        let (&[tags, l0, l1, l2, l3], rest) = rest.split_first_chunk::<5>()?;
        let (class, rest) = match tags & 3 {
            0 => (AudienceClass::Anonymous, rest),
            1 => (AudienceClass::Token, rest),
            kind => {
                let (hash, rest) = rest.split_first_chunk::<16>()?;
                let class = if kind == 2 { AudienceClass::Principal } else { AudienceClass::Rights };
                (class(*hash), rest)
            }
        };
        let scheme = if tags & 4 == 0 { Scheme::Http } else { Scheme::Https };
        let (host, target) = rest.split_at_checked(u32::from_le_bytes([l0, l1, l2, l3]) as usize)?;
        Some(KeyRef { hash: u64::from_le_bytes(*hash), class, scheme, host: Cow::Borrowed(host), target })
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_key_ref(&self) -> KeyRef<'_> {
        const NONE: KeyRef<'static> = KeyRef {
            hash: 0,
            class: AudienceClass::Anonymous,
            scheme: Scheme::Http,
            host: Cow::Borrowed(b""),
            target: b"",
        };
        self.parts().unwrap_or(NONE)
    }

    /// Whose answers.
    #[must_use]
    pub fn class(&self) -> AudienceClass {
        self.as_key_ref().class
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.0.len()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_key_ref().hash(state);
    }
}

impl fmt::Display for KeyRef<'_> {
    /// The address, and the class if it is not the anonymous one. For people to read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, target) = (String::from_utf8_lossy(&self.host), String::from_utf8_lossy(self.target));
        write!(f, "{}://{host}{target}", self.scheme.name())?;
        match self.class {
            AudienceClass::Anonymous => Ok(()),
            AudienceClass::Token => f.write_str(" (token)"),
            AudienceClass::Principal(hash) => write!(f, " (principal {:032x})", u128::from_be_bytes(hash)),
            AudienceClass::Rights(hash) => write!(f, " (rights {:032x})", u128::from_be_bytes(hash)),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_key_ref().fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// Hashes keys: fast, and seeded once per process with what the operating system gives, so that nobody outside can
/// choose addresses that meet in one place of the table.
#[derive(Clone, Debug)]
pub struct KeyHasher(SeedableRandomState);

impl Default for KeyHasher {
    fn default() -> Self {
        static SEED: LazyLock<(u64, SharedSeed)> = LazyLock::new(|| {
            let random = || RandomState::new().hash_one(0_u8);
            (random(), SharedSeed::from_u64(random()))
        });
        let (per_hasher, shared) = &*SEED;
        Self(SeedableRandomState::with_seed(*per_hasher, shared))
    }
}

impl BuildHasher for KeyHasher {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

#[cfg(test)]
#[path = "key/tests.rs"]
mod tests;
