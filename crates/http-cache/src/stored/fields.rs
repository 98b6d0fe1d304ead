//! The fields of a stored answer, frozen: in one piece of memory, as they go over the wire, and the values as parts of it, ready to
//! be copied into an answer.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Tag;
use super::memory::{allocated, octets};
use crate::policy::is_stored;

/// What a 304 carries of a 200: the list of RFC 9110 §15.4.5, and what tells caches after this one how long and with what
/// group they may keep it. Representation metadata stays out, but for the modification date where there is no tag.
const IN_NOT_MODIFIED: [&str; 7] =
    ["cache-control", "content-location", "date", "expires", "vary", "cdn-cache-control", "cache-groups"];

/// Of those the one that a gateway which hears of every write keeps to itself.
const TARGETED: &str = "cdn-cache-control";

/// Values that are the same in most answers: cloned without touching a shared count.
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

/// An immutable list of fields. The targeted one stands first, then the others that a 304 has too, and last those that speak of
/// the uncoded octets; lines of one name keep their order.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    list: Box<[(HeaderName, HeaderValue)]>,
    in_not_modified: usize,
    of_coded: usize,
    /// The list as lines, each with its CRLF.
    text: Bytes,
    /// Where in the text the lines end that a 304 has too, and those that a coded answer has too; where the targeted one does.
    targeted_text: usize,
    in_not_modified_text: usize,
    of_coded_text: usize,
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
            if *name == TARGETED {
                Place::Targeted
            } else if IN_NOT_MODIFIED.contains(&name.as_str()) || (dated && name == header::LAST_MODIFIED) {
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

        let line = |(name, value): &(&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
        let lines_up_to = |end: usize| chosen.iter().take(end).map(line).sum::<usize>();
        let (in_not_modified_text, of_coded_text) = (lines_up_to(in_not_modified), lines_up_to(of_coded));
        let (targeted_text, all_text) = (lines_up_to(up_to(Place::Targeted)), lines_up_to(chosen.len()));

        let length = HeaderValue::from(length);
        let written = [tag.unwrap_or(&NO_TAG), &length];
        let (mut values, text) = pack(&chosen, written);
        let length = values.pop().unwrap_or(length);
        let tag = values.pop().filter(|_| tagged).and_then(Tag::read);
        let list: Box<[_]> = chosen.iter().map(|(name, _)| (*name).clone()).zip(values).collect();
        let names: usize = list.iter().map(|(name, _)| name_bytes(name)).sum();
        let heap_bytes = allocated(size_of_val(&*list)) + octets(text.len()) + names;
        let text = text.slice(..all_text.min(text.len()));
        let fields = Self {
            list,
            in_not_modified,
            of_coded,
            text,
            targeted_text,
            in_not_modified_text,
            of_coded_text,
            heap_bytes,
        };
        (fields, tag, length)
    }

    /// [`all`](Self::all) as lines, without the targeted field unless it is `targeted`.
    pub(crate) fn all_text(&self, targeted: bool) -> &[u8] {
        self.text_up_to(self.text.len(), targeted)
    }

    /// [`in_not_modified`](Self::in_not_modified) as lines, likewise.
    pub(crate) fn in_not_modified_text(&self, targeted: bool) -> &[u8] {
        self.text_up_to(self.in_not_modified_text, targeted)
    }

    /// [`of_coded`](Self::of_coded) as lines, likewise.
    pub(crate) fn of_coded_text(&self, targeted: bool) -> &[u8] {
        self.text_up_to(self.of_coded_text, targeted)
    }

    fn text_up_to(&self, end: usize, targeted: bool) -> &[u8] {
        let start = if targeted { 0 } else { self.targeted_text };
        self.text.get(start..end).unwrap_or_default()
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
    Targeted,
    InNotModified,
    OfCoded,
    OfOctets,
}

/// Writes fields as lines, and `others` behind them as they are, into one piece of memory. Returns all values as parts of it;
/// common ones are shared by all answers instead.
fn pack(fields: &[(&HeaderName, &HeaderValue)], others: [&HeaderValue; 2]) -> (Vec<HeaderValue>, Bytes) {
    let lines = fields.iter().map(|(name, value)| (name.as_str(), *value));
    let others = others.map(|value| ("", value));
    let length = lines.clone().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
        + others.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut text = BytesMut::with_capacity(length);
    let mut places = Vec::with_capacity(fields.len() + others.len());
    for (name, value) in lines.chain(others) {
        if !name.is_empty() {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b": ");
        }
        places.push((text.len()..text.len() + value.len(), value));
        text.extend_from_slice(value.as_bytes());
        if !name.is_empty() {
            text.extend_from_slice(b"\r\n");
        }
    }
    let text = text.freeze();
    let part = |(place, value): (Range<usize>, &HeaderValue)| {
        if let Some(common) = common(value) {
            return HeaderValue::from_static(common);
        }
        let mut part = HeaderValue::from_maybe_shared(text.slice(place)).unwrap_or_else(|_| value.clone());
        part.set_sensitive(value.is_sensitive());
        part
    };
    (places.into_iter().map(part).collect(), text)
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
