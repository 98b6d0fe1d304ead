//! What a caller may know of a story, and do with it. What may not be known of is not found.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use problem::Problem;
use service_error::{ServiceError, forbidden, not_found};
use uuid::Uuid;

use crate::cache::groups::{self, Affected};
use crate::cache::story::Place;
use crate::domain::life::{self, Step};
use crate::domain::people::Caller;
use crate::domain::story::State;
use crate::problems;
use crate::state::AppState;
use crate::store::members;
use crate::store::stories::{self, Sight, StoryRow};

/// The story as the caller stands to it, if it may be known of at this instant.
///
/// # Errors
/// `not_found`, and of the database.
pub(crate) async fn seen(
    conn: &mut Connection,
    id: Uuid,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Sight, ServiceError> {
    let sight = stories::sight(conn, id, caller.id).await?.ok_or_else(not_found)?;
    if sight.may_be_seen(now)? { Ok(sight) } else { Err(not_found()) }
}

/// Whether the caller is the author; asked before anything is declared to change.
///
/// # Errors
/// `forbidden` for who may only look, `not_found` for who may not, and of the database.
pub(super) async fn authored(
    state: &AppState,
    id: Uuid,
    place: Place,
    caller: &Caller,
) -> Result<(), ServiceError> {
    if place.author_id == caller.id {
        return Ok(());
    }
    seen(&mut *state.stories.read().await?, id, caller, state.context.now()).await?;
    Err(forbidden("only the author of the story may do this"))
}

/// The story, locked, unless it was deleted. The clock of its gym is held before.
///
/// # Errors
/// `not_found`, and of the database.
pub(super) async fn locked(conn: &mut Connection, id: Uuid) -> Result<StoryRow, ServiceError> {
    let story = stories::lock(conn, id).await?.ok_or_else(not_found)?;
    if story.state()? == State::Deleted { Err(not_found()) } else { Ok(story) }
}

/// Whether the caller still belongs to the gym, without which nothing of theirs is shown there.
///
/// # Errors
/// `forbidden`, and of the database.
pub(super) async fn belongs(
    conn: &mut Connection,
    gym_id: Uuid,
    caller: &Caller,
) -> Result<(), ServiceError> {
    match members::role_of(conn, gym_id, caller.id).await? {
        Some(_) => Ok(()),
        None => Err(forbidden("only members of the gym may do this")),
    }
}

/// Whether a story can take a step from where it stands.
///
/// # Errors
/// `story_state_conflict` that says where it stands.
pub(crate) fn can(story: &StoryRow, step: Step) -> Result<(), ServiceError> {
    let state = story.state()?;
    if life::after(state, step).is_some() { Ok(()) } else { Err(conflict(state)) }
}

/// The story's state does not allow what is asked.
pub(super) fn conflict(state: State) -> ServiceError {
    let hint = match state {
        State::Draft => "a draft can be published or deleted",
        State::Processing => "it is shown when its media are ready, and can be deleted",
        State::Failed => "it can be tried again or deleted",
        State::Active => "it is shown until it expires, and can be deleted",
        State::Archived => "it can be deleted",
        State::Deleted | State::Removed => "nothing can be done with it any more",
    };
    let detail = format!("the story is {}: {hint}", state.as_str());
    Problem::new(&problems::STORY_STATE_CONFLICT).detail(detail).into()
}

/// All that a change of a story can change of what copies show.
pub(crate) fn affected(id: Uuid, place: Place) -> Affected {
    let Place { gym_id, author_id } = place;
    let names = [
        groups::story(id),
        groups::gym_stories(gym_id),
        // What only its author sees stands in the author's part of the feed.
        groups::gym_viewer(gym_id, author_id),
        groups::highlights(author_id),
    ];
    Affected::of("stories", names)
}
