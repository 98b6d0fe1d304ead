//! A stored answer: frozen when it is stored, and shared by all who answer from it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use coherence::Seal;
use coherence::clock::Instant;
use conditional::{Coding, EntityTag};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::date;
use crate::policy::Terms;
use crate::vary::Variant;

mod content;
mod encoded;
mod fields;
#[cfg(test)]
pub(crate) mod fixtures;
mod memory;
mod tag;

pub use content::{BodyFile, BodyFiles, Content};
pub use encoded::Encoded;
pub(crate) use fields::Fields;
pub(crate) use memory::{allocated, shared};
pub(crate) use tag::{Tag, TagRef, split_tag, strip_coding};

/// An answer as it came, with what was decided about it.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its header section; what must not be stored is left out when it is frozen.
    pub headers: &'a HeaderMap,
    /// Its whole body, uncoded unless `headers` say otherwise.
    pub body: Bytes,
    /// The terms it is kept under.
    pub terms: Terms,
    /// Which variant of its address it is: what `terms.vary` makes of the request.
    pub variant: Variant,
    /// When its head arrived.
    pub received: Instant,
    /// What it is coherent with, in a domain; `None` outside of one.
    pub seal: Option<Seal>,
    /// Whether we may send it coded: then `Vary` names `Accept-Encoding`, and each coding has a tag of its own (`X-D1`).
    pub codable: bool,
}

/// An immutable answer. Only codings are added, each once.
#[derive(Debug)]
pub struct Stored {
    status: StatusCode,
    fields: Fields,
    content: Content,
    /// `Content-Length` of the uncoded body.
    length: HeaderValue,
    tag: Option<Tag>,
    last_modified: Option<SystemTime>,
    terms: Terms,
    variant: Variant,
    received: Instant,
    seal: Option<Seal>,
    codable: bool,
    names_accept_encoding: bool,
    expired: AtomicBool,
    codings: [OnceLock<Box<Encoded>>; 3],
    marks: OnceLock<u8>,
    fixed_bytes: usize,
}

impl Stored {
    /// Freezes an answer. Body and fields are copied, so that it does not hold on to the buffers they came in.
    #[must_use]
    pub fn new(arrival: Arrival<'_>) -> Self {
        let body = Bytes::copy_from_slice(&arrival.body);
        Self::freeze(Arrival { body, ..arrival })
    }

    /// The same body under the fields and terms that a 304 brought (RFC 9111 §4.3.4). Codings made before stay if the tag
    /// is the same.
    #[must_use]
    pub fn refreshed(
        &self,
        headers: &HeaderMap,
        terms: Terms,
        received: Instant,
        seal: Option<Seal>,
    ) -> Self {
        let mut fresh = Self::freeze(Arrival {
            status: self.status,
            headers,
            body: self.body().clone(),
            terms,
            variant: self.variant.clone(),
            received,
            seal,
            codable: self.codable,
        });
        fresh.content = self.content.clone();
        let same_tag = fresh.tag.as_ref().map(Tag::value) == self.tag.as_ref().map(Tag::value);
        if same_tag && fresh.codable {
            for (slot, made) in fresh.codings.iter_mut().zip(&self.codings) {
                slot.clone_from(made);
            }
        }
        fresh
    }

    fn freeze(arrival: Arrival<'_>) -> Self {
        let Arrival { status, headers, body, terms, variant, received, seal, codable } = arrival;
        let (fields, tag, length) = Fields::freeze(headers, &terms.omit, body.len());
        let mut stored = Self {
            status,
            last_modified: date::field(headers, &header::LAST_MODIFIED),
            names_accept_encoding: names_accept_encoding(headers),
            codable: codable && !terms.no_transform && !headers.contains_key(header::CONTENT_ENCODING),
            fields,
            content: body.into(),
            length,
            tag,
            terms,
            variant,
            received,
            seal,
            expired: AtomicBool::new(false),
            codings: [const { OnceLock::new() }; 3],
            marks: OnceLock::new(),
            fixed_bytes: 0,
        };
        stored.fixed_bytes = stored.measure();
        stored
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The uncoded body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.content.octets()
    }

    /// The first value of a field as it was received; `ETag` is that of the uncoded body.
    #[must_use]
    pub fn field(&self, name: &HeaderName) -> Option<&HeaderValue> {
        match &self.tag {
            Some(tag) if name == header::ETAG => Some(tag.value()),
            _ => self.fields.get(name),
        }
    }

