//! `GET /debug/cache-stats` and `GET /debug/db-pool`: what the cache of this process has done, and what its pools hold (P-A6, P-A15). For
//! admins of the desk.

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Map;
use service_error::{ServiceError, forbidden};

use super::{announcements, caller, packages};
use crate::cache::standing;
use crate::domain::person::Role;
use crate::state::AppState;

/// Everything that is kept.
const FAMILIES: [&str; 6] = [
    packages::list::FAMILY,
    packages::read::FAMILY,
    packages::stats::FAMILY,
    announcements::list::FAMILY,
    announcements::read::FAMILY,
    standing::FAMILY,
];

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/debug/cache-stats").route(web::get().to(get_cache_stats)));
    app.service(web::resource("/debug/db-pool").route(web::get().to(get_db_pool)));
}

async fn get_cache_stats(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    admit(&request, &state).await?;
    let mut families = Map::new();
    for family in FAMILIES {
        families.insert(family.to_owned(), state.desk.stats(family).await.to_json());
    }
    Ok(fleeting(&families))
}

async fn get_db_pool(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    admit(&request, &state).await?;
    Ok(fleeting(&state.desk.pool_status()))
}

async fn admit(request: &HttpRequest, state: &AppState) -> Result<(), ServiceError> {
    let standing = caller::standing(request, state).await?;
    if standing.role != Role::Admin {
        return Err(forbidden("this is for admins of the desk"));
    }
    request_parts::no_parameters(request)
}

/// True for a moment only.
fn fleeting(shown: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(shown)
}
