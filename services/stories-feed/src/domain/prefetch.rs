//! Which stories a client will want next, so that it can load them before (S-A5): how likely, and why (S-D9).
//!
//! A client begins with the first story that the viewer has not seen, goes on within an author, then to the next author. What was seen
//! already comes last.

use uuid::Uuid;

/// How many stories are named ahead.
pub(crate) const BUFFER: usize = 3;

/// A story of a page, in the order of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upcoming {
    /// The story.
    pub(crate) story: Uuid,
    /// Who posted it.
    pub(crate) author: Uuid,
    /// Whether the viewer has seen it, or posted it.
    pub(crate) has_viewed: bool,
}

/// Why a story will be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It follows within the author before it.
    NextStory,
    /// It is the next author's first.
    NextAuthor,
    /// It was seen; some look twice.
    Again,
}

impl Reason {
    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NextStory => "next_story",
            Self::NextAuthor => "next_author",
            Self::Again => "again",
        }
    }

    /// Of a hundred viewers who came as far as the story before, how many go on to one like this: what is assumed until it is
    /// measured.
    fn share(self) -> u32 {
        match self {
            Self::NextStory => 90,
            Self::NextAuthor => 75,
            Self::Again => 20,
        }
    }
}

/// A story that will be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Which.
    pub(crate) story: Uuid,
    /// Why.
    pub(crate) reason: Reason,
    /// How likely, in hundredths.
    pub(crate) confidence: u32,
}

/// What to begin with, and what to load meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefetch {
    /// The first story to show; none of an empty page.
    pub(crate) current: Option<Uuid>,
    /// What comes next, the likeliest first.
    pub(crate) queue: Vec<Hint>,
}

/// What a page leads to. Who saves data loads nothing that is not shown for sure.
pub(crate) fn prefetch(page: &[Upcoming], saves_data: bool) -> Prefetch {
    let first = page.iter().position(|upcoming| !upcoming.has_viewed).unwrap_or(0);
    let Some((current, after)) = page.get(first..).and_then(<[_]>::split_first) else {
        return Prefetch::default();
    };
    let mut queue = Vec::with_capacity(BUFFER);
    if !saves_data {
        let unseen = after.iter().filter(|upcoming| !upcoming.has_viewed);
        let seen = after.iter().filter(|upcoming| upcoming.has_viewed);
        let (mut author, mut confidence) = (current.author, 100);
        for upcoming in unseen.chain(seen).take(BUFFER) {
            let reason = match upcoming {
                Upcoming { has_viewed: true, .. } => Reason::Again,
                _ if upcoming.author == author => Reason::NextStory,
                _ => Reason::NextAuthor,
            };
            confidence = confidence * reason.share() / 100;
            author = upcoming.author;
            queue.push(Hint { story: upcoming.story, reason, confidence });
        }
    }
    Prefetch { current: Some(current.story), queue }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(stories: &[(u128, u128, bool)]) -> Vec<Upcoming> {
        let upcoming = |&(story, author, has_viewed): &(u128, u128, bool)| Upcoming {
            story: Uuid::from_u128(story),
            author: Uuid::from_u128(author),
            has_viewed,
        };
        stories.iter().map(upcoming).collect()
    }

    #[test]
    fn one_goes_on_from_what_is_not_seen() {
        let page = page(&[
            (1, 9, true),
            (2, 8, true),
            (3, 8, false),
            (4, 8, false),
            (5, 7, true),
            (6, 7, false),
            (7, 6, false),
        ]);
        let ahead = prefetch(&page, false);
        assert_eq!(ahead.current, Some(Uuid::from_u128(3)));
        let queue: Vec<_> =
            ahead.queue.iter().map(|hint| (hint.story.as_u128(), hint.reason, hint.confidence)).collect();
        assert_eq!(
            queue,
            [(4, Reason::NextStory, 90), (6, Reason::NextAuthor, 67), (7, Reason::NextAuthor, 50)]
        );
    }

    #[test]
    fn what_was_seen_comes_last() {
        let ahead = prefetch(&page(&[(1, 9, false), (2, 8, true)]), false);
        assert_eq!(ahead.queue.first().map(|hint| (hint.reason, hint.confidence)), Some((Reason::Again, 20)));
    }

    #[test]
    fn nothing_is_loaded_ahead_of_who_saves_data() {
        let ahead = prefetch(&page(&[(1, 9, false), (2, 9, false)]), true);
        assert_eq!(ahead, Prefetch { current: Some(Uuid::from_u128(1)), queue: Vec::new() });
        assert_eq!(prefetch(&[], false), Prefetch::default());
    }
}