    /// All fields as they are stored, with the tag of the uncoded body, for merging with those of a 304.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.fields.all().len() + 1);
        for (name, value) in self.fields.all() {
            headers.append(name, value.clone());
        }
        if let Some(tag) = &self.tag {
            headers.insert(header::ETAG, tag.value().clone());
        }
        headers
    }

    /// The entity tag of the uncoded body.
    #[must_use]
    pub fn etag(&self) -> Option<EntityTag> {
        self.tag.as_ref()?.to_entity_tag()
    }

    /// Room for what whoever answers from it has to know of its fields each time: `reckon` is called once, and has to say the same
    /// whenever it is called.
    pub fn marks(&self, reckon: impl FnOnce(&Self) -> u8) -> u8 {
        *self.marks.get_or_init(|| reckon(self))
    }

    /// When it was last modified, by its own word.
    #[must_use]
    pub fn last_modified(&self) -> Option<SystemTime> {
        self.last_modified
    }

    /// The terms it is kept under.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Which variant of its address it is.
    #[must_use]
    pub fn variant(&self) -> &Variant {
        &self.variant
    }

    /// When its head arrived.
    #[must_use]
    pub fn received(&self) -> Instant {
        self.received
    }

    /// How long it has been here.
    #[must_use]
    pub fn resident(&self, now: Instant) -> Duration {
        now.saturating_sub(self.received)
    }

    /// What it is coherent with.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// Whether it may be sent coded.
    #[must_use]
    pub fn is_codable(&self) -> bool {
        self.codable
    }

    /// The body in a coding, if it has been made; `None` for [`Coding::Identity`], which is [`body`](Self::body).
    #[must_use]
    pub fn coding(&self, coding: Coding) -> Option<&Encoded> {
        self.codings.get(slot(coding)?)?.get().map(Box::as_ref)
    }

    /// What is sent to whoever is answered in `coding`: the body in it, or as it came.
    #[must_use]
    pub fn content_in(&self, coding: Coding) -> &Content {
        self.coding(coding).map_or(&self.content, Encoded::content)
    }

    /// Keeps the body in a coding; the first one made stays. Returns what is kept, and `None` where nothing is kept so. Where
    /// the answer is in a store, [`Store::set_coding`](crate::Store::set_coding) does this and counts the memory.
    pub fn set_coding(&self, coding: Coding, body: &Bytes) -> Option<&Encoded> {
        let slot = self.codings.get(slot(coding)?)?;
        if !self.codable {
            return None;
        }
        let tag = self.tag.as_ref().map(|tag| tag.of_coding(coding));
        Some(slot.get_or_init(|| Box::new(Encoded::new(coding, body, tag))))
    }

    /// Makes it stale from now on, whatever its lifetime: a soft purge. What may be answered stale still may.
    pub fn expire(&self) {
        self.expired.store(true, Ordering::Relaxed);
    }

    /// Whether it was expired before its time.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// Memory it takes, all in all: the value, its fields, its bodies in all codings made so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let codings = self.codings.iter().filter_map(OnceLock::get);
        codings.map(|encoded| encoded.heap_bytes()).fold(self.fixed_bytes, usize::saturating_add)
    }

    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(crate) fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    pub(crate) fn length(&self) -> &HeaderValue {
        &self.length
    }

    /// Whether `Vary` names `Accept-Encoding` already.
    pub(crate) fn names_accept_encoding(&self) -> bool {
        self.names_accept_encoding
    }

    /// What `If-Modified-Since` is compared with (RFC 9111 §4.3.2): the modification date, else the date of the answer.
    pub(crate) fn dated(&self) -> SystemTime {
        self.last_modified.unwrap_or(self.terms.date)
    }

    fn measure(&self) -> usize {
        let terms = &self.terms;
        let groups = terms.groups.iter().map(|group| allocated(group.capacity())).sum::<usize>()
            + allocated(terms.groups.capacity() * size_of::<String>());
        let omitted = allocated(terms.omit.capacity() * size_of::<HeaderName>());
        shared::<Self>()
            + self.fields.heap_bytes()
            + self.content.heap_bytes()
            + self.seal.as_ref().map_or(0, Seal::bytes)
            + groups
            + omitted
            + allocated(size_of_val(terms.vary.names()))
            + allocated(self.variant.bytes())
    }
}

const fn slot(coding: Coding) -> Option<usize> {
    match coding {
        Coding::Identity => None,
        Coding::Brotli => Some(0),
        Coding::Zstd => Some(1),
        Coding::Gzip => Some(2),
    }
}

fn names_accept_encoding(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
    let mut names = lines.flat_map(|line| line.split(',')).map(str::trim);
    names.any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding"))
}

#[cfg(test)]
#[path = "stored/tests.rs"]
mod tests;
