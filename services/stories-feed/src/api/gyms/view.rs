//! A gym as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::store::gyms::GymRow;

/// A gym as it is sent. Its validator is its version.
#[derive(Debug, Serialize)]
pub(super) struct GymView {
    id: Uuid,
    name: String,
    emojis: Vec<String>,
    max_stories_per_day: i32,
    archive_days: i32,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<GymRow> for GymView {
    fn from(gym: GymRow) -> Self {
        Self {
            id: gym.id,
            name: gym.name,
            emojis: gym.emojis,
            max_stories_per_day: gym.max_stories_per_day,
            archive_days: gym.archive_days,
            version: gym.version,
            created_at: gym.created_at,
            updated_at: gym.updated_at,
        }
    }
}
