//! Who may see a story: the one decision that every way of reading goes through (T6). A block wins over all.

use uuid::Uuid;

use super::story::Privacy;

/// How a viewer stands to an author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The viewer is the author.
    pub(crate) is_self: bool,
    /// The viewer follows the author.
    pub(crate) follows: bool,
    /// The author counts the viewer among the close friends.
    pub(crate) is_close_friend: bool,
    /// One of them has blocked the other.
    pub(crate) is_blocked: bool,
}

impl Relation {
    /// That of a viewer to itself.
    pub(crate) const SELF: Self =
        Self { is_self: true, follows: false, is_close_friend: false, is_blocked: false };
}

/// Whether a member of the story's gym may see a story of this privacy while it is shown at all.
pub(crate) fn may_see(privacy: Privacy, relation: Relation) -> bool {
    if relation.is_self {
        return true;
    }
    !relation.is_blocked
        && match privacy {
            Privacy::Public => true,
            Privacy::Followers => relation.follows,
            Privacy::CloseFriends => relation.is_close_friend,
            Privacy::Private => false,
        }
}

/// How one viewer stands to everybody: what is needed to judge many stories at once. Ids are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Relations {
    /// Whom the viewer follows.
    pub(crate) follows: Vec<Uuid>,
    /// Who counts the viewer among the close friends.
    pub(crate) close_friend_of: Vec<Uuid>,
    /// Who has blocked the viewer, or was blocked by the viewer.
    pub(crate) blocked: Vec<Uuid>,
}

impl Relations {
    /// The viewer's relation to an author.
    pub(crate) fn to(&self, viewer: Uuid, author: Uuid) -> Relation {
        if viewer == author {
            return Relation::SELF;
        }
        let has = |ids: &[Uuid]| ids.binary_search(&author).is_ok();
        Relation {
            is_self: false,
            follows: has(&self.follows),
            is_close_friend: has(&self.close_friend_of),
            is_blocked: has(&self.blocked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_privacy_has_its_audience() {
        let stranger = Relation::default();
        let follower = Relation { follows: true, ..stranger };
        let friend = Relation { is_close_friend: true, ..stranger };
        for (privacy, expected) in [
            (Privacy::Public, [true, true, true, true]),
            (Privacy::Followers, [true, false, true, false]),
            (Privacy::CloseFriends, [true, false, false, true]),
            (Privacy::Private, [true, false, false, false]),
        ] {
            let seen =
                [Relation::SELF, stranger, follower, friend].map(|relation| may_see(privacy, relation));
            assert_eq!(seen, expected, "{privacy:?}");
        }
    }

    #[test]
    fn a_block_wins_over_all() {
        let blocked = Relation { is_self: false, follows: true, is_close_friend: true, is_blocked: true };
        assert!(Privacy::ALL.iter().all(|privacy| !may_see(*privacy, blocked)));
    }
}
