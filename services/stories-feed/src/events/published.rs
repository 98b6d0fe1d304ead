//! From what happened to a story to the contract others read, wrapped for the outbox.

use chrono::{DateTime, Utc};
use contracts::stories_feed::v1;
use contracts::{Message, Name, Timestamp};
use event_bus::OutboxMessage;
use uuid::Uuid;

use super::SOURCE;
use crate::domain::story::{Kind, Privacy};

/// The story that an event is about, as the transaction that enqueues it knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// The story.
    pub(crate) story_id: Uuid,
    /// Its version after the change.
    pub(crate) version: i64,
    /// The gym it is shown in.
    pub(crate) gym_id: Uuid,
    /// Who posted it.
    pub(crate) author_id: Uuid,
}

/// What is told of a story that is shown from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// What it shows.
    pub(crate) kind: Kind,
    /// To whom.
    pub(crate) privacy: Privacy,
    /// The asset, if it shows one.
    pub(crate) asset_id: Option<Uuid>,
    /// Since when.
    pub(crate) published_at: DateTime<Utc>,
    /// Until when.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Why a story is shown no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its time was over.
    Expired,
    /// Its author deleted it.
    Deleted,
    /// A moderator removed it.
    Removed,
    /// Its media are not public any more.
    Withdrawn,
}

/// A story is shown from now on.
pub(crate) fn story_published(
    event_id: Uuid,
    about: &About,
    shown: &Shown,
    at: DateTime<Utc>,
) -> OutboxMessage {
    let event = v1::StoryPublished {
        id: event_id.to_string(),
        story_id: about.story_id.to_string(),
        version: about.version,
        gym_id: about.gym_id.to_string(),
        author_id: about.author_id.to_string(),
        kind: kind(shown.kind).into(),
        privacy: privacy(shown.privacy).into(),
        asset_id: shown.asset_id.map(|id| id.to_string()).unwrap_or_default(),
        published_at: Some(timestamp(shown.published_at)),
        expires_at: Some(timestamp(shown.expires_at)),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, "stories_feed.story.published", about.story_id, &event, at)
}

/// A story that was shown is shown no more; `actor` is who asked for that.
pub(crate) fn story_ended(
    event_id: Uuid,
    about: &About,
    ending: Ending,
    actor: Option<Uuid>,
    at: DateTime<Utc>,
) -> OutboxMessage {
    let reason = match ending {
        Ending::Expired => v1::EndReason::Expired,
        Ending::Deleted => v1::EndReason::Deleted,
        Ending::Removed => v1::EndReason::Removed,
        Ending::Withdrawn => v1::EndReason::Withdrawn,
    };
    let event = v1::StoryEnded {
        id: event_id.to_string(),
        story_id: about.story_id.to_string(),
        version: about.version,
        gym_id: about.gym_id.to_string(),
        author_id: about.author_id.to_string(),
        reason: reason.into(),
        actor_id: actor.map(|id| id.to_string()).unwrap_or_default(),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, "stories_feed.story.ended", about.story_id, &event, at)
}

fn message<M: Message + Name>(
    id: Uuid,
    subject: &str,
    story_id: Uuid,
    event: &M,
    occurred_at: DateTime<Utc>,
) -> OutboxMessage {
    OutboxMessage {
        id,
        subject: subject.to_owned(),
        event_type: M::full_name(),
        source: SOURCE.to_owned(),
        aggregate: format!("story/{story_id}"),
        payload: event.encode_to_vec(),
        occurred_at,
    }
}

fn kind(kind: Kind) -> v1::Kind {
    match kind {
        Kind::Image => v1::Kind::Image,
        Kind::Video => v1::Kind::Video,
        Kind::Text => v1::Kind::Text,
        Kind::Workout => v1::Kind::Workout,
        Kind::Achievement => v1::Kind::Achievement,
    }
}

fn privacy(privacy: Privacy) -> v1::Privacy {
    match privacy {
        Privacy::Public => v1::Privacy::Public,
        Privacy::Followers => v1::Privacy::Followers,
        Privacy::CloseFriends => v1::Privacy::CloseFriends,
        Privacy::Private => v1::Privacy::Private,
    }
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    // A leap second is written as nanoseconds beyond a second, which the contract's type does not know.
    let nanos = at.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Uuid = Uuid::from_u128(1);
    const STORY: Uuid = Uuid::from_u128(2);

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 5_000).unwrap()
    }

    fn about() -> About {
        About { story_id: STORY, version: 3, gym_id: Uuid::from_u128(4), author_id: Uuid::from_u128(5) }
    }

    #[test]
    fn a_message_is_addressed_by_what_happened_and_ordered_by_story() {
        let shown = Shown {
            kind: Kind::Text,
            privacy: Privacy::CloseFriends,
            asset_id: None,
            published_at: at(),
            expires_at: at(),
        };
        let message = story_published(EVENT, &about(), &shown, at());
        assert_eq!(message.subject, "stories_feed.story.published");
        assert_eq!(message.event_type, "aldia.stories_feed.v1.StoryPublished");
        assert_eq!(message.aggregate, format!("story/{STORY}"));
        let event = v1::StoryPublished::decode(message.payload.as_slice()).unwrap();
        assert_eq!((event.kind(), event.privacy()), (v1::Kind::Text, v1::Privacy::CloseFriends));
        assert_eq!((event.version, event.asset_id.as_str()), (3, ""));
        assert_eq!(event.expires_at, Some(Timestamp { seconds: 1_700_000_000, nanos: 5_000 }));
    }

    #[test]
    fn an_end_says_why_and_by_whom() {
        let actor = Uuid::from_u128(6);
        let message = story_ended(EVENT, &about(), Ending::Removed, Some(actor), at());
        assert_eq!(message.subject, "stories_feed.story.ended");
        let event = v1::StoryEnded::decode(message.payload.as_slice()).unwrap();
        assert_eq!((event.reason(), event.actor_id), (v1::EndReason::Removed, actor.to_string()));
        let expired = story_ended(EVENT, &about(), Ending::Expired, None, at());
        let event = v1::StoryEnded::decode(expired.payload.as_slice()).unwrap();
        assert_eq!((event.reason(), event.actor_id.as_str()), (v1::EndReason::Expired, ""));
    }

    /// Whoever names something new here has to name it in the contract.
    #[test]
    fn every_kind_and_privacy_has_its_word_in_the_contract() {
        for own in Kind::ALL {
            assert_eq!(kind(*own).as_str_name(), format!("KIND_{}", own.as_str().to_uppercase()));
        }
        for own in Privacy::ALL {
            assert_eq!(privacy(*own).as_str_name(), format!("PRIVACY_{}", own.as_str().to_uppercase()));
        }
    }
}
