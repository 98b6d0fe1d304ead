//! `POST /v1/gyms/{gym}/stories/tickets`: a ticket with which its holder may open a socket to the feed of one gym, for as long as it
//! takes to do so. Browsers cannot send a token with a handshake, and a token has no place in an address.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use problem::{Problem, registry};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::incoming;
use crate::state::AppState;
use crate::store::log;

/// What a ticket says beside its gym, which it is sealed for.
#[derive(Serialize, Deserialize)]
struct Ticket {
    viewer: Uuid,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Given {
    /// To be sent as `ticket` with the handshake.
    ticket: String,
    /// For so many seconds.
    expires_in: u32,
}

/// Gives a member a ticket.
pub(super) async fn post_ticket(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let members = log::viewers(&mut *state.stories.read().await?, gym_id, &[caller.id]).await?;
    if !members.contains_key(&caller.id) {
        return Err(not_found());
    }
    let expires_in = state.config.live.ticket_secs;
    let expires_at = state.context.now() + TimeDelta::seconds(expires_in.into());
    let ticket = state.cursors.seal(&scope(gym_id), &Ticket { viewer: caller.id, expires_at });
    Ok(HttpResponse::Created()
        .insert_header(("Cache-Control", "no-store"))
        .json(Given { ticket, expires_in }))
}

/// Who holds a ticket to the feed of this gym.
///
/// # Errors
/// `unauthenticated` for what is none, one to another gym, or one that has expired.
pub(super) fn holder(state: &AppState, gym_id: Uuid, ticket: &str) -> Result<Uuid, ServiceError> {
    let refused = || {
        Problem::new(&registry::UNAUTHENTICATED)
            .header("WWW-Authenticate", "Bearer")
            .detail("the ticket does not open this socket, or not any more; get another one")
    };
    let opened: Ticket =
        state.cursors.open(&scope(gym_id), ticket).map_err(|error| refused().cause(error))?;
    if state.context.now() >= opened.expires_at {
        return Err(refused().into());
    }
    Ok(opened.viewer)
}

/// No cursor is sealed for it, so neither opens what the other does.
fn scope(gym_id: Uuid) -> String {
    format!("ticket to the socket of {gym_id}")
}
