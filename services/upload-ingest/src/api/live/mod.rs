//! Timelines as they change: as server-sent events (`GET /v1/assets/{id}/events`) and over a WebSocket (`/ws/assets/{id}`).
//!
//! Whoever may read the asset may listen, and whoever holds one of the addresses that its timeline gives: browsers cannot
//! send a token with either. Such an address opens nothing else and is never renewed by what it opens; of what is hidden it
//! opens nothing. A process has so many listeners at most, and an owner's assets have; more are told to come again. One that
//! does not read what it is told loses its place.

mod changes;
mod events;
mod listeners;
mod socket;

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use service_error::{ServiceError, not_found};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) use listeners::Listeners;

use crate::api::assets::known;
use crate::api::assets::links::{self, Links};
use crate::api::assets::timeline::View;
use crate::api::incoming;
use crate::domain::timeline::Timeline;
use crate::state::AppState;
use crate::store::assets::{self, AssetRow};

/// How long a listener may leave unread what it is told.
const UNREAD: Duration = Duration::from_secs(10);

/// What somebody may listen to.
struct Admitted {
    asset: AssetRow,
    /// Whether it is told links to itself: not to who came by one, which would last for ever then.
    gives_links: bool,
}

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/assets/{id}/events").route(web::get().to(events::get_events)));
    app.service(web::resource("/ws/assets/{id}").route(web::get().to(socket::open_socket)));
}

/// Whether a listener took what it is told in time, and is still there.
async fn taken<E>(sending: impl Future<Output = Result<(), E>>) -> bool {
    matches!(timeout(UNREAD, sending).await, Ok(Ok(())))
}

/// A timeline as a listener is told it. `None` for what cannot be written, which there is not.
fn told(state: &AppState, timeline: &Timeline, gives_links: bool) -> Option<String> {
    let links = gives_links.then(|| Links::at(state, (state.context.now)()));
    serde_json::to_string(&View::new(timeline, links.as_ref())).ok()
}

/// The asset, if whoever asks may listen to it. `path` is what a link to this is signed for.
async fn admitted(
    state: &AppState,
    request: &HttpRequest,
    path: impl FnOnce(Uuid) -> String,
) -> Result<Admitted, ServiceError> {
    let Some(capability) = links::capability(request)? else {
        let caller = incoming::caller(request, state)?;
        let id = request_parts::path_id(request, "id")?;
        let found = assets::find(&mut *state.pool.read().await?, id).await?;
        let asset = known(found, None, &caller)?;
        let gives_links = asset.hidden_at.is_none();
        return Ok(Admitted { asset, gives_links });
    };
    let id = request_parts::path_id(request, "id")?;
    links::opened(state, &path(id), &capability)?;
    let asset = assets::find(&mut *state.pool.read().await?, id).await?.ok_or_else(not_found)?;
    links::not_hidden(asset.hidden_at.is_some())?;
    Ok(Admitted { asset, gives_links: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_does_not_read_is_not_waited_for() {
        assert!(taken(async { Ok::<_, ()>(()) }).await);
        assert!(!taken(async { Err(()) }).await, "it is gone");
        assert!(!taken(std::future::pending::<Result<(), ()>>()).await);
    }
}
