#![doc = include_str!("../README.md")]

mod frames;

use std::pin::Pin;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, dev};
pub use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session,
};
use futures_util::Stream;
use problem::{Problem, registry};

use frames::Bounded;
pub use frames::MAX_FRAME;

/// A request's body, as the extractor takes it.
type Body = Pin<Box<dyn Stream<Item = Result<bytes::Bytes, PayloadError>>>>;

/// A socket that is open once the response is sent.
pub struct Opened {
    /// The answer to the handshake.
    pub response: HttpResponse,
    /// Where to speak.
    pub session: Session,
    /// What the client says.
    pub messages: AggregatedMessageStream,
}

/// Answers a handshake.
///
/// # Errors
/// `malformed_request` where it is none.
pub async fn open(request: &HttpRequest, body: Payload) -> Result<Opened, Problem> {
    let bytes: Body = Box::pin(Bounded::new(body.into_inner()));
    let mut bounded = dev::Payload::Stream { payload: bytes };
    let bounded = Payload::from_request(request, &mut bounded).await.map_err(|error| refused(&error))?;
    let (response, session, messages) =
        actix_ws::handle(request, bounded).map_err(|error| refused(&error))?;
    // Larger than any frame that is let through: what is too large is refused there.
    let limit = usize::try_from(MAX_FRAME).unwrap_or(usize::MAX).saturating_mul(2);
    let messages = messages.max_frame_size(limit).aggregate_continuations().max_continuation_size(limit);
    Ok(Opened { response, session, messages })
}

fn refused(error: &actix_web::Error) -> Problem {
    Problem::new(&registry::MALFORMED_REQUEST)
        .detail("a WebSocket handshake is expected here")
        .cause(error.to_string())
}

/// The end of a conversation, and why.
#[must_use]
pub fn farewell(code: CloseCode, description: impl Into<String>) -> CloseReason {
    CloseReason { code, description: Some(description.into()) }
}

/// What a farewell of the client is answered with.
#[must_use]
pub fn answer_to(reason: Option<CloseReason>) -> CloseReason {
    CloseReason { code: reason.map_or(CloseCode::Normal, |reason| reason.code), description: None }
}

/// The farewell to a client that cannot be understood. What was too large is told apart from what makes no sense.
#[must_use]
pub fn fault(error: &ProtocolError) -> CloseReason {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_told_apart_from_what_makes_no_sense() {
        assert_eq!(fault(&ProtocolError::Overflow).code, CloseCode::Size);
        let refused = std::io::Error::other(PayloadError::Overflow);
        assert_eq!(fault(&ProtocolError::Io(refused)).code, CloseCode::Size);
        assert_eq!(fault(&ProtocolError::UnmaskedFrame).code, CloseCode::Protocol);
    }
}
