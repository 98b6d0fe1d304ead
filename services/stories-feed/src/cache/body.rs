//! What a gym shows, shared by all its members (S-D2): everything that does not depend on who looks, written out as JSON already, and
//! beside it what decides who sees it, and where.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use freshness::{Groups, Loaded, Read, Source};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::packed::{Ink, Packed, Span};
use super::{Stories, groups};
use crate::domain::avatar;
use crate::domain::media_plan::{Format, Rendition};
use crate::domain::position::Position;
use crate::domain::ranking::Candidate;
use crate::store::feed::{self, Author, ShownMedia, ShownStory};

const FAMILY: &str = "feed_body";
/// How long a copy is kept at most (S-A6). It is replaced when anything in it changes; this bounds how far its position falls behind the
/// log, which the reactions move on.
const TTL: Duration = Duration::from_secs(60);
/// How long a story keeps counting for the place of its author after it has expired, so that the pages of one feed fit together.
pub(super) const AFTERLIFE: TimeDelta = TimeDelta::minutes(10);

/// What a gym shows.
pub(crate) type Body = Packed<BodyHead>;

/// Its numbers. Stories of one author stand together, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BodyHead {
    /// Where the gym's log stood.
    pub(crate) position: Position,
    /// Who shows something.
    pub(crate) authors: Vec<BodyAuthor>,
    /// What decides on each story.
    pub(crate) candidates: Vec<Candidate>,
    /// What is sent of each.
    stories: Vec<BodyStory>,
    renditions: Vec<BodyRendition>,
}

/// An author.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BodyAuthor {
    /// Who.
    pub(crate) id: Uuid,
    /// The members of its JSON.
    pub(crate) json: Span,
    first: u32,
    end: u32,
}

/// What is sent of a story.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BodyStory {
    /// The members of its JSON.
    pub(crate) json: Span,
    first: u32,
    end: u32,
}

/// A rendition of what a story shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BodyRendition {
    /// What choosing needs.
    pub(crate) known: Rendition,
    /// The members `name`, `format`, `url` and `bytes`.
    pub(crate) json: Span,
}

impl BodyHead {
    /// The stories of an author, by their places in all.
    pub(crate) fn of(&self, author: &BodyAuthor) -> std::ops::Range<usize> {
        range(author.first, author.end)
    }

    /// What decides on the stories of an author.
    pub(crate) fn candidates_of(&self, author: &BodyAuthor) -> &[Candidate] {
        self.candidates.get(self.of(author)).unwrap_or_default()
    }

    /// A story by its place.
    pub(crate) fn story(&self, index: usize) -> Option<&BodyStory> {
        self.stories.get(index)
    }

    /// The renditions of a story, the smallest first.
    pub(crate) fn renditions_of(&self, story: &BodyStory) -> &[BodyRendition] {
        self.renditions.get(range(story.first, story.end)).unwrap_or_default()
    }
}

impl Stories {
    /// What a gym shows, and where that came from.
    ///
    /// # Errors
    /// `not_found` where there is no such gym, and of the database; a cache that is away is none.
    pub(super) async fn body(
        &self,
        gym_id: Uuid,
        load: impl AsyncFnOnce() -> Result<pg_pool::Conn, ServiceError>,
    ) -> Result<(Body, Source), ServiceError> {
        let made = async || {
            let now = (self.now)();
            let found = feed::body(&mut *load().await?, gym_id, now - AFTERLIFE).await?;
            let body = found.ok_or_else(not_found)?;
            pack(body.position, body.stories, now)
        };
        let groups = Groups::of([groups::gym_stories(gym_id)])?;
        let read =
            Read { groups: &groups, family: FAMILY, key: &format!("1/{gym_id}"), ttl: TTL, until: None };
        let answer = self.freshness.read(read, made).await?;
        Ok((Body::unpack(&answer.bytes)?, answer.source))
    }
}

/// Kept to the first instant at which something in it expires.
fn pack(
    position: Position,
    mut stories: Vec<ShownStory>,
    now: DateTime<Utc>,
) -> Result<Loaded, ServiceError> {
    let until = stories.iter().map(|story| story.expires_at).filter(|expires_at| *expires_at > now).min();
    stories.sort_unstable_by_key(|story| (story.author.id, candidate(story).key()));
    let mut ink = Ink::default();
    let mut head = BodyHead {
        position,
        authors: Vec::new(),
        candidates: Vec::new(),
        stories: Vec::new(),
        renditions: Vec::new(),
    };
    for of_author in stories.chunk_by(|one, other| one.author.id == other.author.id) {
        let first = number(head.stories.len());
        for story in of_author {
            let written = write_story(&mut ink, &mut head.renditions, story)?;
            head.candidates.push(candidate(story));
            head.stories.push(written);
        }
        let json = write_author(&mut ink, of_author.iter().map(|story| &story.author))?;
        let id = of_author.first().map(|story| story.author.id).unwrap_or_default();
        head.authors.push(BodyAuthor { id, json, first, end: number(head.stories.len()) });
    }
    Body::pack(&head, &ink, until)
}

