//! `HEAD` and `GET /v1/uploads/{id}`: how far an upload has come; for programs that resume, and for people.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use service_error::ServiceError;
use upload_protocol::Dialect;
use uuid::Uuid;

use super::{append, marked, respond, view};
use crate::api::incoming;
use crate::state::AppState;
use crate::store::from_db;
use crate::store::uploads::UploadRow;

/// An upload, for its owner.
#[derive(Debug, Serialize)]
struct UploadBody {
    id: Uuid,
    state: &'static str,
    offset: u64,
    length: Option<u64>,
    title: Option<String>,
    visibility: &'static str,
    correlation_id: Uuid,
    asset_url: Option<String>,
    error: Option<ErrorBody>,
    expires_at: Option<DateTime<Utc>>,
}

/// Why an upload was rejected.
#[derive(Debug, Serialize)]
struct ErrorBody {
    code: String,
    message: String,
}

/// `HEAD`: the offset to go on from.
pub(super) async fn head_upload(
    state: &AppState,
    request: &HttpRequest,
    dialect: Option<Dialect>,
) -> Result<HttpResponse, ServiceError> {
    let head = async {
        let caller = incoming::caller(request, state)?;
        let id = view::id(request)?;
        let row = append::find(state, &caller, id).await?;
        // Whoever asks is about to go on: a request that still hangs is told to stop, and what it brought is counted.
        state.ingest.release(id).await;
        let row = if row.asset_id.is_some() { row } else { append::find(state, &caller, id).await? };
        let (view, now) = (view::of(state, &row)?, (state.context.now)());
        view.check_present(now).map_err(|refusal| refusal.problem(dialect))?;
        let answer = upload_protocol::answer::offset(dialect, &view, now);
        Ok(respond(&append::with_asset(answer, &row)))
    };
    head.await.map_err(|error| marked(error, dialect))
}

/// `GET`: the same for people, and why it was rejected.
pub(super) async fn get_upload(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    let row = append::find(&state, &caller, view::id(&request)?).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "private, no-store")).json(body(row)?))
}

fn body(row: UploadRow) -> Result<UploadBody, ServiceError> {
    let error = row.error_code.clone().zip(row.error_text.clone());
    Ok(UploadBody {
        id: row.id,
        state: row.state()?.as_str(),
        offset: from_db(row.durable_bytes),
        length: row.declared_bytes.map(from_db),
        visibility: row.visibility()?.as_str(),
        correlation_id: row.correlation_id,
        asset_url: row.asset_id.map(|id| format!("/v1/assets/{id}")),
        error: error.map(|(code, message)| ErrorBody { code, message }),
        expires_at: row.asset_id.is_none().then_some(row.expires_at),
        title: row.title,
    })
}
