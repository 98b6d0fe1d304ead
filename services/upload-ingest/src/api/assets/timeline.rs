//! `GET` and `HEAD /v1/assets/{id}/timeline`: how far the processing of an asset is, and what went wrong (U-D6).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use pg_pool::Connection;
use serde::Serialize;
use service_error::ServiceError;

use super::access::known;
use super::links::Links;
use crate::api::incoming;
use crate::domain::kind::MediaKind;
use crate::domain::media_path;
use crate::domain::processing::JobState;
use crate::domain::timeline::{Attempt, Fault, Received, Stage, Timeline};
use crate::state::AppState;
use crate::store::assets::{self, AssetRow};
use crate::store::jobs;

/// A timeline as it is sent, with the addresses at which it is told as it changes. They open themselves: in browsers neither
/// `EventSource` nor `WebSocket` can send a token. There are none for who came by one, and none to what is hidden.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    #[serde(flatten)]
    timeline: &'a Timeline,
    events_url: Option<String>,
    socket_url: Option<String>,
}

impl<'a> View<'a> {
    /// With links of this moment, or without any.
    pub(crate) fn new(timeline: &'a Timeline, links: Option<&Links>) -> Self {
        let id = timeline.asset_id;
        Self {
            timeline,
            events_url: links.map(|links| links.own(&format!("/v1/assets/{id}/events"))),
            socket_url: links.map(|links| links.own(&format!("/ws/assets/{id}"))),
        }
    }
}

/// Three statements.
pub(super) async fn get_timeline(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    request_parts::no_parameters(request)?;
    let now = (state.context.now)();
    let mut conn = state.pool.read().await?;
    let asset = known(assets::find(&mut conn, id).await?, kind, &caller)?;
    let timeline = load(&mut conn, &asset, now).await?;
    drop(conn);
    let links = asset.hidden_at.is_none().then(|| Links::at(state, now));
    let view = View::new(&timeline, links.as_ref());
    // It tells of time that passes: no copy of it is good for anything.
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// The timeline of an asset. Two statements.
///
/// # Errors
/// Of the database.
pub(crate) async fn load(
    conn: &mut Connection,
    asset: &AssetRow,
    now: DateTime<Utc>,
) -> Result<Timeline, ServiceError> {
    let stages = jobs::timeline::stages(conn, asset.id).await?;
    let received =
        Received { bytes: asset.bytes, sha256: media_path::hex(&asset.sha256), created_at: asset.created_at };
    let stages = stages.into_iter().map(stage).collect();
    Ok(Timeline::new(asset.id, asset.status()?, asset.version, received, stages, now))
}

fn stage(stored: jobs::timeline::Stage) -> Stage {
    Stage {
        stage: stored.kind,
        state: stored.state,
        required: stored.required,
        progress: stored.progress,
        attempt: stored.attempt,
        max_attempts: stored.max_attempts,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
        error: fault(stored.error),
        retryable: stored.state == JobState::Dead,
        attempts: stored.attempts.into_iter().map(attempt).collect(),
    }
}

fn attempt(stored: jobs::timeline::Attempt) -> Attempt {
    Attempt {
        attempt: stored.attempt,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
        outcome: stored.outcome,
        error: fault(stored.error),
    }
}

fn fault(stored: Option<(String, String)>) -> Option<Fault> {
    stored.map(|(code, message)| Fault { code, message })
}
