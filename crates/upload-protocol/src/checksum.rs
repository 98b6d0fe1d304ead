//! Checksums: `Upload-Checksum` of tus, and the digest fields of RFC 9530 that the draft uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::Refusal;
use crate::fields::{CONTENT_DIGEST, Fields, REPR_DIGEST, UPLOAD_CHECKSUM, WANT_REPR_DIGEST};

/// A hash function a client may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-1, which tus demands; it finds accidents, not attacks. No algorithm of RFC 9530's active ones.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// All of them, in the order in which tus is told of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The name in `Upload-Checksum` and `Tus-Checksum-Algorithm`.
    #[must_use]
    pub const fn tus_name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The key in the fields of RFC 9530, if it is an active one there.
    #[must_use]
    pub const fn digest_key(self) -> Option<&'static str> {
        match self {
            Self::Sha1 => None,
            Self::Sha256 => Some("sha-256"),
            Self::Sha512 => Some("sha-512"),
        }
    }

    /// The length of a digest in bytes.
    #[must_use]
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A digest with the algorithm that made it. Its length is the algorithm's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    algorithm: Algorithm,
    digest: Vec<u8>,
}

impl Checksum {
    /// `None` if the digest has another length than the algorithm's.
    #[must_use]
    pub fn new(algorithm: Algorithm, digest: Vec<u8>) -> Option<Self> {
        (digest.len() == algorithm.digest_bytes()).then_some(Self { algorithm, digest })
    }

    /// What made the digest.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// The value of `Repr-Digest` or `Content-Digest` that states these; `None` if RFC 9530 has a name for none of them.
#[must_use]
pub fn digest_field(checksums: &[Checksum]) -> Option<String> {
    let member = |checksum: &Checksum| {
        let key = checksum.algorithm.digest_key()?;
        Some(format!("{key}=:{}:", STANDARD.encode(&checksum.digest)))
    };
    let members: Vec<_> = checksums.iter().filter_map(member).collect();
    (!members.is_empty()).then(|| members.join(", "))
}

/// The digests of a request whose content is all there is to upload: `Content-Digest` and `Repr-Digest` then mean the same.
///
/// # Errors
/// [`Refusal::Field`] for a field that cannot be read.
pub fn digests(fields: &Fields<'_>) -> Result<Vec<Checksum>, Refusal> {
    let mut digests = of_digest_field(fields, CONTENT_DIGEST)?;
    digests.extend(of_digest_field(fields, REPR_DIGEST)?);
    Ok(digests)
}

/// `Upload-Checksum`: the name of an algorithm, a space, the digest in Base64.
pub(crate) fn of_tus(fields: &Fields<'_>) -> Result<Option<Checksum>, Refusal> {
    let Some(text) = fields.one(UPLOAD_CHECKSUM)? else { return Ok(None) };
    let refused = |code, message| Err(Refusal::field(UPLOAD_CHECKSUM, code, message));
    let Some((name, digest)) = text.split_once(' ') else {
        return refused("malformed", "must be an algorithm, a space, and a digest in Base64");
    };
    let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.tus_name() == name) else {
        return refused("unsupported", "the algorithm must be one of sha1, sha256, sha512");
    };
    match STANDARD.decode(digest).ok().and_then(|digest| Checksum::new(algorithm, digest)) {
        Some(checksum) => Ok(Some(checksum)),
        None => refused("malformed", "must be a digest in Base64, as long as the algorithm makes them"),
    }
}

/// `Content-Digest` or `Repr-Digest`. Algorithms we do not know are left out; a field that cannot be read is refused, since to
/// skip a check that was asked for would be worse.
pub(crate) fn of_digest_field(fields: &Fields<'_>, name: &'static str) -> Result<Vec<Checksum>, Refusal> {
    let malformed = || Refusal::field(name, "malformed", "must be a dictionary of digests (RFC 9530)");
    let Some(value) = fields.joined(name) else { return Ok(Vec::new()) };
    let members: Dictionary = Parser::new(&value).parse().map_err(|_fault| malformed())?;
    let mut checksums = Vec::new();
    for (key, entry) in &members {
        let Some(algorithm) = by_digest_key(key.as_str()) else { continue };
        let ListEntry::Item(item) = entry else { return Err(malformed()) };
        let BareItem::ByteSequence(digest) = &item.bare_item else { return Err(malformed()) };
        checksums.push(Checksum::new(algorithm, digest.clone()).ok_or_else(malformed)?);
    }
    Ok(checksums)
}

/// `Want-Repr-Digest`: the algorithms the client wants, best liked first. A wish that cannot be read is none.
pub(crate) fn wanted(fields: &Fields<'_>) -> Vec<Algorithm> {
    let members = fields
        .joined(WANT_REPR_DIGEST)
        .and_then(|value| Parser::new(&value).parse::<Dictionary>().ok())
        .unwrap_or_default();
    let mut wishes: Vec<(i64, Algorithm)> = members.iter().filter_map(wish).collect();
    wishes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wishes.into_iter().map(|(_, algorithm)| algorithm).collect()
}

/// A weight is 1 to 10; 0 means "not this one".
fn wish((key, entry): (&sfv::Key, &ListEntry)) -> Option<(i64, Algorithm)> {
    let algorithm = by_digest_key(key.as_str())?;
    let ListEntry::Item(item) = entry else { return None };
    let BareItem::Integer(weight) = item.bare_item else { return None };
    let weight = i64::from(weight);
    (1..=10).contains(&weight).then_some((weight, algorithm))
}

fn by_digest_key(key: &str) -> Option<Algorithm> {
    Algorithm::ALL.into_iter().find(|known| known.digest_key() == Some(key))
}
