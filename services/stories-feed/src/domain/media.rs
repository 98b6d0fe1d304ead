//! What is known of an asset at upload-ingest, and what becomes of it when more is told.

use super::story::{Kind, State};

/// What a story is told that whose media are not public any more; such a story comes back with them.
pub(crate) const WITHDRAWN_CODE: &str = "media_withdrawn";
/// The same for its author.
pub(crate) const WITHDRAWN_TEXT: &str = "The picture or video is not public any more.";

/// Where an asset stands, as far as showing it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaState {
    /// Not all that is made of it is there yet.
    Processing,
    /// Everything is there, and anybody may have it.
    Ready,
    /// Nothing will come of it unless somebody has it tried again.
    Failed,
    /// Only its owner may have it: private, hidden or deleted.
    Withdrawn,
}

impl MediaState {
    /// Its name in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Processing, Self::Ready, Self::Failed, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// That of an asset whose processing has come so far, and which this many may see.
    pub(crate) fn of(progress: Progress, is_public: bool) -> Self {
        match progress {
            Progress::Failed => Self::Failed,
            _ if !is_public => Self::Withdrawn,
            Progress::Under => Self::Processing,
            Progress::Done => Self::Ready,
        }
    }
}

/// How far the processing of an asset has come, whoever may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Under way.
    Under,
    /// Done.
    Done,
    /// Given up.
    Failed,
}

/// The kind of story that shows assets which upload-ingest calls so.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    Kind::parse(name).filter(|kind| kind.has_media())
}

/// What is known of an asset, as far as more that is told changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Where it stands.
    pub(crate) state: MediaState,
    /// Whether a moderator keeps it out of sight.
    pub(crate) is_hidden: bool,
    /// Whether all that is made of it is known.
    pub(crate) has_renditions: bool,
}

/// What an event tells of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// All that is made of it is there.
    Processed {
        /// Whether its owner lets anybody see it.
        is_public: bool,
    },
    /// Nothing will come of it.
    Failed,
    /// Others may see it than before.
    Changed {
        /// Whether its owner lets anybody see it.
        is_public: bool,
        /// Whether a moderator keeps it out of sight.
        is_hidden: bool,
    },
    /// It is gone.
    Deleted,
}

/// Where an asset stands after an event that is newer than what is known, and whether it is hidden. Nothing where the event is of an
/// asset that is not known and says too little of it: whoever wants to show it asks upload-ingest.
pub(crate) fn after(known: Option<Known>, told: Told) -> Option<(MediaState, bool)> {
    let was_hidden = known.is_some_and(|known| known.is_hidden);
    match told {
        Told::Processed { is_public } => {
            Some((MediaState::of(Progress::Done, is_public && !was_hidden), was_hidden))
        }
        Told::Failed => Some((MediaState::Failed, was_hidden)),
        Told::Deleted => Some((MediaState::Withdrawn, was_hidden)),
        Told::Changed { is_public, is_hidden } => {
            let is_seen = is_public && !is_hidden;
            let progress = match known {
                // Kept, so that a question that was answered before the change does not pass for newer.
                None if !is_seen => Progress::Under,
                None => return None,
                Some(Known { state: MediaState::Failed, .. }) => Progress::Failed,
                Some(Known { has_renditions: true, .. }) => Progress::Done,
                Some(_) => Progress::Under,
            };
            Some((MediaState::of(progress, is_seen), is_hidden))
        }
    }
}

/// What a story has to do with its asset, as far as what becomes of the asset changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Showing {
    /// Where the story stands.
    pub(crate) state: State,
    /// Whether it failed for nothing but the asset's being withdrawn.
    pub(crate) is_withdrawn: bool,
    /// Whether its time is over.
    pub(crate) is_over: bool,
}

/// What becomes of a story when its asset has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// It is shown from now on, or again.
    Show,
    /// It waits again.
    Wait,
    /// It is shown no more, because the asset is withdrawn.
    Withdraw,
    /// It fails of what the asset failed of.
    Fail,
    /// What it shows looks different.
    Retell,
}

