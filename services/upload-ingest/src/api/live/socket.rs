//! `GET /ws/assets/{id}`: the timeline over a WebSocket, a text message for each change; closed with 1000 after the last.
//!
//! Nothing that a client says is read, but pings and its farewell. One that does not answer to pings is taken to be gone.

use std::pin::Pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::{self, Data, Payload};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, dev};
use actix_ws::{AggregatedMessage, CloseCode, CloseReason, ProtocolError, Session};
use futures_util::{Stream, StreamExt as _};
use problem::{Problem, registry};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::Instrument as _;

use super::changes::timeline_changes;
use super::events::{KEEP_ALIVE, LONGEST};
use super::frames::{Bounded, MAX_FRAME};
use super::{Admitted, taken, told};
use crate::error::ServiceError;
use crate::state::AppState;

/// A request's body, as the extractor takes it.
type Bytes = Pin<Box<dyn Stream<Item = Result<bytes::Bytes, PayloadError>>>>;

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
    let bytes: Bytes = Box::pin(Bounded::new(body.into_inner()));
    let mut bounded = dev::Payload::Stream { payload: bytes };
    let bounded = web::Payload::from_request(&request, &mut bounded).await.map_err(refused)?;
    let (response, session, messages) = actix_ws::handle(&request, bounded).map_err(refused)?;
    // Larger than any frame that is let through: what is too large is refused there.
    let limit = usize::try_from(MAX_FRAME).unwrap_or(usize::MAX).saturating_mul(2);
    let messages = messages.max_frame_size(limit).aggregate_continuations().max_continuation_size(limit);
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

fn refused(error: actix_web::Error) -> ServiceError {
    Problem::new(&registry::MALFORMED_REQUEST)
        .detail("a WebSocket handshake is expected here")
        .cause(error.to_string())
        .into()
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

fn farewell(code: CloseCode, description: &str) -> CloseReason {
    CloseReason { code, description: Some(description.to_owned()) }
}

fn answer_to(reason: Option<CloseReason>) -> CloseReason {
    CloseReason { code: reason.map_or(CloseCode::Normal, |reason| reason.code), description: None }
}

/// What was too large is told apart from what makes no sense.
fn fault(error: &ProtocolError) -> CloseReason {
    let is_too_large = match error {
        ProtocolError::Overflow => true,
        ProtocolError::Io(error) => {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<PayloadError>());
            matches!(cause, Some(PayloadError::Overflow))
        }
        _ => false,
    };
    if is_too_large {
        farewell(CloseCode::Size, "nothing that long is expected")
    } else {
        farewell(CloseCode::Protocol, "not understood")
    }
}
