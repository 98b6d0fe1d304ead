//! `GET /v1/admin/reconciliation`: what the reconciler would do now (U-D12); nothing is removed. Every number but the first three
//! should be zero, or be on its way there.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use problem::{Problem, registry};
use service_error::ServiceError;

use crate::api::assets::administrator;
use crate::api::incoming;
use crate::error::storage_failed;
use crate::jobs::reconcile::{ReconcileError, Reconciler};
use crate::state::AppState;
use crate::store::maintenance::Turn;

/// A store that takes longer to look through is looked through with the command.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at the whole store; one process at a time.
pub(super) async fn get_reconciliation(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    administrator(&incoming::caller(&request, &state)?)?;
    request_parts::no_parameters(&request)?;
    let turn = Turn::take(&state.pool).await?;
    let mut turn = turn.ok_or_else(|| later("a pass is running; come again in a moment"))?;
    let reconciler = Reconciler::new(&state.config, &state.pool, &state.blobs, state.context.now);
    let pass = Box::pin(reconciler.pass(&mut turn, true));
    let report = tokio::time::timeout(PATIENCE, pass)
        .await
        .map_err(|_| later("the store is too large to be looked through in one request"))?
        .map_err(failed)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(report))
}

fn later(detail: &str) -> ServiceError {
    Problem::new(&registry::UNAVAILABLE).detail(detail).into()
}

fn failed(error: ReconcileError) -> ServiceError {
    match error {
        ReconcileError::Database(error) => error.into(),
        ReconcileError::Storage(error) => storage_failed(error),
        ReconcileError::Busy => later("a pass is running; come again in a moment"),
    }
}
