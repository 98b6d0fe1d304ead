//! `PATCH /v1/uploads/{id}`: more bytes.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use upload_protocol::{Answer, Append as Asked, Checksum, Dialect, check_append};
use uuid::Uuid;

use super::{marked, respond, view};
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::error::{ServiceError, not_found};
use crate::ingest::{Append, Appended, Body, Decide, detached};
use crate::state::AppState;
use crate::store::uploads::{self, UploadRow};

pub(super) async fn append_upload(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    asked: Asked,
) -> Result<HttpResponse, ServiceError> {
    let dialect = asked.dialect;
    let appended = async {
        let caller = incoming::caller(request, state)?;
        incoming::no_parameters(request)?;
        let id = view::id(request)?;
        let checksums = asked.content.checksums.clone();
        let decide = decide(state.clone(), asked);
        receive(state, &caller, payload, id, dialect, checksums, decide).await?;
        let row = find(state, &caller, id).await?;
        let view = view::of(state, &row)?;
        let answer = upload_protocol::answer::appended(dialect, &view, (state.context.now)());
        Ok(respond(&with_asset(answer, &row)))
    };
    appended.await.map_err(|error| marked(error, Some(dialect)))
}

fn decide(state: AppState, asked: Asked) -> Decide {
    Box::new(move |row| {
        let view = view::of(&state, row)?;
        check_append(&view, &asked, (state.context.now)()).map_err(|refusal| {
            let problem = refusal.problem(Some(asked.dialect));
            // Why it was rejected says more than that it is gone.
            match &row.error_text {
                Some(text) => problem.detail(text.clone()).into(),
                None => problem.into(),
            }
        })
    })
}

/// Receives a body for an upload, in a task of its own.
pub(super) async fn receive(
    state: &AppState,
    caller: &Caller,
    payload: Payload,
    id: Uuid,
    dialect: Dialect,
    checksums: Vec<Checksum>,
    plan: Decide,
) -> Result<Appended, ServiceError> {
    let place = state.ingest.enter(&caller.subject)?;
    let config = state.ingest.config();
    let (body, waiting) = Body::of(payload, config.max_bytes(), config.stall());
    let append = Append { id, owner: caller.subject.clone(), dialect, checksums, plan };
    let ingest = state.ingest.clone();
    let appended = detached(body, async move |body| {
        let appended = ingest.append(append, body).await;
        drop(place);
        appended
    })
    .await;
    drop(waiting);
    appended
}

/// The caller's upload of this id.
pub(super) async fn find(state: &AppState, caller: &Caller, id: Uuid) -> Result<UploadRow, ServiceError> {
    let row = uploads::find(&mut *state.pool.read().await?, id).await?;
    row.filter(|row| caller.owns(&row.owner)).ok_or_else(not_found)
}

/// Says in an answer what the upload has become.
pub(super) fn with_asset(answer: Answer, row: &UploadRow) -> Answer {
    match row.asset_id {
        Some(asset) => answer.with("content-location", format!("/v1/assets/{asset}")),
        None => answer,
    }
}
