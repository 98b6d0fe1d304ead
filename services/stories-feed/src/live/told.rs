//! An event as clients are told it: written once, shared by all.

use bytestring::ByteString;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::audience::Relations;
use crate::domain::position::Position;
use crate::domain::telling::Addressees;
use crate::store::clock::Action;
use crate::store::log::{Logged, StoryNow};

/// An event, ready to be sent.
#[derive(Debug)]
pub(crate) struct Told {
    /// The position that a client has once it was told.
    pub(crate) position: Position,
    /// The message.
    pub(crate) text: ByteString,
    /// When it happened.
    pub(crate) occurred_at: DateTime<Utc>,
    action: Action,
    addressees: Addressees,
    story: StoryNow,
}

#[derive(Serialize)]
struct Message<'e> {
    action: &'static str,
    position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    story_id: Option<Uuid>,
    #[serde(skip_serializing_if = "is_nothing")]
    data: &'e Json,
}

fn is_nothing(data: &&Json) -> bool {
    data.is_null() || data.as_object().is_some_and(serde_json::Map::is_empty)
}

impl Told {
    /// An entry of the log of this epoch.
    pub(super) fn of(epoch: Uuid, event: Logged) -> Self {
        let position = Position { epoch, seq: event.seq };
        let message = Message {
            action: event.action.as_str(),
            position: position.to_string(),
            story_id: event.story_id,
            data: &event.data,
        };
        Self {
            position,
            text: written(&message),
            occurred_at: event.occurred_at,
            action: event.action,
            addressees: event.addressees,
            story: event.story,
        }
    }

    /// The order to read the feed anew, to everybody, from where nothing is known of what led to this position.
    pub(super) fn refetch(position: Position, now: DateTime<Utc>) -> Self {
        Self::of(
            position.epoch,
            Logged {
                seq: position.seq,
                action: Action::Refetch,
                story_id: None,
                addressees: Addressees::default(),
                story: StoryNow::Unknown,
                data: Json::Null,
                occurred_at: now,
            },
        )
    }

    /// Whether this viewer is told, by whom it may see.
    pub(super) fn is_for(&self, viewer: Uuid, relations: &Relations) -> bool {
        self.addressees.include(viewer, relations)
    }

    /// Whom it orders to read the feed anew: one viewer, or (`Some(None)`) all of them.
    pub(super) fn refetches(&self) -> Option<Option<Uuid>> {
        (self.action == Action::Refetch).then_some(self.addressees.viewer_id)
    }

    /// Whether it may still be told at this instant: nothing is told of a story from its expiry on (S-D1) but that it is gone.
    pub(crate) fn is_current(&self, now: DateTime<Utc>) -> bool {
        match self.action {
            Action::RemoveStory | Action::Refetch => true,
            Action::PrependStory | Action::UpdateStory | Action::ReactionCounts => match self.story {
                StoryNow::Unknown => false,
                // Told to its author alone.
                StoryNow::Unpublished => true,
                StoryNow::Until(expires_at) => now < expires_at,
            },
        }
    }
}

/// Texts and numbers can always be written.
fn written(message: &Message<'_>) -> ByteString {
    serde_json::to_string(message).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn logged(action: Action, story: StoryNow) -> Logged {
        Logged {
            seq: 7,
            action,
            story_id: Some(Uuid::from_u128(5)),
            addressees: Addressees::default(),
            story,
            data: json!({"type": "text"}),
            occurred_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_message_says_what_to_do_and_where_that_leads() {
        let told = Told::of(Uuid::from_u128(1), logged(Action::PrependStory, StoryNow::Unpublished));
        let message: Json = serde_json::from_str(&told.text).unwrap();
        assert_eq!(
            message,
            json!({
                "action": "prepend_story", "position": "00000000000000000000000000000001:7",
                "story_id": "00000000-0000-0000-0000-000000000005", "data": {"type": "text"},
            })
        );
        let refetch = Told::refetch(Position { epoch: Uuid::nil(), seq: 2 }, DateTime::UNIX_EPOCH);
        let message: Json = serde_json::from_str(&refetch.text).unwrap();
        assert_eq!(message, json!({"action": "refetch", "position": "00000000000000000000000000000000:2"}));
    }

    #[test]
    fn a_story_is_told_to_the_last_millisecond_and_its_end_at_any_time() {
        let end = DateTime::UNIX_EPOCH + TimeDelta::hours(24);
        let told = |action, story| Told::of(Uuid::nil(), logged(action, story));
        for action in [Action::PrependStory, Action::UpdateStory, Action::ReactionCounts] {
            let shown = told(action, StoryNow::Until(end));
            assert!(shown.is_current(end - TimeDelta::milliseconds(1)) && !shown.is_current(end));
            assert!(!told(action, StoryNow::Unknown).is_current(DateTime::UNIX_EPOCH), "it is purged");
            assert!(told(action, StoryNow::Unpublished).is_current(end));
        }
        for story in [StoryNow::Unknown, StoryNow::Until(end)] {
            assert!(told(Action::RemoveStory, story).is_current(end));
        }
    }
}
