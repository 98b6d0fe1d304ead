//! `GET /v1/admin/dead-jobs`: the stages that were given up, of all owners. `POST …/{id}/requeue`: one of them is tried again.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use problem::FieldError;
use request_parts::refused_cursor;
use serde::Serialize;
use service_error::{ServiceError, not_found, parameters};
use uuid::Uuid;

use crate::api::assets::administrator;
use crate::api::assets::list::address;
use crate::api::assets::perform::{Change, Sight, perform};
use crate::api::assets::retry::requeue;
use crate::api::incoming;
use crate::state::AppState;
use crate::store::assets::{self, stage_of_job};
use crate::store::jobs::admin::{DeadJob, dead};

/// Jobs on a page unless the client says otherwise, and at most.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;
/// What a cursor belongs to.
const SCOPE: &str = "dead jobs";

#[derive(Serialize)]
struct DeadJobView {
    id: Uuid,
    asset_id: Uuid,
    owner_id: String,
    stage: &'static str,
    attempt: i32,
    error_code: String,
    error_text: String,
    ended_at: DateTime<Utc>,
}

impl From<DeadJob> for DeadJobView {
    fn from(job: DeadJob) -> Self {
        Self {
            id: job.id,
            asset_id: job.asset_id,
            owner_id: job.owner,
            stage: job.kind.as_str(),
            attempt: job.attempt,
            error_code: job.error_code,
            error_text: job.error_text,
            ended_at: job.ended_at,
        }
    }
}

#[derive(Serialize)]
struct Page {
    items: Vec<DeadJobView>,
    #[serde(rename = "self")]
    this: String,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The last one given up first. One statement.
pub(super) async fn list_dead_jobs(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    administrator(&incoming::caller(&request, &state)?)?;
    let pairs = http_server::query_pairs(&request)?;
    let (limit, cursor) = read_query(&pairs)?;
    let after: Option<(DateTime<Utc>, Uuid)> = match &cursor {
        None => None,
        Some(token) => Some(state.cursors.open(SCOPE, token).map_err(refused_cursor)?),
    };
    let mut found = dead(&mut *state.pool.read().await?, after, limit + 1).await?;
    let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let last = found.last().filter(|_| more).map(|job| (job.ended_at, job.id));
    let next = last.map(|position| state.cursors.seal(SCOPE, &position));
    let address = |cursor: Option<&str>| address(request.path(), &pairs, cursor);
    let page = Page {
        items: found.into_iter().map(DeadJobView::from).collect(),
        this: address(cursor.as_deref()),
        first: address(None),
        next: next.as_deref().map(|cursor| address(Some(cursor))),
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(page))
}

fn read_query(pairs: &[(String, String)]) -> Result<(i64, Option<String>), ServiceError> {
    let (mut limit, mut cursor) = (DEFAULT_LIMIT, None);
    let mut faults: Vec<FieldError> = Vec::new();
    for (name, value) in pairs {
        match (name.as_str(), value.parse::<u32>()) {
            ("limit", Ok(number)) if number > 0 => limit = i64::from(number).min(MAX_LIMIT),
            ("limit", _) => {
                faults.push(request_parts::parameter_fault(
                    name,
                    "out_of_range",
                    "must be a whole number above zero",
                ));
            }
            ("cursor", _) => cursor = Some(value.clone()),
            _ => faults.push(request_parts::parameter_fault(
                name,
                "unknown_parameter",
                "no such parameter here",
            )),
        }
    }
    if faults.is_empty() { Ok((limit, cursor)) } else { Err(parameters(faults)) }
}

/// Answers `202` with the timeline of the asset.
pub(super) async fn requeue_dead_job(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    administrator(&caller)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, &caller.subject, &[])?;
    let found = stage_of_job(&mut *state.pool.read().await?, id).await?;
    let (asset_id, stage) = found.ok_or_else(not_found)?;
    let change = Change { name: "requeue_dead_job", asset_id, sight: Sight::Stays, keyed };
    let shared = state.clone();
    perform(&state, change, async move |conn| {
        let asset = assets::lock(conn, asset_id).await?.ok_or_else(not_found)?;
        requeue(conn, &shared, asset, stage).await
    })
    .await
}
