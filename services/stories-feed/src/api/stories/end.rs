//! `DELETE /v1/stories/{id}`: an author deletes a story, or a moderator removes it. It is gone at once for everybody, also for who looks at
//! it right now (S-C3).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use conditional::Conditions;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use request_parts::no_content;
use service_error::{ServiceError, forbidden, not_found};
use uuid::Uuid;

use super::access::{affected, can, locked, seen};
use super::tag;
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::cache::story::Place;
use crate::domain::life::Step;
use crate::domain::people::Caller;
use crate::domain::story::State;
use crate::state::AppState;
use crate::store::gyms;
use crate::store::stories::{self, Ending};

struct Deletion {
    state: AppState,
    caller: Caller,
    id: Uuid,
    place: Place,
    conditions: Conditions,
}

/// Answers without a body.
pub(super) async fn delete_story(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = tag::write_conditions(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let place = state.stories.place(id).await?;
    if place.author_id != caller.id {
        judges(&mut *state.stories.read().await?, id, place, &caller, state.context.now()).await?;
    }
    let affected = Some(affected(id, place));
    let change = Change { name: "delete_story", affected, gyms: vec![place.gym_id], keyed };
    let deletion = Deletion { state: state.as_ref().clone(), caller, id, place, conditions };
    perform(&state, change, async move |conn| deletion.run(conn).await).await
}

impl Deletion {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        gyms::hold(conn, &[self.place.gym_id]).await?;
        let story = locked(conn, self.id).await?;
        let (step, ending) = if story.author_id == self.caller.id {
            (Step::Delete, Ending::Deleted)
        } else {
            judges(conn, self.id, self.place, &self.caller, self.state.context.now()).await?;
            if story.published_at.is_none() || story.state()? == State::Removed {
                // What was never shown is nobody's business but its author's.
                return Err(not_found());
            }
            (Step::Remove, Ending::Removed)
        };
        request_parts::check_version(&self.conditions, story.version, "story")?;
        can(&story, step)?;
        stories::end(conn, &self.state.context, &story, ending, self.caller.id).await?;
        Ok(no_content())
    }
}

/// Whether the caller judges what is shown in the gym.
///
/// # Errors
/// `forbidden` for who may only look, `not_found` for who may not, and of the database.
async fn judges(
    conn: &mut Connection,
    id: Uuid,
    place: Place,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(), ServiceError> {
    if access::standing(conn, place.gym_id, caller).await?.may_judge() {
        return Ok(());
    }
    seen(conn, id, caller, now).await?;
    Err(forbidden("only the author of the story and moderators of its gym may do this"))
}
