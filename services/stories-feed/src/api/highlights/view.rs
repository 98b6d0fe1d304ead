//! A highlight as JSON, and its validator. Viewers see different stories of it, and stories leave it without a change of the highlight
//! itself: the validator is made of all that is sent.

use chrono::{DateTime, Utc};
use conditional::EntityTag;
use idempotency::StoredAnswer;
use problem::{Problem, registry};
use request_parts::answer;
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use crate::api::kept_story::KeptStory;
use crate::store::highlights::HighlightRow;
use crate::store::media::MediaRow;
use crate::store::stories::StoryRow;

/// A highlight as it is sent, without what is in it.
#[derive(Debug, Serialize)]
pub(super) struct HighlightView {
    id: Uuid,
    gym_id: Uuid,
    owner_id: Uuid,
    title: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<HighlightRow> for HighlightView {
    fn from(row: HighlightRow) -> Self {
        Self {
            id: row.id,
            gym_id: row.gym_id,
            owner_id: row.owner_id,
            title: row.title,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A highlight with what one viewer sees of it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    highlight: HighlightView,
    items: Vec<KeptStory>,
}

impl Shown {
    /// The view of a row with the rows of its stories.
    ///
    /// # Errors
    /// For names in the database that are not known here.
    pub(super) fn of(
        highlight: HighlightRow,
        items: Vec<(StoryRow, Option<MediaRow>)>,
        now: DateTime<Utc>,
    ) -> Result<Self, ServiceError> {
        let view = |(story, media)| KeptStory::of(story, media, now);
        let items = items.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Self { highlight: HighlightView::from(highlight), items })
    }

    /// Whose it is.
    pub(super) fn owner_id(&self) -> Uuid {
        self.highlight.owner_id
    }

    /// As it is called.
    pub(super) fn title(&self) -> &str {
        &self.highlight.title
    }

    /// Its validator.
    ///
    /// # Errors
    /// `internal` where it cannot be written, which no test would pass.
    pub(super) fn tag(&self) -> Result<EntityTag, ServiceError> {
        let body =
            serde_json::to_vec(self).map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
        let hash = blake3::hash(&body).to_hex();
        let hash = hash.get(..16).unwrap_or(&hash);
        Ok(EntityTag::strong(&format!("{}-{hash}", self.highlight.version)))
    }

    /// The answer to a change of it.
    ///
    /// # Errors
    /// As [`tag`](Self::tag).
    pub(super) fn answer(&self, status: u16) -> Result<StoredAnswer, ServiceError> {
        let mut answer = answer(status, self, None)?;
        answer.headers.push(("etag".to_owned(), self.tag()?.to_string()));
        Ok(answer)
    }
}
