//! A page of a feed as JSON: pieces that were written when its parts were loaded are joined by what depends on who looks. No tree of
//! values is built.

use std::io::Write as _;

use uuid::Uuid;

use super::headers::{CONTENT_VERSION, Lifetimes};
use super::page::{Page, PageAuthor};
use crate::cache::body::BodyRendition;
use crate::cache::parts::Parts;
use crate::domain::hints::Hints;
use crate::domain::media_plan::{self, Wanted};
use crate::domain::prefetch::{Prefetch, Upcoming, prefetch};
use crate::domain::ranking::View;

/// About what a story takes, with its media.
const STORY_BYTES: usize = 3000;

/// A JSON text that grows.
#[derive(Debug, Default)]
pub(super) struct Json(Vec<u8>);

impl Json {
    /// With room for the JSON of so many stories.
    pub(super) fn for_stories(count: usize) -> Self {
        Self(Vec::with_capacity(2000 + count.saturating_mul(STORY_BYTES)))
    }

    /// Appends text as it is.
    pub(super) fn raw(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.0.extend_from_slice(text.as_ref());
        self
    }

    /// Appends an id as a string.
    pub(super) fn id(&mut self, id: Uuid) -> &mut Self {
        let mut buffer = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut buffer);
        self.raw("\"").raw(text).raw("\"")
    }

    /// Appends a number or another plain word.
    pub(super) fn word(&mut self, word: impl std::fmt::Display) -> &mut Self {
        // Writing to memory cannot fail.
        let _ = write!(self.0, "{word}");
        self
    }

    /// Appends items with commas between.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.raw("[");
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }

    /// Appends a token of base64url, or null.
    pub(super) fn token(&mut self, token: Option<&str>) -> &mut Self {
        match token {
            Some(token) => self.raw("\"").raw(token).raw("\""),
            None => self.raw("null"),
        }
    }

    /// What is written so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All of it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// All that a page is written from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet<'a> {
    /// Whose feed it is of.
    pub(super) gym_id: Uuid,
    /// What is known.
    pub(super) parts: &'a Parts,
    /// Who looks.
    pub(super) view: &'a View<'a>,
    /// What is shown.
    pub(super) page: &'a Page,
}

/// Writes the page without what changes with each second: its lifetimes and the cursor. What is written so far is what its validator is
/// made from (X-C4).
pub(super) fn write_stable(json: &mut Json, sheet: &Sheet<'_>, hints: &Hints, budget: u64, is_first: bool) {
    let Sheet { gym_id, parts, view, page } = *sheet;
    json.raw("{\"gym_id\":")
        .id(gym_id)
        .raw(",\"position\":\"")
        .word(parts.position)
        .raw("\",\"user_stories\":");
    json.list(&page.authors, |json, author| write_author(json, parts, view, author));
    json.raw(",\"own_pending\":").raw(if is_first { parts.viewer.pending() } else { b"[]" });
    write_prefetch(json, &prefetch(&upcoming(parts, view, page), hints.saves_data));
    let wanted = Wanted { budget, formats: hints.formats, max_width: hints.max_width() };
    write_media_plan(json, parts, page, wanted);
}

/// Writes the rest of the page.
pub(super) fn write_passing(json: &mut Json, lifetimes: Lifetimes, next: Option<&str>) {
    json.raw(",\"cache_headers\":{\"max_age\":").word(lifetimes.max_age);
    json.raw(",\"stale_while_revalidate\":").word(lifetimes.stale_while_revalidate);
    json.raw(",\"content_version\":").word(CONTENT_VERSION).raw("},\"next\":").token(next).raw("}");
}

fn write_author(json: &mut Json, parts: &Parts, view: &View<'_>, author: &PageAuthor) {
    json.raw("{\"user\":");
    write_user(json, parts, author);
    json.raw(",\"has_unseen\":").word(author.ranked.has_unseen).raw(",\"stories\":");
    write_stories(json, parts, view, author);
    json.raw("}");
}

