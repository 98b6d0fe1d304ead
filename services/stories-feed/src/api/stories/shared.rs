//! One story for whoever answers with it, as JSON over REST or in another form: from the same copy (S-D11).

use chrono::{DateTime, Utc};
use freshness::Groups;
use pg_pool::Connection;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::access::seen;
use super::view::StoryView;
use crate::cache::story::{Shown, groups_of};
use crate::domain::people::Caller;
use crate::state::AppState;

/// The story.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Its version.
    pub(super) version: i64,
    /// As REST sends it.
    pub(crate) body: String,
    /// What changes it, and the instant from which on it is not shown; nothing of what nobody may keep.
    pub(crate) kept: Option<(Groups, DateTime<Utc>)>,
}

/// The story as the caller sees it: one statement, another one where nobody has asked for it before, and none where it is known.
///
/// # Errors
/// `not_found` where it may not be seen, and of the database.
pub(crate) async fn story(state: &AppState, caller: &Caller, id: Uuid) -> Result<Shared, ServiceError> {
    let place = state.stories.place(id).await?;
    if place.author_id == caller.id {
        // With what only the author may know, which nobody keeps.
        let now = state.context.now();
        let mut conn = state.stories.read().await?;
        let view = StoryView::of(seen(&mut conn, id, caller, now).await?, now)?;
        return Ok(Shared { version: view.version(), body: view.json()?, kept: None });
    }
    let groups = groups_of(id, place, caller.id)?;
    let load = async |conn: &mut Connection| {
        let now = state.context.now();
        let sight = seen(conn, id, caller, now).await?;
        let expires_at = sight.story.expires_at.ok_or_else(not_found)?;
        let view = StoryView::of(sight, now)?;
        Ok(Shown { version: view.version(), expires_at, body: view.json()? })
    };
    let shown = state.stories.story(id, caller.id, &groups, load).await?;
    Ok(Shared { version: shown.version, body: shown.body, kept: Some((groups, shown.expires_at)) })
}
