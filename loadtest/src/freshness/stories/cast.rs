//! Who posts and looks, in which gyms, and how they stand to each other.

use crate::freshness::dice::Dice;
use crate::freshness::register::Register;

/// Everybody is a member of every gym, posts, and looks.
pub(crate) const PERSONS: usize = 8;
pub(crate) const GYMS: usize = 2;
/// What stories are reacted with.
pub(crate) const EMOJIS: [&str; 3] = ["💪", "🔥", "👏"];

/// Who sees a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    Public,
    Followers,
    CloseFriends,
    Private,
}

impl Privacy {
    const ALL: [Self; 4] = [Self::Public, Self::Followers, Self::CloseFriends, Self::Private];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Followers => "followers",
            Self::CloseFriends => "close_friends",
            Self::Private => "private",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|privacy| privacy.as_str() == name)
    }

    /// Mostly for everybody.
    pub(crate) fn any(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0..5 => Self::Public,
            5..7 => Self::Followers,
            7..9 => Self::CloseFriends,
            _ => Self::Private,
        }
    }
}

/// How two persons stand to each other: each list has what the first did, and what the second did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ties {
    pub(crate) follows: [bool; 2],
    pub(crate) befriends: [bool; 2],
    pub(crate) blocks: [bool; 2],
}

/// A list that one person has the other on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    Follow,
    CloseFriend,
    Block,
}

impl Tie {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Follow => "follows",
            Self::CloseFriend => "close-friends",
            Self::Block => "blocks",
        }
    }
}

impl Ties {
    pub(crate) fn is_blocked(self) -> bool {
        self.blocks != [false; 2]
    }

    /// Whether the one on `side` has put the other on this list.
    pub(crate) fn has(self, tie: Tie, side: usize) -> bool {
        let list = match tie {
            Tie::Follow => self.follows,
            Tie::CloseFriend => self.befriends,
            Tie::Block => self.blocks,
        };
        list.get(side).copied().unwrap_or_default()
    }

    /// The same after the one on `side` has put the other on a list, or taken it off. A block ends everything else.
    pub(crate) fn after(mut self, tie: Tie, side: usize, is_on: bool) -> Self {
        if tie == Tie::Block && is_on {
            self.follows = [false; 2];
            self.befriends = [false; 2];
        }
        let list = match tie {
            Tie::Follow => &mut self.follows,
            Tie::CloseFriend => &mut self.befriends,
            Tie::Block => &mut self.blocks,
        };
        if let Some(entry) = list.get_mut(side) {
            *entry = is_on;
        }
        self
    }

    /// Whether the other one sees a story of this privacy of the one on `author_side`.
    pub(crate) fn may_see(self, privacy: Privacy, author_side: usize) -> bool {
        !self.is_blocked()
            && match privacy {
                Privacy::Public => true,
                Privacy::Followers => self.has(Tie::Follow, 1 - author_side),
                Privacy::CloseFriends => self.has(Tie::CloseFriend, author_side),
                Privacy::Private => false,
            }
    }
}

/// Everybody.
pub(crate) struct Cast {
    pub(crate) persons: Vec<String>,
    pub(crate) gyms: Vec<String>,
    /// By the lower number, then by the higher.
    ties: Vec<Register<Ties>>,
}

impl Cast {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            persons: (0..PERSONS).map(|_| dice.uuid()).collect(),
            gyms: (0..GYMS).map(|_| dice.uuid()).collect(),
            ties: (0..PERSONS * PERSONS).map(|_| Register::new(Ties::default())).collect(),
        }
    }

    pub(crate) fn person(&self, number: usize) -> &str {
        self.persons.get(number).map_or("", String::as_str)
    }

    pub(crate) fn gym(&self, number: usize) -> &str {
        self.gyms.get(number).map_or("", String::as_str)
    }

    /// How two stand to each other, and on which side the first one is.
    pub(crate) fn ties(&self, one: usize, other: usize) -> Option<(&Register<Ties>, usize)> {
        let register = self.ties.get(one.min(other) * PERSONS + one.max(other))?;
        (one != other).then_some((register, usize::from(one > other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_what_was_between_two_and_its_end_brings_nothing_back() {
        let follows = Ties::default().after(Tie::Follow, 1, true);
        assert!(follows.may_see(Privacy::Followers, 0) && !follows.may_see(Privacy::Followers, 1));
        let blocked = follows.after(Tie::Block, 0, true);
        assert!(!blocked.may_see(Privacy::Public, 0) && !blocked.may_see(Privacy::Public, 1));
        let again = blocked.after(Tie::Block, 0, false);
        assert!(again.may_see(Privacy::Public, 0) && !again.may_see(Privacy::Followers, 0));
    }

    #[test]
    fn close_friends_are_whom_the_author_chose() {
        let friends = Ties::default().after(Tie::CloseFriend, 0, true);
        assert!(friends.may_see(Privacy::CloseFriends, 0) && !friends.may_see(Privacy::CloseFriends, 1));
        assert!(!friends.may_see(Privacy::Private, 0));
    }
}
