//! `POST /v1/stories/{id}/publish`: an author publishes a draft. It is shown at once, or when its media are ready.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use request_parts::answer;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::access::{affected, authored, belongs, can, conflict, locked};
use super::create::standing;
use super::view::StoryView;
use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::cache::story::Place;
use crate::domain::life::Step;
use crate::domain::people::Caller;
use crate::domain::story::State;
use crate::state::{AppState, Context};
use crate::store::gyms;
use crate::store::media::{self, MediaRow};
use crate::store::stories::{self, StoryRow};

struct Publication {
    state: AppState,
    caller: Caller,
    id: Uuid,
    place: Place,
}

/// Answers with the story as it stands then.
pub(super) async fn publish_story(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let place = state.stories.place(id).await?;
    authored(&state, id, place, &caller).await?;
    let affected = Some(affected(id, place));
    let change = Change { name: "publish_story", affected, gyms: vec![place.gym_id], keyed };
    let publication = Publication { state: state.as_ref().clone(), caller, id, place };
    perform(&state, change, async move |conn| publication.run(conn).await).await
}

impl Publication {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let context = &self.state.context;
        // What it shows never changes; whether that is ready is told under the lock of the asset, which comes first.
        let asset_id = stories::find(conn, self.id).await?.and_then(|story| story.asset_id);
        let media = match asset_id {
            Some(asset_id) => media::lock(conn, asset_id).await?,
            None => None,
        };
        gyms::hold(conn, &[self.place.gym_id]).await?;
        let story = locked(conn, self.id).await?;
        belongs(conn, story.gym_id, &self.caller).await?;
        if story.state()? != State::Draft {
            return Err(conflict(story.state()?));
        }
        advance(conn, context, &story, media.as_ref()).await?;
        shown(conn, context, self.id, &self.caller).await
    }
}

/// Shows a story, or has it wait until its media are ready.
///
/// # Errors
/// `asset_unusable`, `story_state_conflict`, and of the database.
pub(super) async fn advance(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
    media: Option<&MediaRow>,
) -> Result<(), ServiceError> {
    if standing(media)? == State::Active {
        can(story, Step::Show)?;
        stories::publish(conn, context, story).await?;
    } else {
        can(story, Step::Wait)?;
        stories::wait(conn, context, story).await?;
    }
    Ok(())
}

/// The answer with the story as its author sees it then.
///
/// # Errors
/// Of the database.
pub(super) async fn shown(
    conn: &mut Connection,
    context: &Context,
    id: Uuid,
    caller: &Caller,
) -> Result<StoredAnswer, ServiceError> {
    let sight = stories::sight(conn, id, caller.id).await?.ok_or_else(not_found)?;
    let view = StoryView::of(sight, context.now())?;
    let version = view.version();
    answer(200, &view, Some(version))
}
