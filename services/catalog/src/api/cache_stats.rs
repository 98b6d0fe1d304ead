//! `GET /debug/cache-stats`: what the cache of this replica has done for each model (C-A10, C-D10).

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Map;
use service_error::ServiceError;

use super::incoming;
use crate::domain::access::{self, ADMINISTRATOR};
use crate::state::AppState;

/// For administrators, and in development for anybody.
pub(crate) async fn get_cache_stats(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    if !state.settings.open_cache_stats {
        access::at_least(&incoming::required_principal(&request, &state)?, ADMINISTRATOR)?;
    }
    incoming::no_parameters(&request)?;
    let mut models = Map::new();
    for model in state.context.registry.models() {
        models.insert(model.path.to_owned(), state.context.records.stats(model.path).await.to_json());
    }
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(models))
}
