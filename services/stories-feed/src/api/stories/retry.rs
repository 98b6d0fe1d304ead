//! `POST /v1/stories/{id}/retry`: an author has a story tried again whose media failed. upload-ingest is asked to try whatever it gave
//! up of them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::access::{affected, authored, belongs, conflict, locked};
use super::publish::{advance, shown};
use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::cache::story::Place;
use crate::domain::people::Caller;
use crate::domain::story::State;
use crate::state::AppState;
use crate::store::media::{self, MediaRow};
use crate::store::{gyms, stories};
use crate::uploads::bearer;

struct Retry {
    state: AppState,
    caller: Caller,
    id: Uuid,
    place: Place,
    /// What upload-ingest says. A refusal is answered only where the request is not a repeated one, which needs nothing of it.
    asset: Result<MediaRow, ServiceError>,
}

/// Answers with the story as it stands then.
pub(super) async fn retry_story(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let place = state.stories.place(id).await?;
    authored(&state, id, place, &caller).await?;
    let asset = try_again(&state, &request, &caller, id).await;
    let change =
        Change { name: "retry_story", affected: Some(affected(id, place)), gyms: vec![place.gym_id], keyed };
    let retry = Retry { state: state.as_ref().clone(), caller, id, place, asset };
    Box::pin(perform(&state, change, async move |conn| retry.run(conn).await)).await
}

/// Asks upload-ingest, of a story that has failed and of no other.
async fn try_again(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    id: Uuid,
) -> Result<MediaRow, ServiceError> {
    let story = stories::find(&mut *state.stories.read().await?, id).await?.ok_or_else(not_found)?;
    match (story.state()?, story.asset_id) {
        (State::Failed, Some(asset_id)) => {
            let asset = state.uploads.try_again(bearer(request).as_ref(), asset_id).await?;
            asset.shown_by(caller.id, story.kind()?, &state.config.uploads)
        }
        (State::Deleted, _) => Err(not_found()),
        (other, _) => Err(conflict(other)),
    }
}

impl Retry {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let context = &self.state.context;
        let media = media::upsert(conn, &self.asset?).await?;
        gyms::hold(conn, &[self.place.gym_id]).await?;
        let story = locked(conn, self.id).await?;
        belongs(conn, story.gym_id, &self.caller).await?;
        match story.state()? {
            State::Failed => advance(conn, context, &story, Some(&media)).await?,
            // An event was faster.
            State::Processing | State::Active => {}
            other => return Err(conflict(other)),
        }
        shown(conn, context, self.id, &self.caller).await
    }
}
