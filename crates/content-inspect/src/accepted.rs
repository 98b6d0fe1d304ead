//! Which types a place takes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::content_type::ContentType;

/// A set of types that are taken; everything else is refused. Serialised as a list of media types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<ContentType>", into = "Vec<ContentType>")]
pub struct Accepted {
    bits: u16,
}

impl Accepted {
    /// Takes just these.
    #[must_use]
    pub const fn of(types: &[ContentType]) -> Self {
        let mut bits = 0;
        let mut rest = types;
        while let [first, others @ ..] = rest {
            bits |= Self::bit(*first);
            rest = others;
        }
        Self { bits }
    }

    /// Whether `content_type` is taken.
    #[must_use]
    pub const fn contains(self, content_type: ContentType) -> bool {
        self.bits & Self::bit(content_type) != 0
    }

    /// What is taken, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = ContentType> {
        ContentType::ALL.into_iter().filter(move |&known| self.contains(known))
    }

    const fn bit(content_type: ContentType) -> u16 {
        1 << (content_type as u8)
    }
}

impl From<Vec<ContentType>> for Accepted {
    fn from(types: Vec<ContentType>) -> Self {
        Self::of(&types)
    }
}

impl From<Accepted> for Vec<ContentType> {
    fn from(accepted: Accepted) -> Self {
        accepted.iter().collect()
    }
}

impl fmt::Display for Accepted {
    /// For people: `MP4, QuickTime or WebM`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(ContentType::name).collect();
        match names.split_last() {
            None => f.write_str("nothing"),
            Some((only, [])) => f.write_str(only),
            Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILMS: Accepted = Accepted::of(&[ContentType::WebM, ContentType::Mp4, ContentType::QuickTime]);

    #[test]
    fn a_set_holds_what_it_was_made_of_and_nothing_else() {
        assert_eq!(FILMS.iter().count(), 3);
        assert!(FILMS.contains(ContentType::Mp4));
        assert!(!FILMS.contains(ContentType::Avif));
    }

    #[test]
    fn a_set_reads_like_a_sentence() {
        assert_eq!(FILMS.to_string(), "MP4, QuickTime or WebM");
        assert_eq!(Accepted::of(&[ContentType::Png]).to_string(), "PNG");
        assert_eq!(Accepted::of(&[]).to_string(), "nothing");
    }

    #[test]
    fn a_set_comes_back_from_json() {
        let json = serde_json::to_string(&FILMS).unwrap();
        assert_eq!(json, r#"["video/mp4","video/quicktime","video/webm"]"#);
        assert_eq!(serde_json::from_str::<Accepted>(&json).unwrap(), FILMS);
    }
}
