//! The tag of a stored answer, read once: comparing it with what a client presents takes no allocation.

use conditional::{Coding, EntityTag};
use http::HeaderValue;

/// An entity tag as it is written, and where its parts are.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    value: HeaderValue,
    weak: bool,
    /// Octets between the quotes that name the content version: without the suffix of a coding.
    version: usize,
}

impl Tag {
    /// Reads a field value; `None` if it is no tag.
    pub(crate) fn read(value: HeaderValue) -> Option<Self> {
        let (tag, rest) = split_tag(value.as_bytes())?;
        rest.is_empty().then_some(())?;
        Some(Self { weak: tag.weak, version: strip_coding(tag.opaque).len(), value })
    }

    /// The field value.
    pub(crate) fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// What stands between the quotes.
    pub(crate) fn opaque(&self) -> &[u8] {
        let start = if self.weak { 3 } else { 1 };
        self.value.as_bytes().get(start..self.value.len() - 1).unwrap_or_default()
    }

    /// The same without the suffix of a coding.
    pub(crate) fn version(&self) -> &[u8] {
        self.opaque().get(..self.version).unwrap_or_default()
    }

    /// Whether it is marked weak.
    pub(crate) fn is_weak(&self) -> bool {
        self.weak
    }

    /// The tag of this version in a coding (`X-D1`).
    pub(crate) fn of_coding(&self, coding: Coding) -> HeaderValue {
        let coded = || {
            let mut text = Vec::with_capacity(self.value.len() + 5);
            text.extend_from_slice(if self.weak { b"W/\"" } else { b"\"" });
            text.extend_from_slice(self.version());
            text.push(b';');
            text.extend_from_slice(coding.token().as_bytes());
            text.push(b'"');
            HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
        };
        if coding == Coding::Identity {
            self.value.clone()
        } else {
            coded().unwrap_or_else(|| self.value.clone())
        }
    }

    /// As the type that the rest of the repository compares with.
    pub(crate) fn to_entity_tag(&self) -> Option<EntityTag> {
        EntityTag::parse(self.value.to_str().ok()?).ok()
    }
}

/// A tag where it stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagRef<'a> {
    pub(crate) weak: bool,
    pub(crate) opaque: &'a [u8],
}

/// Takes one tag off the front (RFC 9110 §8.8.3).
pub(crate) fn split_tag(text: &[u8]) -> Option<(TagRef<'_>, &[u8])> {
    // `%s"W/"`: case-sensitive, and nothing between it and the quote.
    let (weak, rest) = match text.strip_prefix(b"W/") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let rest = rest.strip_prefix(b"\"")?;
    let end = rest.iter().position(|&byte| !matches!(byte, 0x21 | 0x23..=0x7E | 0x80..))?;
    let (opaque, rest) = rest.split_at_checked(end)?;
    Some((TagRef { weak, opaque }, rest.strip_prefix(b"\"")?))
}

/// Takes the suffix of a coding off the text of a tag.
pub(crate) fn strip_coding(opaque: &[u8]) -> &[u8] {
    let without = |suffix: &[u8]| opaque.strip_suffix(suffix);
    without(b";br").or_else(|| without(b";zstd")).or_else(|| without(b";gzip")).unwrap_or(opaque)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> Option<Tag> {
        Tag::read(HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn each_coding_of_a_version_has_its_tag() {
        for (text, coding, expected) in [
            ("\"v\"", Coding::Identity, "\"v\""),
            ("\"v\"", Coding::Brotli, "\"v;br\""),
            ("\"v;gzip\"", Coding::Zstd, "\"v;zstd\""),
            ("W/\"v\"", Coding::Gzip, "W/\"v;gzip\""),
            ("\"\"", Coding::Brotli, "\";br\""),
        ] {
            assert_eq!(tag(text).unwrap().of_coding(coding), expected);
        }
    }

    #[test]
    fn what_is_no_tag_is_not_taken_for_one() {
        for text in ["v", "\"v", "v\"", "w/\"v\"", "\"a\" ", "\"a\", \"b\"", "\"a b\"", "*", ""] {
            assert!(tag(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn tags_are_read_as_the_conditional_crate_reads_them(text in "(W/)?\"?[a;b,r]{0,6}(;br|;zstd|;gzip)?\"?") {
            let (ours, theirs) = (tag(&text), EntityTag::parse(&text).ok());
            prop_assert_eq!(ours.is_some(), theirs.is_some());
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.is_weak(), theirs.is_weak());
                prop_assert_eq!(ours.opaque(), theirs.opaque().as_bytes());
                let version = theirs.strip_coding();
                prop_assert_eq!(ours.version(), version.opaque().as_bytes());
                for coding in [Coding::Brotli, Coding::Zstd, Coding::Gzip] {
                    let coded = theirs.with_coding(coding).to_string();
                    let made = ours.of_coding(coding);
                    prop_assert_eq!(made.as_bytes(), coded.as_bytes());
                }
                prop_assert_eq!(ours.to_entity_tag(), Some(theirs));
            }
        }
    }
}
