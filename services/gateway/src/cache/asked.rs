//! What the cache needs to know of a request.

use http::{HeaderMap, Method, header};
use http_cache::{AudienceClass, KeyRef, RequestDirectives, Scheme};
use identity::{Principal, Verified};

use crate::compress::negotiate;
use crate::forward::Addressed;
use conditional::Coding;

/// A request that may be answered from memory.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) directives: RequestDirectives,
    /// The address, for the class of all who have the same rights.
    pub(super) shared: KeyRef<'a>,
    /// Who asks, if that is known for sure.
    asker: Option<Asker<'a>>,
}

/// Somebody whose token was checked, and the two hashes that stand for him in keys, if they were reckoned before.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    principal: &'a Principal,
    hashes: Option<&'a [u8; 32]>,
}

impl<'a> From<&'a Principal> for Asker<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self { principal, hashes: None }
    }
}

impl<'a> From<&'a Verified> for Asker<'a> {
    fn from(verified: &'a Verified) -> Self {
        let hashes = verified.marks(|principal| {
            let mut both = [0; 32];
            let parts = rights(principal).into_iter().chain(identity(principal));
            both.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
            both
        });
        Self { principal: &verified.principal, hashes: Some(hashes) }
    }
}

impl Asker<'_> {
    fn rights(&self) -> [u8; 16] {
        let known = self.hashes.and_then(|hashes| hashes.first_chunk()).copied();
        known.unwrap_or_else(|| rights(self.principal))
    }

    fn identity(&self) -> [u8; 16] {
        let known = self.hashes.and_then(|hashes| hashes.last_chunk()).copied();
        known.unwrap_or_else(|| identity(self.principal))
    }
}

impl<'a> Asked<'a> {
    pub(super) fn read(
        method: &'a Method,
        headers: &'a HeaderMap,
        addressed: &'a Addressed<'_>,
        target: &'a str,
        asker: Option<Asker<'a>>,
    ) -> Self {
        let class = match asker {
            Some(asker) => AudienceClass::Rights(asker.rights()),
            None if headers.contains_key(header::AUTHORIZATION) => AudienceClass::Token,
            None => AudienceClass::Anonymous,
        };
        let shared = KeyRef::new(class, scheme(addressed), &addressed.host, target);
        let directives = RequestDirectives::parse(headers);
        Self { method, headers, directives, shared, asker }
    }

    /// The address for this principal alone.
    pub(super) fn own(&self) -> Option<KeyRef<'a>> {
        let class = AudienceClass::Principal(self.asker?.identity());
        Some(self.shared.for_class(class))
    }

    pub(super) fn is_principal(&self) -> bool {
        self.asker.is_some()
    }

    /// The coding the client likes best among ours.
    pub(super) fn coding(&self) -> Coding {
        let lines = self.headers.get_all(header::ACCEPT_ENCODING).iter();
        negotiate(lines.map(http::HeaderValue::as_bytes))
    }
}

/// The scheme that the client used.
pub(super) fn scheme(addressed: &Addressed<'_>) -> Scheme {
    if addressed.secure { Scheme::Https } else { Scheme::Http }
}

/// What somebody may do. A service may answer all alike who have the same rights, and refuse those who have others.
fn rights(principal: &Principal) -> [u8; 16] {
    hash(["rights", &principal.issuer], [&principal.roles, &principal.scopes])
}

/// Who somebody is, and what they may do: whoever is given another role is somebody else to the cache.
fn identity(principal: &Principal) -> [u8; 16] {
    let [a, b] = [&principal.roles, &principal.scopes];
    hash(
        ["identity", &principal.issuer],
        [std::slice::from_ref(&principal.subject), a.as_slice(), b.as_slice()],
    )
}

/// Each part with its length, so that no two lists read the same; names in lists in one order.
fn hash<L: AsRef<[String]>>(
    parts: impl IntoIterator<Item = impl AsRef<str>>,
    lists: impl IntoIterator<Item = L>,
) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    parts.into_iter().for_each(|part| add(part.as_ref()));
    for list in lists {
        let mut names: Vec<&String> = list.as_ref().iter().collect();
        names.sort_unstable();
        add(&names.len().to_string());
        names.into_iter().for_each(|name| add(name));
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(subject: &str, roles: &[&str]) -> Principal {
        Principal {
            subject: subject.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scopes: Vec::new(),
            issuer: "https://issuer.example".to_owned(),
            token_id: "t".to_owned(),
        }
    }

    #[test]
    fn hashes_that_were_kept_are_those_that_are_reckoned() {
        let ann = principal("ann", &["a", "b"]);
        let both: Vec<u8> = rights(&ann).into_iter().chain(identity(&ann)).collect();
        let both: [u8; 32] = both.try_into().unwrap();
        let kept = Asker { principal: &ann, hashes: Some(&both) };
        let reckoned = Asker::from(&ann);
        assert_eq!((kept.rights(), kept.identity()), (reckoned.rights(), reckoned.identity()));
    }

    #[test]
    fn rights_are_shared_by_those_who_may_the_same_and_an_identity_by_nobody() {
        let (ann, bob) = (principal("ann", &["a", "b"]), principal("bob", &["b", "a"]));
        assert_eq!(rights(&ann), rights(&bob));
        assert_ne!(identity(&ann), identity(&bob));
        let promoted = principal("ann", &["a", "b", "c"]);
        assert_ne!(rights(&ann), rights(&promoted));
        assert_ne!(identity(&ann), identity(&promoted));
        // Names run together are other names.
        assert_ne!(rights(&principal("x", &["ab"])), rights(&ann));
        assert_ne!(rights(&ann), identity(&ann));
    }
}
