//! `POST /v1/assets/{id}/stages/{stage}/retry`: an owner has one stage tried again that was given up (U-D6, U-C7).

use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::Problem;
use service_error::{ServiceError, not_found};

use super::access::{changeable, known};
use super::links::Links;
use super::perform::{Change, Sight, perform};
use super::timeline;
use crate::api::incoming;
use crate::domain::job::{JobKind, MAX_ATTEMPTS};
use crate::domain::kind::MediaKind;
use crate::events;
use crate::problems;
use crate::state::AppState;
use crate::store::assets::{self, AssetRow};
use crate::store::jobs::{self, Retried};

/// Answers `202` with the timeline as it stands then.
pub(super) async fn retry_stage(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    let stage = request.match_info().get("stage").and_then(JobKind::parse).ok_or_else(not_found)?;
    request_parts::no_parameters(request)?;
    let keyed = request_parts::keyed(request, &state.fingerprints, &caller.subject, &[])?;
    let change = Change { name: "retry_stage", asset_id: id, sight: Sight::Stays, keyed };
    let shared = state.clone();
    perform(state, change, async move |conn| {
        let asset = known(assets::lock(conn, id).await?, kind, &caller)?;
        changeable(&asset, &caller)?;
        requeue(conn, &shared, asset, stage).await
    })
    .await
}

/// Has a stage of a locked asset tried again, and answers with the timeline.
///
/// # Errors
/// `stage_not_retryable`, `not_found` for a stage that this asset has not, and of the database.
pub(crate) async fn requeue(
    conn: &mut Connection,
    state: &AppState,
    asset: AssetRow,
    stage: JobKind,
) -> Result<StoredAnswer, ServiceError> {
    let now = (state.context.now)();
    let job = match jobs::retry(conn, asset.id, stage, MAX_ATTEMPTS).await? {
        Retried::Yes(job) => job,
        Retried::NoSuchStage => return Err(not_found()),
        Retried::Not(job_state) => {
            let detail = format!("the stage is {}", job_state.as_str());
            return Err(Problem::new(&problems::STAGE_NOT_RETRYABLE).detail(detail).into());
        }
    };
    jobs::asset::reopen(conn, asset.id, now).await?;
    let id = (state.context.new_id)();
    let event = events::job_queued(id, asset.id, &[(job, stage)], asset.correlation_id, now);
    event_bus::enqueue(conn, &[event]).await?;
    // It may have another status and version now.
    let asset = assets::find(conn, asset.id).await?.ok_or_else(not_found)?;
    let timeline = timeline::load(conn, &asset, now).await?;
    let links = asset.hidden_at.is_none().then(|| Links::at(state, now));
    let view = timeline::View::new(&timeline, links.as_ref());
    request_parts::answer(202, &view, None)
}
