//! `GET /ws/stories/{gym}`: what changes in a gym's feed, over a WebSocket.
//!
//! The first message is `hello`. Whoever comes with the position of its last message, or of the feed as it read it, and can be
//! brought up to date from there, is told `recovered` and what it has missed; whoever is told otherwise reads the feed, and
//! leaves out events that are not beyond the position of what it read. Nothing that a client says is read, but pings and its
//! farewell. When the server ends the conversation but could go on elsewhere or later (1012, 1013), the reason that it gives
//! is the position to resume from.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use serde::Serialize;
use service_error::ServiceError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use uuid::Uuid;
use websocket::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Opened, Session, answer_to, farewell,
    fault,
};

use super::tickets;
use crate::api::incoming;
use crate::domain::position::Position;
use crate::live::{Cut, End, Hub, Joined, Place, Seat, Told};
use crate::state::{AppState, Context};

/// How long a client may leave unread what it is told, its farewell included.
const UNREAD: Duration = Duration::from_secs(10);

/// What a client asks for.
#[derive(Default)]
struct Wanted {
    ticket: Option<String>,
    since: Option<Position>,
}

#[derive(Serialize)]
struct Hello {
    action: &'static str,
    position: String,
    recovered: bool,
}

/// Answers the handshake and tells what happens until one of both sides leaves.
pub(super) async fn open_socket(
    state: Data<AppState>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, ServiceError> {
    let gym_id = request_parts::path_id(&request, "gym")?;
    let wanted = Wanted::read(&request)?;
    let viewer = viewer(&state, &request, gym_id, wanted.ticket.as_deref())?;
    let place = state.hub.place(viewer)?;
    let (joined, seat) = state.hub.join(gym_id, viewer, wanted.since).await?;
    let Opened { response, session, messages } = websocket::open(&request, body).await?;
    let conversation = Conversation {
        hub: state.hub.clone(),
        context: state.context.clone(),
        session,
        position: joined.position,
        heartbeat: Duration::from_secs(state.config.live.heartbeat_secs),
    };
    // Without the request's span and record: they would be kept as long as the socket.
    actix_web::rt::spawn(conversation.hold(joined, seat, messages, place));
    Ok(response)
}

/// Who asks: by a ticket, or else by a token.
fn viewer(
    state: &AppState,
    request: &HttpRequest,
    gym_id: Uuid,
    ticket: Option<&str>,
) -> Result<Uuid, ServiceError> {
    match ticket {
        Some(ticket) => tickets::holder(state, gym_id, ticket),
        None => Ok(incoming::caller(request, state)?.id),
    }
}

impl Wanted {
    fn read(request: &HttpRequest) -> Result<Self, ServiceError> {
        let mut wanted = Self::default();
        for (name, value) in http_server::query_pairs(request)? {
            let is_known = match name.as_str() {
                "ticket" => wanted.ticket.replace(value).is_none(),
                "position" => {
                    let position = value.parse().map_err(|_| {
                        let message = "a position has the form <epoch>:<seq>";
                        request_parts::refuse_parameter("position", "invalid", message)
                    })?;
                    wanted.since.replace(position).is_none()
                }
                _ => false,
            };
            if !is_known {
                let message = "no such parameter here, or given twice";
                return Err(request_parts::refuse_parameter(&name, "unknown_parameter", message));
            }
        }
        Ok(wanted)
    }
}

/// One side of a socket.
struct Conversation {
    hub: Hub,
    context: Context,
    session: Session,
    /// Where the client stands with what it was told.
    position: Position,
    heartbeat: Duration,
}

impl Conversation {
    async fn hold(mut self, joined: Joined, mut seat: Seat, messages: AggregatedMessageStream, place: Place) {
        let reason = match self.greet(joined, &seat.cut).await {
            None => self.speak(&mut seat, messages).await,
            Some(end) => end.and_then(|end| self.end(end)),
        };
        drop((seat, place));
        if let Some(reason) = reason {
            // A client that is gone already, or does not read, needs no farewell.
            let _ = timeout(UNREAD, self.session.close(Some(reason))).await;
        }
    }

    /// Says hello and tells what was missed. `Some` where the conversation ends by that already.
    async fn greet(&mut self, joined: Joined, cut: &Cut) -> Option<Option<End>> {
        let Joined { position, recovered, missed, caught_up } = joined;
        let hello = Hello { action: "hello", position: position.to_string(), recovered };
        let hello = serde_json::to_string(&hello).unwrap_or_default();
        if let Err(end) = self.say(hello.into(), cut).await {
            return Some(end);
        }
        for told in missed {
            if let Err(end) = self.tell(&told, cut).await {
                return Some(end);
            }
        }
        self.position = caught_up;
        None
    }

    /// Why the conversation ends; `None` when the other side has ended it, or does not take what it is told.
    async fn speak(&mut self, seat: &mut Seat, messages: AggregatedMessageStream) -> Option<CloseReason> {
        let mut messages = std::pin::pin!(messages);
        let mut heard = Instant::now();
        let mut ticks = self.ticks();
        loop {
            tokio::select! {
                biased;
                end = seat.cut.made() => return self.end(end),
                message = messages.next() => {
                    heard = Instant::now();
                    match message? {
                        Ok(AggregatedMessage::Ping(bytes)) => {
                            timeout(UNREAD, self.session.pong(&bytes)).await.ok()?.ok()?;
                        }
                        Ok(AggregatedMessage::Close(reason)) => return Some(answer_to(reason)),
                        Ok(_) => {}
                        Err(error) => return Some(fault(&error)),
                    }
                }
                told = seat.queue.recv() => {
                    let end = match told {
                        Some(told) => self.tell(&told, &seat.cut).await.err(),
                        // The room has failed.
                        None => Some(Some(End::Restart)),
                    };
                    if let Some(end) = end {
                        return self.end(end?);
                    }
                }
                now = ticks.tick() => {
                    if now.duration_since(heard) > self.heartbeat * 2 {
                        return Some(farewell(CloseCode::Policy, "no sign of life"));
                    }
                    timeout(UNREAD, self.session.ping(b"")).await.ok()?.ok()?;
                }
            }
        }
    }

    fn ticks(&self) -> Interval {
        let mut ticks = interval_at(Instant::now() + self.heartbeat, self.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Tells an event, unless its story has expired while it waited, and moves on.
    async fn tell(&mut self, told: &Arc<Told>, cut: &Cut) -> Result<(), Option<End>> {
        let now = self.context.now();
        if told.is_current(now) {
            self.say(told.text.clone(), cut).await?;
            let metrics = self.hub.metrics();
            metrics.told.inc();
            metrics.lag.observe((now - told.occurred_at).as_seconds_f64().max(0.0));
        }
        self.position = told.position;
        Ok(())
    }

    /// Sends a message. The error says why the conversation ends; nothing where the client is gone.
    async fn say(&mut self, text: bytestring::ByteString, cut: &Cut) -> Result<(), Option<End>> {
        tokio::select! {
            biased;
            end = cut.made() => Err(Some(end)),
            sent = timeout(UNREAD, self.session.text(text)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(None),
                Err(_) => {
                    if cut.set(End::Slow) {
                        self.hub.metrics().shed.inc();
                    }
                    Err(Some(End::Slow))
                }
            },
        }
    }

    fn end(&self, end: End) -> Option<CloseReason> {
        let (code, reason) = match end {
            End::Slow => (CloseCode::Again, self.position.to_string()),
            End::Restart => (CloseCode::Restart, self.position.to_string()),
            End::NotAMember => (CloseCode::Policy, "not a member of the gym".to_owned()),
        };
        Some(farewell(code, reason))
    }
}
