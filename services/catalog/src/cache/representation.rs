//! An answer as it is kept: what differs from record to record. What follows from the question (groups, policy, audience)
//! is not kept with it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use conditional::EntityTag;
use serde::{Deserialize, Serialize};

/// Of the encoding below and of the fields of the head. Another number makes other keys: replicas of two versions of the
/// service do not read each other's answers.
pub(super) const FORMAT: u32 = 1;

/// A whole answer to a read, made from one state of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Representation {
    /// Its validator.
    pub(crate) tag: EntityTag,
    /// When what it shows was last changed.
    pub(crate) last_modified: Option<DateTime<Utc>>,
    /// It shows a record that is deleted: nobody outside may keep it.
    pub(crate) deleted: bool,
    /// JSON.
    pub(crate) body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Head {
    tag: String,
    last_modified: Option<DateTime<Utc>>,
    deleted: bool,
}

impl Representation {
    /// Without a date.
    pub(crate) fn new(tag: EntityTag, body: impl Into<Bytes>) -> Self {
        Self { tag, last_modified: None, deleted: false, body: body.into() }
    }

    /// Of what has no version of its own: the validator is made from the content.
    pub(crate) fn of_content(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = blake3::hash(&body).to_hex();
        Self::new(EntityTag::strong(hash.get(..32).unwrap_or(&hash)), body)
    }

    /// Last changed then.
    #[must_use]
    pub(crate) fn changed_at(mut self, at: DateTime<Utc>) -> Self {
        self.last_modified = Some(at);
        self
    }

    /// The head as one line of JSON, and the body behind it.
    ///
    /// # Errors
    /// Never for what is made here; those of JSON.
    pub(super) fn encode(&self) -> serde_json::Result<Bytes> {
        let head =
            Head { tag: self.tag.to_string(), last_modified: self.last_modified, deleted: self.deleted };
        let mut out = serde_json::to_vec(&head)?;
        out.reserve_exact(1 + self.body.len());
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        Ok(out.into())
    }

    /// The answer that was encoded; `None` where it was not by us.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(bytes.get(..end)?).ok()?;
        Some(Self {
            tag: EntityTag::parse(&head.tag).ok()?,
            last_modified: head.last_modified,
            deleted: head.deleted,
            body: bytes.slice(end + 1..),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let at = "2026-03-01T10:00:00.123456Z".parse().expect("an instant");
        let mut shown =
            Representation::new(EntityTag::strong("57-12.3"), "{\"a\":\"b\\nc\"}\n").changed_at(at);
        shown.deleted = true;
        let kept = shown.encode().expect("it can be written");
        assert_eq!(Representation::decode(&kept), Some(shown));
    }

    #[test]
    fn what_somebody_else_wrote_is_no_answer() {
        for foreign in ["", "{}", "{}\n{}", "\n", "{\"tag\":\"1\"\n"] {
            assert_eq!(Representation::decode(&Bytes::from_static(foreign.as_bytes())), None, "{foreign:?}");
        }
    }
}
