//! The value of `If-Match` and `If-None-Match`: `"*" / #entity-tag`.

use crate::EntityTag;

/// Most tags that one field may list, over all its lines. A client has a handful; more only cost work.
pub const MAX_TAGS: usize = 100;

/// Why a field value is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFault {
    /// It is no list of tags.
    Malformed,
    /// It has more than [`MAX_TAGS`].
    TooMany,
}

/// A parsed tag condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagList {
    /// `*`: any current representation.
    Any,
    /// The tags listed, over all lines of the field; may be empty, which matches nothing.
    Tags(Vec<EntityTag>),
}

impl TagList {
    /// Parses all lines of one field as the single list they are (RFC 9110 §5.3); `*` beside anything else is no such
    /// list. Empty elements are skipped, as §5.6.1.2 asks of a recipient.
    pub(crate) fn parse<'v>(lines: impl IntoIterator<Item = &'v [u8]>) -> Result<Self, ListFault> {
        let (mut any, mut tags) = (0_usize, Vec::new());
        for line in lines {
            let mut rest = trim(line);
            loop {
                while let Some(after) = rest.strip_prefix(b",") {
                    rest = trim(after);
                }
                if rest.is_empty() {
                    break;
                }
                if let Some(after) = rest.strip_prefix(b"*") {
                    any += 1;
                    rest = trim(after);
                } else {
                    let (tag, after) = EntityTag::take(rest).ok_or(ListFault::Malformed)?;
                    if tags.len() == MAX_TAGS {
                        return Err(ListFault::TooMany);
                    }
                    tags.push(tag);
                    rest = trim(after);
                }
                if !rest.is_empty() && !rest.starts_with(b",") {
                    return Err(ListFault::Malformed);
                }
            }
        }
        match (any, tags.is_empty()) {
            (0, _) => Ok(Self::Tags(tags)),
            (1, true) => Ok(Self::Any),
            _ => Err(ListFault::Malformed),
        }
    }

    /// Whether a tag of the list is `current`, compared strongly once the coding suffixes are off. `*` matches whatever exists.
    #[must_use]
    pub fn matches_strongly(&self, current: Option<&EntityTag>) -> bool {
        self.matches(current, EntityTag::strong_eq)
    }

    /// The same with the weak comparison.
    #[must_use]
    pub fn matches_weakly(&self, current: Option<&EntityTag>) -> bool {
        self.matches(current, EntityTag::weak_eq)
    }

    fn matches(&self, current: Option<&EntityTag>, same: fn(&EntityTag, &EntityTag) -> bool) -> bool {
        let Some(current) = current.map(EntityTag::strip_coding) else { return false };
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| same(&tag.strip_coding(), &current)),
        }
    }
}

/// Takes optional white space (`OWS`: spaces and tabs) off both ends.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(lines: &[&str]) -> Result<TagList, ListFault> {
        TagList::parse(lines.iter().map(|line| line.as_bytes()))
    }

    fn tags(texts: &[&str]) -> Result<TagList, ListFault> {
        Ok(TagList::Tags(texts.iter().map(|text| EntityTag::parse(text).unwrap()).collect()))
    }

    #[test]
    fn lists_are_read_by_the_grammar() {
        assert_eq!(parse(&["\"a\", W/\"b\""]), tags(&["\"a\"", "W/\"b\""]));
        assert_eq!(parse(&["\"a,b\" ,\t\"c\""]), tags(&["\"a,b\"", "\"c\""]));
        assert_eq!(parse(&["\"a\"", "\"b\",\"c\""]), tags(&["\"a\"", "\"b\"", "\"c\""]));
        assert_eq!(parse(&[",, \"a\" ,,"]), tags(&["\"a\""]));
        assert_eq!(parse(&[""]), tags(&[]));
        assert_eq!(parse(&[" * "]), Ok(TagList::Any));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in [
            vec!["a"],
            vec!["\"a\" \"b\""],
            vec!["\"a\"; \"b\""],
            vec!["\"a"],
            vec!["*, \"a\""],
            vec!["*", "\"a\""],
            vec!["*", "*"],
            vec!["**"],
            vec!["\"*\"*"],
            vec!["w/\"a\""],
        ] {
            assert_eq!(parse(&bad), Err(ListFault::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_list_of_more_tags_than_any_client_has_is_refused() {
        let many = vec!["\"a\""; MAX_TAGS];
        assert!(parse(&many).is_ok());
        assert!(parse(&[&many.join(",")]).is_ok());
        assert_eq!(parse(&[&many.join(","), "\"b\""]), Err(ListFault::TooMany));
    }

    #[test]
    fn a_star_matches_only_what_exists() {
        assert!(TagList::Any.matches_strongly(Some(&EntityTag::strong("v"))));
        assert!(!TagList::Any.matches_strongly(None));
    }

    proptest! {
        #[test]
        fn any_list_of_tags_is_read_whole(raw in prop::collection::vec(("[!#-~]{0,6}", any::<bool>()), 0..6), split: prop::sample::Index) {
            let texts: Vec<String> = raw.iter().map(|(opaque, weak)| format!("{}\"{opaque}\"", if *weak { "W/" } else { "" })).collect();
            let (first, second) = texts.split_at(split.index(texts.len() + 1));
            let lines = [first.join(", "), second.join(" ,")];
            let read = TagList::parse(lines.iter().map(|line| line.as_bytes()));
            let expected = TagList::Tags(texts.iter().map(|text| EntityTag::parse(text).unwrap()).collect());
            prop_assert_eq!(read, Ok(expected));
        }

        #[test]
        fn arbitrary_octets_never_panic(value in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = TagList::parse([value.as_slice()]);
        }
    }
}
