//! What a story is, and the states it goes through: `draft → processing → active → archived`; `processing → failed →
//! processing` when its media are tried again; any of them ends `deleted` (by its author) or `removed` (by a moderator).

use chrono::{DateTime, TimeDelta, Utc};

/// Longest caption, in characters; the database has the same bound.
pub(crate) const MAX_CAPTION_CHARS: usize = 500;

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$variant_meta])* $variant),* }

        impl $name {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, in the API and in the database.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The one of that name.
            pub(crate) fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

named! {
    /// What a story shows.
    Kind {
        /// A picture.
        Image = "image",
        /// A video.
        Video = "video",
        /// Its caption alone.
        Text = "text",
        /// What was trained.
        Workout = "workout",
        /// What was reached.
        Achievement = "achievement",
    }
}

named! {
    /// Who sees a story beside its author.
    Privacy {
        /// All members of its gym.
        Public = "public",
        /// Members who follow the author.
        Followers = "followers",
        /// Members whom the author counts among the close friends.
        CloseFriends = "close_friends",
        /// Nobody.
        Private = "private",
    }
}

named! {
    /// Where a story stands.
    State {
        /// Not published yet.
        Draft = "draft",
        /// Published when its media are ready.
        Processing = "processing",
        /// Its media could not be processed.
        Failed = "failed",
        /// Shown until it expires.
        Active = "active",
        /// Expired; its author still has it.
        Archived = "archived",
        /// Deleted by its author.
        Deleted = "deleted",
        /// Removed by a moderator.
        Removed = "removed",
    }
}

impl Kind {
    /// Whether it shows an asset.
    pub(crate) fn has_media(self) -> bool {
        matches!(self, Self::Image | Self::Video)
    }
}

/// The instant from which on a story published at `published_at` is shown to nobody but its author (S-D1).
pub(crate) fn expiry(published_at: DateTime<Utc>, duration_hours: u8) -> DateTime<Utc> {
    published_at + TimeDelta::hours(duration_hours.into())
}

/// Whether a story is shown at this instant.
pub(crate) fn is_shown(state: State, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    state == State::Active && expires_at.is_some_and(|expires_at| now < expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_there_to_the_last_millisecond_and_gone_at_its_expiry() {
        let published: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
        let end = expiry(published, 24);
        assert!(is_shown(State::Active, Some(end), end - TimeDelta::milliseconds(1)));
        assert!(!is_shown(State::Active, Some(end), end));
        assert!(!is_shown(State::Removed, Some(end), published));
        assert!(!is_shown(State::Draft, None, published));
    }

    #[test]
    fn names_lead_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        for privacy in Privacy::ALL {
            assert_eq!(Privacy::parse(privacy.as_str()), Some(*privacy));
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
    }
}
