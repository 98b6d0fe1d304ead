//! Timelines as they change: as server-sent events (`GET /v1/assets/{id}/events`) and over a WebSocket (`/ws/assets/{id}`).
//!
//! Whoever may read the asset may listen, and whoever holds one of the addresses that its timeline gives: browsers cannot
//! send a token with either. A process has so many listeners at most; more are told to come again.

mod changes;
mod events;
mod frames;
mod listeners;
mod socket;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use uuid::Uuid;

use crate::api::assets::{known, links};
use crate::api::incoming;
use crate::error::{ServiceError, not_found};
use crate::state::AppState;
use crate::store::assets::{self, AssetRow};

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/assets/{id}/events").route(web::get().to(events::get_events)));
    app.service(web::resource("/ws/assets/{id}").route(web::get().to(socket::open_socket)));
}

/// The asset, if whoever asks may listen to it. `path` is what a link to this is signed for.
async fn admitted(
    state: &AppState,
    request: &HttpRequest,
    path: impl FnOnce(Uuid) -> String,
) -> Result<AssetRow, ServiceError> {
    let Some(capability) = links::capability(request)? else {
        let caller = incoming::caller(request, state)?;
        let id = incoming::path_id(request, "id")?;
        let found = assets::find(&mut *state.pool.read().await?, id).await?;
        return known(found, None, &caller);
    };
    let id = incoming::path_id(request, "id")?;
    links::opened(state, &path(id), None, &capability)?;
    assets::find(&mut *state.pool.read().await?, id).await?.ok_or_else(not_found)
}
