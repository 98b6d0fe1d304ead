//! What changes together (RFC 9875).
//!
//! | group | what it stands for |
//! |---|---|
//! | `gyms/<gym>/stories` | what the gym shows: its stories, their authors, its policy |
//! | `gyms/<gym>/reactions` | how often its stories were reacted to |
//! | `gyms/<gym>/viewers/<person>` | membership, views and reactions of one person in it |
//! | `gyms/<gym>/members` | the list of its members |
//! | `viewers/<person>/relations` | whom one person follows, who counts it among close friends, and blocks |
//! | `stories/<story>` | one story by itself, with the reactions to it |
//! | `stories/<story>/place` | its gym and its author, which never change |
//! | `highlights/<person>` | the highlights of one person |

use freshness::{GroupError, Groups};
use uuid::Uuid;

/// `gyms/<gym>/stories`.
pub(crate) fn gym_stories(gym: Uuid) -> String {
    format!("gyms/{gym}/stories")
}

/// `gyms/<gym>/reactions`.
pub(crate) fn gym_reactions(gym: Uuid) -> String {
    format!("gyms/{gym}/reactions")
}

/// `gyms/<gym>/viewers/<person>`.
pub(crate) fn gym_viewer(gym: Uuid, person: Uuid) -> String {
    format!("gyms/{gym}/viewers/{person}")
}

/// `gyms/<gym>/members`.
pub(crate) fn gym_members(gym: Uuid) -> String {
    format!("gyms/{gym}/members")
}

/// `viewers/<person>/relations`.
pub(crate) fn relations(person: Uuid) -> String {
    format!("viewers/{person}/relations")
}

/// `stories/<story>`.
pub(crate) fn story(story: Uuid) -> String {
    format!("stories/{story}")
}

/// `stories/<story>/place`.
pub(crate) fn story_place(story: Uuid) -> String {
    format!("stories/{story}/place")
}

/// `highlights/<person>`.
pub(crate) fn highlights(person: Uuid) -> String {
    format!("highlights/{person}")
}

/// What a write changes, declared before its transaction begins: never less than it changes in the end.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    /// What it is counted as in the metrics of freshness.
    pub(crate) family: &'static str,
    names: Vec<String>,
}

impl Affected {
    /// These groups.
    pub(crate) fn of(family: &'static str, names: impl IntoIterator<Item = String>) -> Self {
        Self { family, names: names.into_iter().collect() }
    }

    /// As freshness takes them.
    ///
    /// # Errors
    /// [`GroupError::Empty`] of none; there is no other for names made here.
    pub(crate) fn groups(&self) -> Result<Groups, GroupError> {
        Groups::of(self.names.iter().map(String::as_str))
    }
}
