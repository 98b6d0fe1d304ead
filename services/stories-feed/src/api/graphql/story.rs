//! `story`: one story by its id.

use async_graphql::{ID, SimpleObject};
use serde::Deserialize;

use super::asker::{Asker, uuid};
use super::errors::{Told, internal};
use super::feed::{planned, set_media_url};
use super::types::{Instant, Story};

/// A story with all that is told of it by itself. What only its author may know is null for others.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct StoryDetails {
    #[graphql(flatten)]
    #[serde(flatten)]
    story: Story,
    /// The gym that it belongs to.
    gym_id: ID,
    /// `draft`, `processing`, `failed`, `active`, `expired`, `archived` or `removed`.
    state: String,
    /// How long it is shown, in hours.
    duration_hours: i32,
    /// How many have seen it.
    views: Option<i32>,
    /// How many replies it has.
    replies: Option<i32>,
    /// Why its media failed.
    error_code: Option<String>,
    /// The same in words.
    error_text: Option<String>,
    /// What the client called it when it was posted.
    mutation_id: Option<String>,
    /// For `If-Match` of a change.
    version: i32,
    /// When it was posted.
    created_at: Instant,
}

/// The story as the caller sees it.
///
/// # Errors
/// `not_found`, and of the database.
pub(super) async fn resolve(asker: &Asker, id: &ID) -> Result<StoryDetails, Told> {
    let shared = asker.loads.story(uuid(id)?).await?;
    match &shared.kept {
        Some((groups, expires_at)) => asker.depends_on(groups, Some(*expires_at)),
        None => asker.is_passing(),
    }
    let mut details: StoryDetails = serde_json::from_str(&shared.body).map_err(internal)?;
    details.story.user = details.story.user.take().map(super::types::User::complete);
    let hints = &asker.loads.hints;
    let planned = planned(&details.story, hints);
    set_media_url(&mut details.story, planned, hints);
    Ok(details)
}
