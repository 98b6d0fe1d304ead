//! `GET /ws/assets/{id}`: the timeline over a WebSocket, a text message for each change; closed with 1000 after the last.
//!
//! Nothing that a client says is read, but pings and its farewell. One that does not answer to pings is taken to be gone.

use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt as _};
use service_error::ServiceError;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::Instrument as _;
use websocket::{
    AggregatedMessage, CloseCode, CloseReason, Opened, ProtocolError, Session, answer_to, farewell, fault,
};

use super::changes::timeline_changes;
use super::events::{KEEP_ALIVE, LONGEST};
use super::{Admitted, taken, told};
use crate::state::AppState;

/// A client that has said nothing for so long, not even to pings, is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// Answers the handshake and speaks until nothing more will happen by itself.
pub(super) async fn open_socket(
    state: Data<AppState>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, ServiceError> {
    let Admitted { asset, gives_links } =
        super::admitted(&state, &request, |id| format!("/ws/assets/{id}")).await?;
    let place = state.listeners.enter(&asset.owner)?;
    let Opened { response, session, messages } = websocket::open(&request, body).await?;
    let changes = timeline_changes(state.get_ref().clone(), asset.id)
        .map(move |change| change.map(|timeline| told(&state, &timeline, gives_links)));
    let speaking = async move {
        let reason = speak(session.clone(), messages, changes).await;
        drop(place);
        if let Some(reason) = reason {
            // A client that is gone already, or does not read, needs no farewell.
            taken(session.close(Some(reason))).await;
        }
    };
    actix_web::rt::spawn(speaking.in_current_span());
    Ok(response)
}

/// Why the conversation ends; `None` when the other side has ended it, or does not take what it is told.
async fn speak(
    mut session: Session,
    messages: impl Stream<Item = Result<AggregatedMessage, ProtocolError>>,
    changes: impl Stream<Item = Result<Option<String>, ServiceError>>,
) -> Option<CloseReason> {
    let (mut messages, mut changes) = (std::pin::pin!(messages), std::pin::pin!(changes));
    let until = Instant::now() + LONGEST;
    let mut heard = Instant::now();
    let mut ticks = interval(KEEP_ALIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return Some(farewell(CloseCode::Normal, "end")),
                Some(Err(_)) => return Some(farewell(CloseCode::Again, "come again")),
                Some(Ok(text)) => taken(session.text(text?)).await.then_some(())?,
            },
            message = messages.next() => {
                heard = Instant::now();
                match message? {
                    Ok(AggregatedMessage::Ping(bytes)) => taken(session.pong(&bytes)).await.then_some(())?,
                    Ok(AggregatedMessage::Close(reason)) => return Some(answer_to(reason)),
                    Ok(_) => {}
                    Err(error) => return Some(fault(&error)),
                }
            }
            now = ticks.tick() => {
                if now.duration_since(heard) > SILENCE {
                    return Some(farewell(CloseCode::Policy, "no sign of life"));
                }
                if now >= until {
                    return Some(farewell(CloseCode::Again, "come again"));
                }
                taken(session.ping(b"")).await.then_some(())?;
            }
        }
    }
}
