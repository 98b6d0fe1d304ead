//! What hyper calls for each request: the handler, with the book-keeping of exchanges around it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::upgrade::OnUpgrade;
use pin_project_lite::pin_project;

use crate::client::ClientConnection;
use crate::handler::Handler;
use crate::http2::stall;
use crate::informational::Informational;
use crate::state::ConnectionState;

/// Where the requests of one connection come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) secure: bool,
    pub(crate) http2: bool,
}

/// An exchange under way; dropping it, wherever it then is, ends the exchange.
struct Exchange {
    state: Arc<ConnectionState>,
    answered: bool,
}

impl Exchange {
    fn answered(mut self) -> Self {
        self.answered = true;
        self
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.answered {
            self.state.cancel();
        }
        self.state.finish();
    }
}

/// What hyper is given for each request.
type Served<H> = Result<Response<AnswerBody<<H as Handler>::Body>>, Infallible>;

/// The service of one connection. `max_requests` of 0 sets no bound.
pub(crate) fn service<H: Handler>(
    handler: Rc<H>,
    origin: Origin,
    state: Arc<ConnectionState>,
    max_requests: u64,
) -> impl Service<
    Request<Incoming>,
    Response = Response<AnswerBody<H::Body>>,
    Error = Infallible,
    Future = impl Future<Output = Served<H>>,
> {
    service_fn(move |mut request: Request<Incoming>| {
        let handler = Rc::clone(&handler);
        // In HTTP/1.1 the guard has counted the exchange when it let the head through.
        if origin.http2 {
            state.begin();
        }
        // hyper sees an offer in any `Upgrade` field, also in one that `Connection` does not name.
        if !origin.http2 && !state.offers_upgrade.load(Relaxed) && !request.extensions().is_empty() {
            request.extensions_mut().remove::<OnUpgrade>();
        }
        let exchange = Exchange { state: Arc::clone(&state), answered: false };
        let number = state.count();
        let version = request.version();
        let client = client(origin, &state, number, version);
        async move {
            let mut response = handler.handle(request, client).await;
            exchange.state.answer(number);
            if !origin.http2 {
                let last = exchange.state.is_last(number, max_requests);
                settle(&mut response, version, last, &exchange.state);
            }
            Ok(response.map(|body| AnswerBody { body, exchange: exchange.answered() }))
        }
    })
}

/// What remains to be said and known of an HTTP/1.1 answer.
fn settle<B: Body>(response: &mut Response<B>, version: Version, last: bool, state: &ConnectionState) {
    let sized = version == Version::HTTP_11 || response.headers().contains_key(CONTENT_LENGTH);
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        if state.offers_upgrade.load(Relaxed) {
            state.switched.store(true, Relaxed);
        } else {
            // Nobody asked for another protocol (RFC 9110 §15.2.2), and a client that believed it would be talked past.
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response.headers_mut().remove(UPGRADE);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    } else if last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if response.headers().contains_key(CONNECTION) {
        state.has_spoken.store(true, Relaxed);
    }
    state.ends_by_close.store(!sized && response.body().size_hint().exact().is_none(), Relaxed);
}

fn client(origin: Origin, state: &Arc<ConnectionState>, number: u64, version: Version) -> ClientConnection {
    ClientConnection {
        peer: origin.peer,
        local: origin.local,
        secure: origin.secure,
        http2: origin.http2,
        informational: Informational {
            state: Arc::clone(state),
            exchange: number,
            possible: version == Version::HTTP_11,
        },
    }
}

pin_project! {
    /// The body of an answer; the exchange is over when it is dropped.
    pub(crate) struct AnswerBody<B> {
        #[pin]
        body: B,
        exchange: Exchange,
    }
}

impl<B: Body<Data = Bytes>> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = self.project().body.poll_frame(cx);
        stall::note(polled.is_ready());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