fn candidate(story: &ShownStory) -> Candidate {
    Candidate {
        id: story.id,
        privacy: story.privacy,
        is_pinned: story.is_pinned,
        published_at: story.published_at.timestamp_micros(),
        expires_at: story.expires_at.timestamp_micros(),
    }
}

/// The picture stands with one of the author's stories.
fn write_author<'a>(
    ink: &mut Ink,
    mut same: impl Iterator<Item = &'a Author> + Clone,
) -> Result<Span, ServiceError> {
    #[derive(Serialize)]
    struct Json<'a> {
        id: Option<Uuid>,
        name: Option<&'a str>,
        avatar_url: Option<String>,
    }
    let avatar_url = same.clone().find_map(|author| author.avatar.as_ref()).and_then(avatar::url);
    let author = same.next();
    let place = ink.place();
    let name = author.and_then(|author| author.name.as_deref());
    ink.members(&Json { id: author.map(|author| author.id), name, avatar_url })?;
    ink.since(place)
}

fn write_story(
    ink: &mut Ink,
    renditions: &mut Vec<BodyRendition>,
    story: &ShownStory,
) -> Result<BodyStory, ServiceError> {
    #[derive(Serialize)]
    struct Head<'a> {
        id: Uuid,
        r#type: &'static str,
        caption: Option<&'a str>,
        privacy: &'static str,
    }
    #[derive(Serialize)]
    struct Tail {
        display_secs: i32,
        can_reply: bool,
        can_react: bool,
        is_pinned: bool,
        published_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    }
    let (place, first) = (ink.place(), number(renditions.len()));
    ink.members(&Head {
        id: story.id,
        r#type: story.kind.as_str(),
        caption: story.caption.as_deref(),
        privacy: story.privacy.as_str(),
    })?;
    ink.raw(",\"workout\":");
    ink.raw(story.workout.as_deref().unwrap_or("null"));
    ink.raw(",\"media\":");
    match &story.media {
        Some(media) => write_media(ink, renditions, media)?,
        None => ink.raw("null"),
    }
    ink.raw(",");
    ink.members(&Tail {
        display_secs: story.display_secs,
        can_reply: story.can_reply,
        can_react: story.can_react,
        is_pinned: story.is_pinned,
        published_at: story.published_at,
        expires_at: story.expires_at,
    })?;
    Ok(BodyStory { json: ink.since(place)?, first, end: number(renditions.len()) })
}

/// Of a rendition what a plan tells of it stands together, to be copied from here.
fn write_media(
    ink: &mut Ink,
    renditions: &mut Vec<BodyRendition>,
    media: &ShownMedia,
) -> Result<(), ServiceError> {
    #[derive(Serialize)]
    struct Head<'a> {
        kind: &'a str,
        width: Option<i32>,
        height: Option<i32>,
        duration_ms: Option<i64>,
        blurhash: Option<&'a str>,
        thumbhash: Option<&'a str>,
        dominant_color: Option<&'a str>,
    }
    #[derive(Deserialize)]
    struct Made {
        name: String,
        format: String,
        content_type: String,
        url: String,
        bytes: u64,
        width: Option<u32>,
        height: Option<u32>,
    }
    #[derive(Serialize)]
    struct Planned<'a> {
        name: &'a str,
        format: &'a str,
        url: &'a str,
        bytes: u64,
    }
    #[derive(Serialize)]
    struct Rest<'a> {
        content_type: &'a str,
        width: Option<u32>,
        height: Option<u32>,
    }
    ink.raw("{");
    ink.members(&Head {
        kind: &media.kind,
        width: media.width,
        height: media.height,
        duration_ms: media.duration_ms,
        blurhash: media.blurhash.as_deref(),
        thumbhash: media.thumbhash.as_deref(),
        dominant_color: media.dominant_color.as_deref(),
    })?;
    ink.raw(",\"renditions\":[");
    let made: Vec<Made> = serde_json::from_str(&media.renditions).unwrap_or_else(|error| {
        tracing::warn!(%error, "the renditions of an asset cannot be read");
        Vec::new()
    });
    for (index, one) in made.iter().enumerate() {
        ink.raw(if index == 0 { "{" } else { ",{" });
        let place = ink.place();
        ink.members(&Planned { name: &one.name, format: &one.format, url: &one.url, bytes: one.bytes })?;
        let json = ink.since(place)?;
        ink.raw(",");
        ink.members(&Rest { content_type: &one.content_type, width: one.width, height: one.height })?;
        ink.raw("}");
        let width = one.width.unwrap_or_default();
        renditions.push(BodyRendition {
            known: Rendition { format: Format::of(&one.format), bytes: one.bytes, width },
            json,
        });
    }
    ink.raw("]}");
    Ok(())
}

/// Places are far below 2³²: each takes more than one byte of memory.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn range(first: u32, end: u32) -> std::ops::Range<usize> {
    let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    at(first)..at(end)
}
