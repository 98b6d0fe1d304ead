//! One entity tag: building, parsing, comparing, and the coding suffix.

use std::fmt;

/// A content coding that gets a tag of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// No coding; the tag stands as it is.
    Identity,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
    /// `gzip` (RFC 1952).
    Gzip,
}

impl Coding {
    /// The codings that leave a suffix.
    const SUFFIXED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The token of `Content-Encoding`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coding a `Content-Encoding` token names (codings are case-insensitive), if it is one of ours.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Identity, Self::Brotli, Self::Zstd, Self::Gzip]
            .into_iter()
            .find(|coding| coding.token().eq_ignore_ascii_case(token))
    }
}

/// Text that is not one entity tag by the grammar of RFC 9110 §8.8.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entity tag")]
pub struct TagError;

/// An entity tag. `==` compares all of it, weakness included; use [`strong_eq`](Self::strong_eq) and
/// [`weak_eq`](Self::weak_eq) for the comparisons of RFC 9110 §8.8.3.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag {
    weak: bool,
    /// What stands between the quotes, each octet as the character of the same number (ISO 8859-1).
    opaque: String,
}

impl EntityTag {
    /// A strong tag for a content version. What may not stand in a tag, and `;` and `%`, is written as `%XX`, so that
    /// different versions always have different tags and none can be mistaken for a coded one.
    #[must_use]
    pub fn strong(version: &str) -> Self {
        let mut opaque = String::with_capacity(version.len());
        for byte in version.bytes() {
            if byte.is_ascii_graphic() && !matches!(byte, b'"' | b';' | b'%') {
                opaque.push(char::from(byte));
            } else {
                opaque.push_str(&format!("%{byte:02X}"));
            }
        }
        Self { weak: false, opaque }
    }

    /// Parses exactly one tag: no white space around it, no list.
    ///
    /// # Errors
    /// [`TagError`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        match Self::take(text.as_bytes()) {
            Some((tag, [])) => Ok(tag),
            _ => Err(TagError),
        }
    }

    /// Takes a tag off the front of a field value and returns it with the rest.
    pub(crate) fn take(value: &[u8]) -> Option<(Self, &[u8])> {
        // `%s"W/"`: case-sensitive, and nothing between it and the quote.
        let (weak, rest) = match value.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let rest = rest.strip_prefix(b"\"")?;
        let end = rest.iter().position(|&byte| !is_etagc(byte))?;
        let (opaque, rest) = rest.split_at(end);
        let rest = rest.strip_prefix(b"\"")?;
        Some((Self { weak, opaque: opaque.iter().map(|&byte| char::from(byte)).collect() }, rest))
    }

    /// Whether the tag is marked weak.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// What stands between the quotes.
    #[must_use]
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    /// The tag of the representation of this version in `coding`: `"v"` becomes `"v;br"` (`X-D1`). A suffix that is there
    /// already is replaced, never doubled.
    #[must_use]
    pub fn with_coding(&self, coding: Coding) -> Self {
        let mut tag = self.strip_coding();
        if coding != Coding::Identity {
            tag.opaque.push(';');
            tag.opaque.push_str(coding.token());
        }
        tag
    }

    /// The tag of the version this representation belongs to: `"v;br"` becomes `"v"`; a tag without a known suffix stays.
    #[must_use]
    pub fn strip_coding(&self) -> Self {
        let stripped = Coding::SUFFIXED
            .into_iter()
            .find_map(|coding| self.opaque.strip_suffix(coding.token())?.strip_suffix(';'))
            .unwrap_or(&self.opaque);
        Self { weak: self.weak, opaque: stripped.to_owned() }
    }

    /// Strong comparison: both strong, same text.
    #[must_use]
    pub fn strong_eq(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison: same text, whatever the marks.
    #[must_use]
    pub fn weak_eq(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

impl fmt::Display for EntityTag {
    /// As a field value; a tag made by [`EntityTag::strong`] is plain ASCII.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\"{}\"", if self.weak { "W/" } else { "" }, self.opaque)
    }
}

/// `etagc = %x21 / %x23-7E / obs-text`
fn is_etagc(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7E | 0x80..=0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_grammar_is_the_one_of_the_rfc() {
        for good in ["\"\"", "\"a\"", "W/\"a\"", "\"a,b\"", "\"!#~\"", "W/\"\""] {
            assert!(EntityTag::parse(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "a",
            "\"",
            "\"a",
            "a\"",
            "w/\"a\"",
            "W /\"a\"",
            "W/ \"a\"",
            "\"a b\"",
            "\"a\"b\"",
            " \"a\"",
            "\"a\" ",
            "\"\u{7f}\"",
            "W/a",
            "*",
            "\"\t\"",
        ];
        for bad in bad {
            assert_eq!(EntityTag::parse(bad), Err(TagError), "{bad:?}");
        }
    }

    #[test]
    fn comparison_follows_the_table_of_8_8_3_2() {
        let parse = |text| EntityTag::parse(text).unwrap();
        for (a, b, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            assert_eq!(
                (parse(a).strong_eq(&parse(b)), parse(a).weak_eq(&parse(b))),
                (strong, weak),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn every_coding_has_its_suffix_and_loses_it_again() {
        let version = EntityTag::strong("v");
        for (coding, text) in [
            (Coding::Identity, "\"v\""),
            (Coding::Brotli, "\"v;br\""),
            (Coding::Zstd, "\"v;zstd\""),
            (Coding::Gzip, "\"v;gzip\""),
        ] {
            assert_eq!(version.with_coding(coding).to_string(), text);
            assert_eq!(version.with_coding(coding).strip_coding(), version);
            assert_eq!(version.with_coding(Coding::Zstd).with_coding(coding).to_string(), text);
        }
        assert_eq!(EntityTag::parse("\"v;deflate\"").unwrap().strip_coding().opaque(), "v;deflate");
    }

    #[test]
    fn a_version_that_looks_coded_is_not_taken_for_one() {
        let tag = EntityTag::strong("v;br");
        assert_eq!(tag.to_string(), "\"v%3Bbr\"");
        assert_eq!(tag.strip_coding(), tag);
    }

    #[test]
    fn codings_are_known_by_their_tokens_in_any_case() {
        assert_eq!(Coding::from_token("BR"), Some(Coding::Brotli));
        assert_eq!(Coding::from_token("deflate"), None);
    }

    proptest! {
        #[test]
        fn a_built_tag_parses_back(version in ".{0,40}") {
            let tag = EntityTag::strong(&version);
            prop_assert!(tag.to_string().is_ascii());
            prop_assert_eq!(EntityTag::parse(&tag.to_string()), Ok(tag));
        }

        #[test]
        fn different_versions_have_different_tags(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(a == b, EntityTag::strong(&a).strong_eq(&EntityTag::strong(&b)));
        }

        #[test]
        fn parsing_never_panics_and_keeps_what_it_accepts(text in "[W/\"a,; *\u{80}-\u{ff}]{0,12}") {
            if let Ok(tag) = EntityTag::parse(&text) {
                prop_assert!(text.starts_with('"') || text.starts_with("W/\""));
                prop_assert_eq!(tag.is_weak(), text.starts_with('W'));
            }
        }
    }
}
