//! Tariffs: read by everybody, published by admins, never changed (P-D3).

mod publish;

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{ListRules, answer_private, no_parameters, path_id};
use service_error::{ServiceError, not_found};

use super::caller;
use crate::domain::tariff::Tariff;
use crate::state::AppState;

/// Registers `/v1/tariffs` and `/v1/tariffs/{tariff}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/tariffs")
            .route(web::get().to(list_tariffs))
            .route(web::head().to(list_tariffs))
            .route(web::post().to(publish::post_tariff)),
    );
    app.service(
        web::resource("/v1/tariffs/{tariff}")
            .route(web::get().to(get_tariff))
            .route(web::head().to(get_tariff)),
    );
}

/// From the first version on.
async fn list_tariffs(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    caller::standing(&request, &state).await?;
    let asked = ListRules::new(&[]).read(&request)?;
    let after: i32 = asked.after(&state.cursors, "tariffs")?.unwrap_or_default();
    let known = state.tariffs.refresh(&mut *state.desk.read().await?).await?;
    let rows = usize::try_from(asked.rows()).unwrap_or(usize::MAX);
    let rows: Vec<Tariff> =
        known.iter().filter(|tariff| tariff.version > after).take(rows).cloned().collect();
    Ok(answer_private(&asked.page(&state.cursors, "tariffs", rows, |tariff| tariff.version, Ok)?))
}

/// With the end that the version after it gives it.
async fn get_tariff(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    caller::standing(&request, &state).await?;
    let id = path_id(&request, "tariff")?;
    no_parameters(&request)?;
    let known = state.tariffs.refresh(&mut *state.desk.read().await?).await?;
    Ok(answer_private(known.iter().find(|tariff| tariff.id == id).ok_or_else(not_found)?))
}
