//! From an upstream's answer to the one the client gets.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use conditional::Coding;
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use problem::{Problem, Reported, registry};

use super::body::{Progress, ResponseBody};
use super::headers;
use super::pool::Lease;
use super::request::Exchange;
use crate::compress::{self, Asked, Compressed};

/// The body of an answer to HEAD: only its length is told.
struct Untold(BodySize);

impl MessageBody for Untold {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// Turns the answer round. Its body streams; the connection goes back to the pool when it has passed.
pub(crate) fn respond(
    exchange: &Exchange<'_>,
    answer: hyper::Response<Incoming>,
    lease: Lease,
    progress: Rc<Progress>,
) -> Result<HttpResponse, Problem> {
    let (parts, incoming) = answer.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16())
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| Problem::new(&registry::BAD_GATEWAY).cause(format!("unasked {}", parts.status)))?;
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = ResponseBody::new(incoming, lease, progress, exchange.route.longest_pause);

    let mut response = HttpResponse::with_body(status, ());
    let out = response.headers_mut();
    headers::to_client(&parts.headers, out);
    headers::add_via(out);
    let coding = if exchange.route.compress {
        compress::apply(status, out, announced, &Asked::from_headers(exchange.client.headers()))
    } else {
        Coding::Identity
    };
    let body = if exchange.client.method() == Method::HEAD {
        let size = announced.filter(|_| coding == Coding::Identity);
        BoxBody::new(Untold(size.map_or(BodySize::Stream, BodySize::Sized)))
    } else if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        BoxBody::new(Untold(BodySize::None))
    } else if coding == Coding::Identity {
        BoxBody::new(body)
    } else {
        BoxBody::new(Compressed::new(body, coding, announced.is_none()))
    };
    if status.is_client_error() || status.is_server_error() {
        // The server puts a problem in the place of an error without a body, unless it was reported already. This one
        // is the upstream's and passes as it is.
        response.extensions_mut().insert(Reported(Problem::new(registry::for_status(status.as_u16()))));
    }
    Ok(response.set_body(body))
}
