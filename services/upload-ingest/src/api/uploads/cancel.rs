//! `DELETE /v1/uploads/{id}`: gives an upload up, with all its bytes.

use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;
use upload_protocol::{Dialect, Refusal};

use super::{append, marked, respond, view};
use crate::api::incoming;
use crate::error::storage_failed;
use crate::state::AppState;
use crate::store::uploads;

pub(super) async fn cancel_upload(
    state: &AppState,
    request: &HttpRequest,
    dialect: Option<Dialect>,
) -> Result<HttpResponse, ServiceError> {
    cancel(state, request, dialect).await.map_err(|error| marked(error, dialect))
}

async fn cancel(
    state: &AppState,
    request: &HttpRequest,
    dialect: Option<Dialect>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    request_parts::no_parameters(request)?;
    let id = view::id(request)?;
    let row = append::find(state, &caller, id).await?;
    let refused = |refusal: Refusal| ServiceError::from(refusal.problem(dialect));
    view::of(state, &row)?.check_present((state.context.now)()).map_err(refused)?;
    // Who writes stops by itself when its claim does not hold any more; this makes it stop sooner.
    state.ingest.release(id).await;
    let now = (state.context.now)();
    let cancelled = uploads::cancel(&mut *state.pool.write().await?, id, &caller.subject, now).await?;
    match cancelled {
        Some(_) => {
            state.blobs.discard(id, None).await.map_err(storage_failed)?;
            Ok(respond(&upload_protocol::answer::cancelled(dialect)))
        }
        // It has become an asset, which is deleted as one.
        None => Err(refused(Refusal::Completed)),
    }
}