/// What becomes of a story whose asset stands so now. A story that failed by itself stays so until its author has it tried again.
pub(crate) fn consequence(showing: Showing, media: MediaState) -> Option<Consequence> {
    let Showing { state, is_withdrawn, is_over } = showing;
    match (media, state) {
        _ if is_over => None,
        (MediaState::Ready, State::Processing) => Some(Consequence::Show),
        (MediaState::Ready, State::Failed) if is_withdrawn => Some(Consequence::Show),
        (MediaState::Ready, State::Active) => Some(Consequence::Retell),
        (MediaState::Processing, State::Failed) if is_withdrawn => Some(Consequence::Wait),
        (MediaState::Failed, State::Processing | State::Active) => Some(Consequence::Fail),
        (MediaState::Withdrawn, State::Processing | State::Active) => Some(Consequence::Withdraw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_its_owner_may_see_is_never_ready() {
        for progress in [Progress::Under, Progress::Done, Progress::Failed] {
            assert_ne!(MediaState::of(progress, false), MediaState::Ready);
        }
        assert_eq!(MediaState::of(Progress::Done, true), MediaState::Ready);
        assert_eq!(MediaState::of(Progress::Failed, false), MediaState::Failed);
    }

    #[test]
    fn only_pictures_and_videos_are_shown() {
        assert_eq!(kind("video"), Some(Kind::Video));
        assert_eq!(kind("text"), None);
    }

    fn known(state: MediaState) -> Option<Known> {
        Some(Known { state, is_hidden: false, has_renditions: state == MediaState::Ready })
    }

    #[test]
    fn what_a_moderator_hid_while_it_was_processed_stays_out_of_sight() {
        let hidden = after(known(MediaState::Processing), Told::Changed { is_public: true, is_hidden: true });
        assert_eq!(hidden, Some((MediaState::Withdrawn, true)));
        let known = Known { state: MediaState::Withdrawn, is_hidden: true, has_renditions: false };
        let processed = after(Some(known), Told::Processed { is_public: true });
        assert_eq!(processed, Some((MediaState::Withdrawn, true)));
        let known = Known { has_renditions: true, ..known };
        let shown = after(Some(known), Told::Changed { is_public: true, is_hidden: false });
        assert_eq!(shown, Some((MediaState::Ready, false)));
    }

    #[test]
    fn what_comes_back_before_it_is_processed_waits() {
        let withdrawn = Known { state: MediaState::Withdrawn, is_hidden: false, has_renditions: false };
        let back = Told::Changed { is_public: true, is_hidden: false };
        assert_eq!(after(Some(withdrawn), back), Some((MediaState::Processing, false)));
        assert_eq!(after(known(MediaState::Failed), back), Some((MediaState::Failed, false)));
        // Nothing is known of it but that it may be seen, which says nothing of what there is to see.
        assert_eq!(after(None, back), None);
    }

    #[test]
    fn what_is_told_of_unknown_assets_is_kept_where_a_late_answer_could_contradict_it() {
        let private = Told::Changed { is_public: false, is_hidden: false };
        for told in [private, Told::Deleted, Told::Processed { is_public: false }] {
            assert_eq!(after(None, told), Some((MediaState::Withdrawn, false)), "{told:?}");
        }
        assert_eq!(after(None, Told::Failed), Some((MediaState::Failed, false)));
    }

    #[test]
    fn a_story_follows_its_asset() {
        let showing = |state, is_withdrawn| Showing { state, is_withdrawn, is_over: false };
        for (media, state, is_withdrawn, expected) in [
            (MediaState::Ready, State::Processing, false, Some(Consequence::Show)),
            (MediaState::Ready, State::Failed, true, Some(Consequence::Show)),
            (MediaState::Ready, State::Failed, false, None),
            (MediaState::Ready, State::Active, false, Some(Consequence::Retell)),
            (MediaState::Ready, State::Draft, false, None),
            (MediaState::Processing, State::Failed, true, Some(Consequence::Wait)),
            (MediaState::Processing, State::Processing, false, None),
            (MediaState::Failed, State::Processing, false, Some(Consequence::Fail)),
            (MediaState::Withdrawn, State::Active, false, Some(Consequence::Withdraw)),
            (MediaState::Withdrawn, State::Processing, false, Some(Consequence::Withdraw)),
            (MediaState::Withdrawn, State::Draft, false, None),
            (MediaState::Withdrawn, State::Archived, false, None),
        ] {
            assert_eq!(consequence(showing(state, is_withdrawn), media), expected, "{media:?} {state:?}");
        }
        let over = Showing { is_over: true, ..showing(State::Failed, true) };
        assert_eq!(consequence(over, MediaState::Ready), None);
    }
}
