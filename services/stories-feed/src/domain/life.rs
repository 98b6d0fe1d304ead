//! What becomes of a story: which steps it can take from where it stands. Beside these, time alone archives an active story some time after
//! its expiry.

use super::story::State;

/// Something that happens to a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its author publishes it, or its media are ready.
    Show,
    /// Its author publishes it, or has it tried again, while its media are not ready.
    Wait,
    /// Its media failed, or may not be seen any more.
    Fail,
    /// Its author deletes it.
    Delete,
    /// A moderator removes it.
    Remove,
}

impl Step {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] = [Self::Show, Self::Wait, Self::Fail, Self::Delete, Self::Remove];
}

/// Where a story stands after a step; nothing where it cannot take it. A story that has failed may have been shown before: it comes
/// back when its media do.
pub(crate) fn after(state: State, step: Step) -> Option<State> {
    use State::{Active, Archived, Deleted, Draft, Failed, Processing, Removed};
    match (state, step) {
        (Deleted | Removed, _) => None,
        (_, Step::Delete) => Some(Deleted),
        (_, Step::Remove) => Some(Removed),
        (Draft | Processing | Failed, Step::Show) => Some(Active),
        (Draft | Failed, Step::Wait) => Some(Processing),
        (Processing | Active, Step::Fail) => Some(Failed),
        (Draft | Processing | Failed | Active | Archived, Step::Show | Step::Wait | Step::Fail) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Active, Archived, Deleted, Draft, Failed, Processing, Removed};

    #[test]
    fn a_story_goes_the_way_that_is_written_and_no_other() {
        let mut ways = Vec::new();
        for from in State::ALL {
            for step in Step::ALL {
                ways.extend(after(*from, step).map(|to| (*from, to)));
            }
        }
        let living = [Draft, Processing, Failed, Active, Archived];
        let ended: Vec<_> = living.iter().flat_map(|from| [(*from, Deleted), (*from, Removed)]).collect();
        let onward = [
            (Draft, Active),
            (Draft, Processing),
            (Processing, Active),
            (Processing, Failed),
            (Failed, Active),
            (Failed, Processing),
            (Active, Failed),
        ];
        let mut expected: Vec<_> = onward.into_iter().chain(ended).collect();
        ways.sort();
        expected.sort();
        assert_eq!(ways, expected);
    }

    #[test]
    fn what_has_ended_has_ended() {
        for step in Step::ALL {
            assert_eq!((after(Deleted, step), after(Removed, step)), (None, None), "{step:?}");
        }
    }
}
