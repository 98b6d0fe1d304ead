//! `POST /v1/gyms/{gym}/stories`: a member posts a story. It is shown at once, when its media are ready, or, as a draft, when it is
//! published.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::view::StoryView;
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::cache::groups::{self, Affected};
use crate::domain::draft::StoryDraft;
use crate::domain::media::MediaState;
use crate::domain::people::Caller;
use crate::domain::story::{State, expiry};
use crate::problems;
use crate::state::AppState;
use crate::store::gyms;
use crate::store::media::{self, MediaRow};
use crate::store::stories::{self, NewStory};
use crate::uploads::bearer;

struct Posting {
    state: AppState,
    caller: Caller,
    gym_id: Uuid,
    draft: StoryDraft,
    /// What upload-ingest says. A refusal is answered only where the request is not a repeated one, which needs nothing of it.
    asset: Option<Result<MediaRow, ServiceError>>,
}

/// Answers `201` with the story.
pub(super) async fn post_story(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    request_parts::no_parameters(&request)?;
    let (draft, bytes) = request_parts::read_json::<StoryDraft>(&request, payload).await?;
    let draft =
        draft.checked().map_err(|faults| Problem::new(&registry::VALIDATION_FAILED).errors(faults))?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    // Before anything is asked elsewhere or declared to change; it is asked again where it counts.
    access::member(&mut *state.stories.read().await?, gym_id, &caller).await?;
    let asset = match draft.asset_id {
        Some(asset_id) => Some(look_up(&state, &request, &caller, &draft, asset_id).await),
        None => None,
    };
    // Nobody sees a draft, not even in the author's own feed.
    let affected = (!draft.draft).then(|| {
        Affected::of("stories", [groups::gym_stories(gym_id), groups::gym_viewer(gym_id, caller.id)])
    });
    let gyms = if draft.draft { Vec::new() } else { vec![gym_id] };
    let change = Change { name: "post_story", affected, gyms, keyed };
    let posting = Posting { state: state.as_ref().clone(), caller, gym_id, draft, asset };
    Box::pin(perform(&state, change, async move |conn| posting.run(conn).await)).await
}

async fn look_up(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    draft: &StoryDraft,
    asset_id: Uuid,
) -> Result<MediaRow, ServiceError> {
    let asset = state.uploads.look_up(bearer(request).as_ref(), asset_id).await?;
    asset.shown_by(caller.id, draft.kind, &state.config.uploads)
}

impl Posting {
    async fn run(mut self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let media = match self.asset.take() {
            Some(asset) => Some(media::upsert(conn, &asset?).await?),
            None => None,
        };
        gyms::hold(conn, &[self.gym_id]).await?;
        access::member(conn, self.gym_id, &self.caller).await?;
        self.within_the_day(conn, now).await?;
        let state = if self.draft.draft { State::Draft } else { standing(media.as_ref())? };
        let id = (self.state.context.new_id)();
        self.insert(conn, id, state, now).await?;
        let sight = stories::sight(conn, id, self.caller.id).await?.ok_or_else(not_found)?;
        let view = StoryView::of(sight, now)?;
        let version = view.version();
        let mut answer = answer(201, &view, Some(version))?;
        answer.headers.push(("location".to_owned(), format!("/v1/stories/{id}")));
        Ok(answer)
    }

    /// Whether the author may post another one today. The clock of the gym is held: nobody else counts at the same time.
    async fn within_the_day(&self, conn: &mut Connection, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let gym = gyms::find(conn, self.gym_id).await?.ok_or_else(not_found)?;
        let (most, day) = (i64::from(gym.max_stories_per_day), TimeDelta::days(1));
        let oldest = stories::nth_newest_since(conn, gym.id, self.caller.id, most, now - day).await?;
        let Some(oldest) = oldest else { return Ok(()) };
        // Rounded up: a second early would be refused again.
        let wait_secs = ((oldest + day) - now).num_milliseconds().max(0) / 1000 + 1;
        Err(Problem::new(&problems::DAILY_LIMIT_REACHED)
            .detail(format!("a member may post {most} stories in 24 hours here"))
            .header("Retry-After", wait_secs.to_string())
            .into())
    }

    async fn insert(
        &self,
        conn: &mut Connection,
        id: Uuid,
        state: State,
        now: DateTime<Utc>,
    ) -> Result<(), ServiceError> {
        let draft = &self.draft;
        let workout = draft.workout.as_ref().map(serde_json::to_value).transpose();
        let workout = workout.map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
        // Bounds were checked.
        let hours = u8::try_from(draft.duration_hours).unwrap_or(u8::MAX);
        let published_at = (state == State::Active).then_some(now);
        let new = NewStory {
            id,
            gym_id: self.gym_id,
            author_id: self.caller.id,
            kind: draft.kind.as_str(),
            caption: draft.caption.as_deref(),
            privacy: draft.privacy.as_str(),
            workout: workout.as_ref(),
            asset_id: draft.asset_id,
            state: state.as_str(),
            duration_hours: draft.duration_hours,
            display_secs: draft.display_secs,
            can_reply: draft.can_reply,
            can_react: draft.can_react,
            is_pinned: draft.is_pinned,
            mutation_id: draft.mutation_id.as_deref(),
            created_at: now,
            updated_at: now,
            published_at,
            expires_at: published_at.map(|at| expiry(at, hours)),
        };
        stories::post(conn, &self.state.context, &new).await?;
        Ok(())
    }
}

/// Where a story that shows these media stands once it is published.
///
/// # Errors
/// `asset_unusable` where they will never be shown.
pub(super) fn standing(media: Option<&MediaRow>) -> Result<State, ServiceError> {
    let fault = |code, message: &str| {
        Err(Problem::new(&problems::ASSET_UNUSABLE).field("/asset_id", code, message).into())
    };
    match media.map(MediaRow::state).transpose()? {
        None | Some(MediaState::Ready) => Ok(State::Active),
        Some(MediaState::Processing) => Ok(State::Processing),
        Some(MediaState::Failed) => fault("failed", "its processing has failed"),
        Some(MediaState::Withdrawn) => fault("not_public", "it must be public, and in sight"),
    }
}
