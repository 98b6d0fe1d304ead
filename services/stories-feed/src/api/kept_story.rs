//! A story as it is shown outside of the feed, to those who may see it beyond its expiry: in its author's archive, in highlights, and
//! to moderators.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::media::MediaState;
use crate::domain::story::{State, is_shown};
use crate::store::media::MediaRow;
use crate::store::stories::StoryRow;

/// A story as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct KeptStory {
    id: Uuid,
    author_id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    state: &'static str,
    caption: Option<String>,
    privacy: &'static str,
    workout: Option<Json>,
    media: Option<MediaView>,
    display_secs: i32,
    is_pinned: bool,
    version: i64,
    created_at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// What it shows; nothing while it may not be shown.
#[derive(Debug, Serialize)]
struct MediaView {
    kind: String,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i64>,
    blurhash: Option<String>,
    thumbhash: Option<String>,
    dominant_color: Option<String>,
    renditions: Json,
}

impl KeptStory {
    /// The view of a row with its media at this instant. One that has expired says so, whether or not it was archived already.
    ///
    /// # Errors
    /// For names in the database that are not known here.
    pub(crate) fn of(
        story: StoryRow,
        media: Option<MediaRow>,
        now: DateTime<Utc>,
    ) -> Result<Self, ServiceError> {
        let state = story.state()?;
        let has_expired = state == State::Active && !is_shown(state, story.expires_at, now);
        Ok(Self {
            kind: story.kind()?.as_str(),
            state: if has_expired { "expired" } else { state.as_str() },
            privacy: story.privacy()?.as_str(),
            media: media.map(shown).transpose()?.flatten(),
            id: story.id,
            author_id: story.author_id,
            caption: story.caption,
            workout: story.workout,
            display_secs: story.display_secs,
            is_pinned: story.is_pinned,
            version: story.version,
            created_at: story.created_at,
            published_at: story.published_at,
            expires_at: story.expires_at,
        })
    }
}

fn shown(media: MediaRow) -> Result<Option<MediaView>, ServiceError> {
    if media.state()? != MediaState::Ready {
        return Ok(None);
    }
    Ok(Some(MediaView {
        kind: media.kind,
        width: media.width,
        height: media.height,
        duration_ms: media.duration_ms,
        blurhash: media.blurhash,
        thumbhash: media.thumbhash,
        dominant_color: media.dominant_color,
        renditions: media.renditions,
    }))
}
