//! In which order a feed shows its stories.
//!
//! Authors: the viewer's own stories first; then authors of whom something is not seen yet; then those with a pinned story; then
//! the closest (who counts the viewer among the close friends, then whom the viewer follows, then all others); then whoever posted last.
//! Stories of one author: the pinned, then the newest (S-A2). Ids break ties, so that the order is total.
//!
//! A feed is paged by where in this order the last page ended. While the viewer looks, stories become seen and expire, which
//! would move their authors: pages after the first are ranked as of the instants of the first ([`AsOf`]), so that together they
//! are what one page would have been, but for what has expired meanwhile.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::audience::{Relation, Relations, may_see};
use super::story::Privacy;

/// What is known of a story before anybody asks for it. Instants are in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who sees it beside its author.
    pub(crate) privacy: Privacy,
    /// Whether it comes before its author's others.
    pub(crate) is_pinned: bool,
    /// Since when it is shown.
    pub(crate) published_at: i64,
    /// From this instant on it is not.
    pub(crate) expires_at: i64,
}

impl Candidate {
    /// Its place among the stories of its author.
    pub(crate) fn key(&self) -> StoryKey {
        StoryKey {
            is_unpinned: !self.is_pinned,
            published_at: Reverse(self.published_at),
            id: Reverse(self.id),
        }
    }

    fn is_alive(&self, at: i64) -> bool {
        at < self.expires_at
    }
}

/// The place of a story among those of its author: what is less comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StoryKey {
    is_unpinned: bool,
    published_at: Reverse<i64>,
    id: Reverse<Uuid>,
}

/// The place of an author in a feed: what is less comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AuthorKey {
    is_other: bool,
    all_seen: bool,
    none_pinned: bool,
    distance: u8,
    newest: Reverse<i64>,
    id: Uuid,
}

impl AuthorKey {
    /// Whose place it is.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }
}

/// Where in a feed a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place(pub(crate) AuthorKey, pub(crate) StoryKey);

/// The instants by which a feed is ranked, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AsOf {
    /// What was published later is on none of its pages.
    pub(crate) published: i64,
    /// What expired later still counts for the place of its author.
    pub(crate) alive: i64,
    /// What was seen later counts as not seen.
    pub(crate) seen: i64,
}

/// Which stories are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All that the viewer may see.
    #[default]
    All,
    /// Of others, and not seen yet.
    Unseen,
    /// Of those whom the viewer follows.
    Following,
}

impl Filter {
    /// Its name in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unseen => "unseen",
            Self::Following => "following",
        }
    }

    /// The filter of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::All, Self::Unseen, Self::Following].into_iter().find(|filter| filter.as_str() == name)
    }
}

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// Who.
    pub(crate) viewer: Uuid,
    /// How the viewer stands to authors.
    pub(crate) relations: &'a Relations,
    /// The stories that the viewer has seen, in the order of their ids, each with the instant at which it was heard of.
    pub(crate) seen: &'a [(Uuid, i64)],
    /// What is wanted.
    pub(crate) filter: Filter,
    /// By which instants it is ranked.
    pub(crate) as_of: AsOf,
    /// What has expired by now is not shown.
    pub(crate) now: i64,
}

/// An author with something to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RankedAuthor {
    /// Its place.
    pub(crate) key: AuthorKey,
    /// How the viewer stands to it.
    pub(crate) relation: Relation,
    /// Whether something that is shown of it is not seen yet.
    pub(crate) has_unseen: bool,
    /// Where it was in what was ranked.
    pub(crate) index: usize,
}

impl View<'_> {
    /// Whether the viewer has seen a story. Nobody has to see what is his own.
    pub(crate) fn has_viewed(&self, relation: Relation, story: Uuid) -> bool {
        relation.is_self || self.seen_at(story).is_some()
    }

    /// Whether a story of an author to whom the viewer stands like this is on this page or another one of the same feed.
    pub(crate) fn shows(&self, relation: Relation, story: &Candidate) -> bool {
        story.is_alive(self.now) && self.counts(relation, story)
    }

    /// The authors with something to show, in order, each given with its stories.
    pub(crate) fn rank<'s>(
        &self,
        authors: impl Iterator<Item = (Uuid, &'s [Candidate])>,
    ) -> Vec<RankedAuthor> {
        let place = |(index, (id, stories))| self.place(index, id, stories);
        let mut ranked: Vec<RankedAuthor> = authors.enumerate().filter_map(place).collect();
        ranked.sort_unstable_by_key(|author| author.key);
        ranked
    }

    fn place(&self, index: usize, id: Uuid, stories: &[Candidate]) -> Option<RankedAuthor> {
        let relation = self.relations.to(self.viewer, id);
        if relation.is_blocked {
            return None;
        }
        let (mut is_shown, mut has_unseen) = (false, false);
        let (mut all_seen, mut none_pinned, mut newest) = (true, true, i64::MIN);
        for story in stories.iter().filter(|story| self.counts(relation, story)) {
            let is_alive = story.is_alive(self.now);
            is_shown |= is_alive;
            has_unseen |= is_alive && !self.has_viewed(relation, story.id);
            all_seen &= self.had_viewed(relation, story.id);
            none_pinned &= !story.is_pinned;
            newest = newest.max(story.published_at);
        }
        let distance = match relation {
            Relation { is_close_friend: true, .. } => 0,
            Relation { follows: true, .. } => 1,
            _ => 2,
        };
        let (is_other, newest) = (!relation.is_self, Reverse(newest));
        let key = AuthorKey { is_other, all_seen, none_pinned, distance, newest, id };
        is_shown.then_some(RankedAuthor { key, relation, has_unseen, index })
    }

    /// Whether a story was there, for this viewer, when the feed was first asked for.
    fn counts(&self, relation: Relation, story: &Candidate) -> bool {
        may_see(story.privacy, relation)
            && story.published_at <= self.as_of.published
            && story.is_alive(self.as_of.alive)
            && match self.filter {
                Filter::All => true,
                Filter::Unseen => !self.had_viewed(relation, story.id),
                Filter::Following => relation.follows,
            }
    }

    fn had_viewed(&self, relation: Relation, story: Uuid) -> bool {
        relation.is_self || self.seen_at(story).is_some_and(|seen_at| seen_at <= self.as_of.seen)
    }

    fn seen_at(&self, story: Uuid) -> Option<i64> {
        let index = self.seen.binary_search_by_key(&story, |(id, _)| *id).ok()?;
        self.seen.get(index).map(|(_, seen_at)| *seen_at)
    }
}

#[cfg(test)]
mod tests;
