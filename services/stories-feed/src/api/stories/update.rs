//! `PATCH /v1/stories/{id}`: an author changes what a story says and who sees it, fenced by the version.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use conditional::Conditions;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::access::{affected, authored, conflict, locked};
use super::publish::shown;
use super::tag;
use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::cache::story::Place;
use crate::domain::patch::StoryPatch;
use crate::domain::people::Caller;
use crate::domain::story::State;
use crate::problems;
use crate::state::AppState;
use crate::store::gyms;
use crate::store::stories::{self, StoryRow};

struct Update {
    state: AppState,
    caller: Caller,
    id: Uuid,
    place: Place,
    conditions: Conditions,
    patch: StoryPatch,
}

/// Answers with the story as it stands then.
pub(super) async fn patch_story(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = tag::write_conditions(&request)?;
    let (patch, bytes) = request_parts::read_json::<StoryPatch>(&request, payload).await?;
    let patch =
        patch.checked().map_err(|faults| Problem::new(&registry::VALIDATION_FAILED).errors(faults))?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let place = state.stories.place(id).await?;
    authored(&state, id, place, &caller).await?;
    let affected = Some(affected(id, place));
    let change = Change { name: "patch_story", affected, gyms: vec![place.gym_id], keyed };
    let update = Update { state: state.as_ref().clone(), caller, id, place, conditions, patch };
    perform(&state, change, async move |conn| update.run(conn).await).await
}

impl Update {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let context = &self.state.context;
        gyms::hold(conn, &[self.place.gym_id]).await?;
        let story = locked(conn, self.id).await?;
        request_parts::check_version(&self.conditions, story.version, "story")?;
        if story.state()? == State::Removed {
            return Err(conflict(State::Removed));
        }
        if self.patch.empties(story.kind()?) {
            return Err(invalid("/caption", "required", "a text story says something"));
        }
        if self.patch.duration_hours.is_some_and(|hours| hours != story.duration_hours)
            && story.published_at.is_some()
        {
            let detail = "it is published: its expiry stands";
            return Err(Problem::new(&problems::STORY_STATE_CONFLICT).detail(detail).into());
        }
        if changes(&self.patch, &story)? {
            stories::update(conn, context, &story, &self.patch).await?;
        }
        shown(conn, context, self.id, &self.caller).await
    }
}

/// Whether anything is another one after it: what changes nothing is no change.
fn changes(patch: &StoryPatch, story: &StoryRow) -> Result<bool, ServiceError> {
    let before = story.privacy()?;
    let differs = |new: Option<bool>, old: bool| new.is_some_and(|new| new != old);
    Ok(patch.caption.as_ref().is_some_and(|caption| *caption != story.caption)
        || patch.privacy.is_some_and(|privacy| privacy != before)
        || differs(patch.is_pinned, story.is_pinned)
        || differs(patch.can_reply, story.can_reply)
        || differs(patch.can_react, story.can_react)
        || patch.duration_hours.is_some_and(|hours| hours != story.duration_hours)
        || patch.display_secs.is_some_and(|secs| secs != story.display_secs))
}
