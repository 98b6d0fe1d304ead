//! The fields of a stored answer, frozen: all values in one piece of memory, ready to be copied into an answer.

use bytes::BytesMut;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Tag;
use super::memory::{allocated, octets};
use crate::policy::is_stored;

/// What a 304 carries of a 200: the list of RFC 9110 §15.4.5, and what tells caches after this one how long and with what
/// group they may keep it. Representation metadata stays out, but for the modification date where there is no tag.
const IN_NOT_MODIFIED: [&str; 7] =
    ["cache-control", "content-location", "date", "expires", "vary", "cdn-cache-control", "cache-groups"];

/// Values that are the same in most answers: not copied, and cloned without touching a shared count.
const COMMON: [&str; 14] = [
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/octet-stream",
    "image/webp",
    "image/jpeg",
    "Accept-Encoding",
    "bytes",
    "nosniff",
    "no-cache",
    "*",
    "private, no-cache",
];

/// Fields that speak of the uncoded octets (RFC 9530, RFC 3230, RFC 9110 §14.3).
const OF_OCTETS: [&str; 5] = ["content-digest", "content-md5", "digest", "repr-digest", "accept-ranges"];

/// Holds the place of a tag.
static NO_TAG: HeaderValue = HeaderValue::from_static("");

/// An immutable list of fields. Those that a 304 has too stand first, those that speak of the uncoded octets last; lines
/// of one name keep their order.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    list: Box<[(HeaderName, HeaderValue)]>,
    in_not_modified: usize,
    of_coded: usize,
    heap_bytes: usize,
}

impl Fields {
    /// Copies what is stored of `headers`, but for what every answer writes anew: age, length, and the tag where it can be
    /// read. The last two come back apart. `omit` are the names that the terms leave out.
    pub(crate) fn freeze(
        headers: &HeaderMap,
        omit: &[HeaderName],
        length: usize,
    ) -> (Self, Option<Tag>, HeaderValue) {
        let tag = headers.get(header::ETAG).filter(|value| Tag::read((*value).clone()).is_some());
        let tagged = tag.is_some();
        let dated = !headers.contains_key(header::ETAG);
        let written = |name: &HeaderName| {
            name == header::CONTENT_LENGTH || name == header::AGE || (tagged && name == header::ETAG)
        };
        let kept = |name: &HeaderName| !written(name) && is_stored(name, headers, omit);
        let place = |name: &HeaderName| {
            if IN_NOT_MODIFIED.contains(&name.as_str()) || (dated && name == header::LAST_MODIFIED) {
                Place::InNotModified
            } else if OF_OCTETS.contains(&name.as_str()) {
                Place::OfOctets
            } else {
                Place::OfCoded
            }
        };
        let mut chosen: Vec<_> = headers.iter().filter(|(name, _)| kept(name)).collect();
        // Stable, so that lines of one name keep their order.
        chosen.sort_by_key(|(name, _)| place(name));
        let up_to = |last: Place| chosen.iter().take_while(|(name, _)| place(name) <= last).count();
        let (in_not_modified, of_coded) = (up_to(Place::InNotModified), up_to(Place::OfCoded));

        let length = HeaderValue::from(length);
        let written = [tag.unwrap_or(&NO_TAG), &length];
        let values: Vec<_> = chosen.iter().map(|(_, value)| *value).chain(written).collect();
        let (mut values, text_bytes) = pack(&values);
        let length = values.pop().unwrap_or(length);
        let tag = values.pop().filter(|_| tagged).and_then(Tag::read);
        let list: Box<[_]> = chosen.iter().map(|(name, _)| (*name).clone()).zip(values).collect();
        let names: usize = list.iter().map(|(name, _)| name_bytes(name)).sum();
        let heap_bytes = allocated(size_of_val(&*list)) + text_bytes + names;
        (Self { list, in_not_modified, of_coded, heap_bytes }, tag, length)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[(HeaderName, HeaderValue)] {
        &self.list
    }

    /// Those a 304 has too.
    pub(crate) fn in_not_modified(&self) -> &[(HeaderName, HeaderValue)] {
        self.list.get(..self.in_not_modified).unwrap_or_default()
    }

    /// Those a coded answer has too.
    pub(crate) fn of_coded(&self) -> &[(HeaderName, HeaderValue)] {
        self.list.get(..self.of_coded).unwrap_or_default()
    }

    /// Those an answer with a part of the body has too: what is true of the whole, not of the message.
    pub(crate) fn of_part(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        let of_octets = self.list.get(self.of_coded..).unwrap_or_default();
        let of_whole =
            of_octets.iter().filter(|(name, _)| !matches!(name.as_str(), "content-digest" | "content-md5"));
        self.of_coded().iter().chain(of_whole)
    }

    /// The first value of a field.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.list.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Memory on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

/// Where in the list a field stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    InNotModified,
    OfCoded,
    OfOctets,
}

/// Copies values into one piece of memory, which they share; returns what that takes. Common ones need none.
fn pack(values: &[&HeaderValue]) -> (Vec<HeaderValue>, usize) {
    let own = || values.iter().filter(|value| common(value).is_none());
    let length = own().map(|value| value.len()).sum();
    let mut text = BytesMut::with_capacity(length);
    own().for_each(|value| text.extend_from_slice(value.as_bytes()));
    let mut text = text.freeze();
    let copy = |value: &&HeaderValue| {
        if let Some(common) = common(value) {
            return HeaderValue::from_static(common);
        }
        let slice = text.split_to(value.len());
        let mut copy = HeaderValue::from_maybe_shared(slice).unwrap_or_else(|_| (*value).clone());
        copy.set_sensitive(value.is_sensitive());
        copy
    };
    (values.iter().map(copy).collect(), octets(length))
}

fn common(value: &HeaderValue) -> Option<&'static str> {
    COMMON.into_iter().find(|common| common.as_bytes() == value.as_bytes())
}

/// Names the `http` crate knows take nothing; others have octets of their own. Which is which cannot be asked, so the
/// usual prefix of the second kind is looked for.
fn name_bytes(name: &HeaderName) -> usize {
    let text = name.as_str();
    let unknown =
        text.starts_with("x-") || text.len() > 16 || text.starts_with("cache-") || text.starts_with("cdn-");
    if unknown { octets(text.len()) } else { 0 }
}
