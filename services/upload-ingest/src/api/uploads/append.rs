//! `PATCH /v1/uploads/{id}`: more bytes.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use service_error::{ServiceError, not_found};
use upload_protocol::{Answer, Append as Asked, check_append};
use uuid::Uuid;

use super::{marked, respond, view};
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::ingest::{Append, Appended, Body, Decide, Place, Waiting, detached, refuse};
use crate::state::AppState;
use crate::store::uploads::{self, UploadRow};

pub(super) async fn append_upload(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    asked: Asked,
) -> Result<HttpResponse, ServiceError> {
    let dialect = asked.dialect;
    let (body, waiting) = body(state, payload);
    let appended = async {
        let (caller, append, place) = match prepare(state, request, asked) {
            Ok(prepared) => prepared,
            Err(error) => return Err(refuse(body, error)),
        };
        let id = append.id;
        receive(state, append, body, place).await?;
        drop(waiting);
        let row = find(state, &caller, id).await?;
        let view = view::of(state, &row)?;
        let answer = upload_protocol::answer::appended(dialect, &view, (state.context.now)());
        Ok(respond(&with_asset(answer, &row)))
    };
    appended.await.map_err(|error| marked(error, Some(dialect)))
}

fn prepare(
    state: &AppState,
    request: &HttpRequest,
    asked: Asked,
) -> Result<(Caller, Append, Place), ServiceError> {
    let caller = incoming::caller(request, state)?;
    request_parts::no_parameters(request)?;
    let place = state.ingest.enter(&caller.subject)?;
    let append = Append {
        id: view::id(request)?,
        owner: caller.subject.clone(),
        dialect: asked.dialect,
        checksums: asked.content.checksums.clone(),
        plan: decide(state.clone(), asked),
    };
    Ok((caller, append, place))
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

/// The body of a request for an upload.
pub(super) fn body(state: &AppState, payload: Payload) -> (Body, Waiting) {
    let config = state.ingest.config();
    Body::of(payload, config.max_bytes(), config.stall())
}

/// Receives a body for an upload, in a task of its own.
pub(super) async fn receive(
    state: &AppState,
    append: Append,
    body: Body,
    place: Place,
) -> Result<Appended, ServiceError> {
    let ingest = state.ingest.clone();
    detached(body, async move |body| {
        let appended = ingest.append(append, body).await;
        drop(place);
        appended
    })
    .await
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
