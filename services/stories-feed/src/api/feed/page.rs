//! One page of a feed: which stories, in which order, where the next begins, and how long that stays true.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::query::Cursor;
use crate::cache::body::BodyHead;
use crate::cache::parts::Parts;
use crate::domain::ranking::{AsOf, Filter, Place, RankedAuthor, View};

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Authors in order, with what the page shows of each.
    pub(super) authors: Vec<PageAuthor>,
    /// Where the next page begins; without it, this is the last.
    pub(super) next: Option<Cursor>,
    /// The first instant at which the clock changes the page, in microseconds since 1970.
    pub(super) until: Option<i64>,
}

/// An author on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageAuthor {
    /// Who, by the place among the authors of the body.
    pub(super) ranked: RankedAuthor,
    /// Its stories, by their places in the body.
    pub(super) stories: Vec<usize>,
}

impl Page {
    /// The stories that come after a place, at most so many.
    pub(super) fn select(body: &BodyHead, view: &View<'_>, after: Option<Place>, limit: usize) -> Self {
        let authors = body.authors.iter().map(|author| (author.id, body.candidates_of(author)));
        let mut page = Self { authors: Vec::new(), next: None, until: None };
        let (mut left, mut last) = (limit, None);
        for ranked in view.rank(authors) {
            let Some(author) = body.authors.get(ranked.index) else { continue };
            if after.is_some_and(|after| ranked.key < after.0) {
                continue;
            }
            if left == 0 {
                page.next = last;
                return page;
            }
            let (mut stories, mut until) = (Vec::new(), page.until);
            for (index, candidate) in body.of(author).zip(body.candidates_of(author)) {
                if !view.shows(ranked.relation, candidate) {
                    continue;
                }
                // Whatever of an author expires may change what is said of the author.
                until = Some(until.map_or(candidate.expires_at, |until| until.min(candidate.expires_at)));
                let place = Place(ranked.key, candidate.key());
                if after.is_some_and(|after| place <= after) {
                    continue;
                }
                if left == 0 {
                    page.next = last;
                    continue;
                }
                stories.push(index);
                last = Some(Cursor { as_of: view.as_of, after: place });
                left -= 1;
            }
            if !stories.is_empty() {
                page.until = until;
                page.authors.push(PageAuthor { ranked, stories });
            }
            if page.next.is_some() {
                return page;
            }
        }
        page
    }

    /// How many stories it shows.
    pub(super) fn count(&self) -> usize {
        self.authors.iter().map(|author| author.stories.len()).sum()
    }
}

/// Who looks at these parts, and when.
pub(super) fn view(parts: &Parts, viewer: Uuid, filter: Filter, as_of: AsOf, now: DateTime<Utc>) -> View<'_> {
    let known = &parts.viewer.head;
    View {
        viewer,
        relations: &known.relations,
        seen: &known.seen,
        filter,
        as_of,
        now: now.timestamp_micros(),
    }
}

/// By which instants a feed is ranked that is asked for anew: `asked_at` lies before anything of it was read, `now` after it. All that was
/// read belongs to it, also what another replica published by a clock that is ahead.
pub(super) fn as_of(body: &BodyHead, asked_at: DateTime<Utc>, now: DateTime<Utc>) -> AsOf {
    let newest = body.candidates.iter().map(|candidate| candidate.published_at).max();
    let now = now.timestamp_micros();
    AsOf {
        published: newest.map_or(now, |newest| newest.max(now)),
        alive: now,
        seen: asked_at.timestamp_micros(),
    }
}
