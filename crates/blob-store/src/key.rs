//! The names of objects.

use std::fmt;

use serde::{Deserialize, Serialize};

const MAX_BYTES: usize = 512;
/// What file systems allow for one name.
const MAX_SEGMENT_BYTES: usize = 255;

/// The name of an object: segments of `[a-z0-9._-]` between slashes, at most 512 bytes, each at most 255.
///
/// No segment is empty, `.` or `..`, so a key is a path below the store's root and nowhere else. On disk a key cannot be
/// the folder of another: `a` and `a/b` do not go together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Longer than 512 bytes, or a segment longer than 255.
    #[error("a key has at most {MAX_BYTES} bytes, and each of its segments {MAX_SEGMENT_BYTES}")]
    TooLong,
    /// Empty, or a segment is.
    #[error("a segment of the key is empty")]
    EmptySegment,
    /// A segment is `.` or `..`.
    #[error("a segment of the key is . or ..")]
    DotSegment,
    /// Something beyond `a`–`z`, digits, `.`, `_`, `-` and `/`.
    #[error("{0:?} is not allowed in a key")]
    Character(char),
}

impl ObjectKey {
    /// Checks `text`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        if text.len() > MAX_BYTES {
            return Err(KeyError::TooLong);
        }
        text.split('/').try_for_each(check_segment)?;
        Ok(Self(text))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_segment(segment: &str) -> Result<(), KeyError> {
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    match segment {
        "" => Err(KeyError::EmptySegment),
        "." | ".." => Err(KeyError::DotSegment),
        _ if segment.len() > MAX_SEGMENT_BYTES => Err(KeyError::TooLong),
        _ => match segment.chars().find(|&c| !allowed(c)) {
            Some(other) => Err(KeyError::Character(other)),
            None => Ok(()),
        },
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_below_the_root_and_nowhere_else() {
        for good in ["a", "originals/0190/v.mp4", "..a", "a..", "-", "...", &"a".repeat(255)] {
            assert_eq!(ObjectKey::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", KeyError::EmptySegment),
            ("/a", KeyError::EmptySegment),
            ("a/", KeyError::EmptySegment),
            ("a//b", KeyError::EmptySegment),
            ("a/../b", KeyError::DotSegment),
            (".", KeyError::DotSegment),
            ("A", KeyError::Character('A')),
            ("a b", KeyError::Character(' ')),
            ("a\\b", KeyError::Character('\\')),
            ("a\0", KeyError::Character('\0')),
            ("ä", KeyError::Character('ä')),
            (&"a".repeat(256), KeyError::TooLong),
            (&"a/".repeat(257), KeyError::TooLong),
        ] {
            assert_eq!(ObjectKey::new(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_bad_key_is_not_read_back_either() {
        assert!(serde_json::from_str::<ObjectKey>("\"a/../b\"").is_err());
        assert_eq!(serde_json::to_string(&ObjectKey::new("a/b").unwrap()).unwrap(), "\"a/b\"");
    }
}
