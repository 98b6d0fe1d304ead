//! A story as JSON, as one viewer sees it.

use chrono::{DateTime, Utc};
use problem::{Problem, registry};
use serde::Serialize;
use serde_json::Value as Json;
use service_error::ServiceError;
use uuid::Uuid;

use crate::api::person_view::PersonView;
use crate::domain::story::{State, is_shown};
use crate::store::media::MediaRow;
use crate::store::stories::Sight;

/// A story as it is sent. What only its author may know is `null` for others.
#[derive(Debug, Serialize)]
pub(super) struct StoryView {
    id: Uuid,
    gym_id: Uuid,
    user: PersonView,
    #[serde(rename = "type")]
    kind: &'static str,
    caption: Option<String>,
    privacy: &'static str,
    state: &'static str,
    workout: Option<Json>,
    media: Option<MediaView>,
    duration_hours: i32,
    display_secs: i32,
    can_reply: bool,
    can_react: bool,
    is_pinned: bool,
    has_viewed: bool,
    reaction: Option<String>,
    reactions: Json,
    views: Option<i32>,
    replies: Option<i32>,
    error_code: Option<String>,
    error_text: Option<String>,
    mutation_id: Option<String>,
    version: i64,
    created_at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// The asset that a story shows.
#[derive(Debug, Serialize)]
struct MediaView {
    asset_id: Uuid,
    kind: String,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i64>,
    blurhash: Option<String>,
    thumbhash: Option<String>,
    dominant_color: Option<String>,
    renditions: Json,
}

impl From<MediaRow> for MediaView {
    fn from(media: MediaRow) -> Self {
        Self {
            asset_id: media.asset_id,
            kind: media.kind,
            width: media.width,
            height: media.height,
            duration_ms: media.duration_ms,
            blurhash: media.blurhash,
            thumbhash: media.thumbhash,
            dominant_color: media.dominant_color,
            renditions: media.renditions,
        }
    }
}

impl StoryView {
    /// The story as this viewer sees it at this instant.
    ///
    /// # Errors
    /// For names in the database that are not known here.
    pub(super) fn of(sight: Sight, now: DateTime<Utc>) -> Result<Self, ServiceError> {
        let is_own = sight.relation.is_self;
        let story = sight.story;
        let state = story.state()?;
        let has_expired = state == State::Active && !is_shown(state, story.expires_at, now);
        Ok(Self {
            kind: story.kind()?.as_str(),
            privacy: story.privacy()?.as_str(),
            state: if has_expired { "expired" } else { state.as_str() },
            id: story.id,
            gym_id: story.gym_id,
            user: PersonView::new(story.author_id, sight.author_name, sight.author_avatar.as_ref()),
            caption: story.caption,
            workout: story.workout,
            media: sight.media.map(MediaView::from),
            duration_hours: story.duration_hours,
            display_secs: story.display_secs,
            can_reply: story.can_reply,
            can_react: story.can_react,
            is_pinned: story.is_pinned,
            // Nobody has to look at what is their own.
            has_viewed: is_own || sight.seen_at.is_some(),
            reaction: sight.reaction,
            reactions: sight.reactions,
            views: is_own.then_some(sight.views),
            replies: is_own.then_some(sight.replies),
            error_code: story.error_code.filter(|_| is_own),
            error_text: story.error_text.filter(|_| is_own),
            mutation_id: story.mutation_id.filter(|_| is_own),
            version: story.version,
            created_at: story.created_at,
            published_at: story.published_at,
            expires_at: story.expires_at,
        })
    }

    /// Its version.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// As JSON.
    ///
    /// # Errors
    /// `internal` where it cannot be written, which no test would pass.
    pub(super) fn json(&self) -> Result<String, ServiceError> {
        serde_json::to_string(self).map_err(|error| Problem::new(&registry::INTERNAL).cause(error).into())
    }
}
