//! What an author may change of a story.

use serde::{Deserialize, Deserializer, Serialize};

use super::draft::{self, Faults};
use super::story::{Kind, Privacy};

/// A change as the client sends it (RFC 7396): what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoryPatch {
    /// Another caption; `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) caption: Option<Option<String>>,
    /// Who sees it beside its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) privacy: Option<Privacy>,
    /// Whether it is shown before the author's others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) is_pinned: Option<bool>,
    /// Whether viewers may reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) can_reply: Option<bool>,
    /// Whether viewers may react.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) can_react: Option<bool>,
    /// How long it is shown once published; of one that was published this stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_hours: Option<i32>,
    /// How long a viewer shows it before the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_secs: Option<i32>,
}

impl StoryPatch {
    /// The same with texts as they are stored.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn checked(mut self) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        if let Some(Some(caption)) = &self.caption {
            self.caption = Some(draft::caption(caption, &mut faults));
        }
        if let Some(hours) = self.duration_hours {
            draft::range("/duration_hours", hours, draft::DURATION_HOURS, &mut faults);
        }
        if let Some(secs) = self.display_secs {
            draft::range("/display_secs", secs, draft::DISPLAY_SECS, &mut faults);
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    /// Whether it would take from a story of this kind all that it shows.
    pub(crate) fn empties(&self, kind: Kind) -> bool {
        kind == Kind::Text && self.caption == Some(None)
    }
}

/// Whether everybody who may see a story before a change of its privacy may see it after it, whoever it is.
pub(crate) fn keeps_audience(before: Privacy, after: Privacy) -> bool {
    before == after || before == Privacy::Private || after == Privacy::Public
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audience::{Relation, may_see};

    fn read(json: &str) -> Option<StoryPatch> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn null_takes_the_caption_away_and_nothing_leaves_it() {
        assert_eq!(read("{}").unwrap(), StoryPatch::default());
        let bare = read(r#"{"caption":null}"#).unwrap();
        assert_eq!(bare.caption, Some(None));
        assert!(bare.empties(Kind::Text) && !bare.empties(Kind::Image));
        assert!(!read("{}").unwrap().empties(Kind::Text));
        let blank = read(r#"{"caption":"  "}"#).unwrap().checked().unwrap();
        assert_eq!(blank.caption, Some(None), "blanks say nothing");
        assert_eq!(read(r#"{"author_id":"x"}"#), None);
        assert_eq!(read(r#"{"privacy":"everyone"}"#), None);
    }

    #[test]
    fn an_audience_is_kept_if_nobody_of_it_is_left_out() {
        let relations =
            [(true, false), (false, true), (true, true), (false, false)].map(|(follows, friend)| Relation {
                is_self: false,
                follows,
                is_close_friend: friend,
                is_blocked: false,
            });
        for before in Privacy::ALL {
            for after in Privacy::ALL {
                let lost = relations.iter().any(|to| may_see(*before, *to) && !may_see(*after, *to));
                assert_eq!(keeps_audience(*before, *after), !lost, "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let patch = read(r#"{"caption":"a\u0000b","duration_hours":49,"display_secs":2}"#).unwrap();
        let places: Vec<_> = patch.checked().unwrap_err().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(places, ["/caption", "/duration_hours", "/display_secs"]);
    }

    #[test]
    fn what_was_sent_is_written_the_same_again() {
        for json in
            ["{}", r#"{"caption":null}"#, r#"{"caption":"A","privacy":"close_friends","is_pinned":true}"#]
        {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
    }
}