/// Writes who posted: `{id, name, avatar_url}`.
pub(super) fn write_user(json: &mut Json, parts: &Parts, author: &PageAuthor) {
    let known = parts.body.head.authors.get(author.ranked.index);
    json.raw("{").raw(known.map_or(&b""[..], |known| parts.body.text(known.json))).raw("}");
}

/// Writes the stories of an author that are on the page.
pub(super) fn write_stories(json: &mut Json, parts: &Parts, view: &View<'_>, author: &PageAuthor) {
    let head = &parts.body.head;
    let stories =
        author.stories.iter().filter_map(|index| head.candidates.get(*index).zip(head.story(*index)));
    json.list(stories, |json, (candidate, story)| {
        let has_viewed = view.has_viewed(author.ranked.relation, candidate.id);
        json.raw("{").raw(parts.body.text(story.json)).raw(",\"has_viewed\":").word(has_viewed);
        json.raw(",\"reaction\":").raw(parts.viewer.reaction(candidate.id).unwrap_or(b"null"));
        json.raw(",\"reactions\":").raw(parts.counts.of(candidate.id)).raw("}");
    });
}

fn upcoming(parts: &Parts, view: &View<'_>, page: &Page) -> Vec<Upcoming> {
    let head = &parts.body.head;
    let of = |author: &PageAuthor| {
        let (id, relation) = (author.ranked.key.id(), author.ranked.relation);
        let candidates = author.stories.iter().filter_map(|index| head.candidates.get(*index));
        let upcoming = candidates.map(move |candidate| Upcoming {
            story: candidate.id,
            author: id,
            has_viewed: view.has_viewed(relation, candidate.id),
        });
        upcoming.collect::<Vec<_>>()
    };
    page.authors.iter().flat_map(of).collect()
}

fn write_prefetch(json: &mut Json, ahead: &Prefetch) {
    json.raw(",\"prefetch_hints\":").list(&ahead.queue, |json, hint| {
        json.id(hint.story);
    });
    json.raw(",\"prefetch\":{\"current_story\":");
    match ahead.current {
        Some(current) => json.id(current),
        None => json.raw("null"),
    };
    json.raw(",\"prefetch_queue\":").list(&ahead.queue, |json, hint| {
        json.raw("{\"story_id\":").id(hint.story).raw(",\"reason\":\"").raw(hint.reason.as_str());
        json.raw("\",\"confidence\":").word(f64::from(hint.confidence) / 100.0).raw("}");
    });
    json.raw(",\"buffer_size\":").word(crate::domain::prefetch::BUFFER).raw("}");
}

fn write_media_plan(json: &mut Json, parts: &Parts, page: &Page, wanted: Wanted) {
    let head = &parts.body.head;
    let stories: Vec<(Uuid, &[BodyRendition])> = page
        .authors
        .iter()
        .flat_map(|author| &author.stories)
        .filter_map(|index| {
            let renditions = head.renditions_of(head.story(*index)?);
            head.candidates.get(*index).map(|candidate| (candidate.id, renditions))
        })
        .collect();
    let renditions: Vec<&[BodyRendition]> = stories.iter().map(|(_, renditions)| *renditions).collect();
    let picks = media_plan::plan(&renditions, wanted, |rendition| rendition.known);
    let chosen: Vec<(Uuid, &BodyRendition)> = stories
        .iter()
        .zip(picks)
        .filter_map(|((story, renditions), pick)| Some((*story, renditions.get(pick?)?)))
        .collect();
    let total = chosen.iter().map(|(_, rendition)| rendition.known.bytes).fold(0, u64::saturating_add);
    json.raw(",\"media_plan\":{\"budget_bytes\":").word(wanted.budget).raw(",\"total_bytes\":").word(total);
    json.raw(",\"items\":").list(chosen, |json, (story, rendition)| {
        json.raw("{\"story_id\":").id(story).raw(",").raw(parts.body.text(rendition.json)).raw("}");
    });
    json.raw("}");
}
