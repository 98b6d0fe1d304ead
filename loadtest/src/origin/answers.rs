//! What the origin answers, path by path.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::time::sleep;

use super::handle::DRIP;
use super::wire::Spoiler;
use super::{Mode, State, kept};

/// Size of a good answer to `/work/ID`.
const ANSWER: Bytes = Bytes::from_static(&[b'.'; 2048]);
/// Piece of a large body.
const PIECE: Bytes = Bytes::from_static(&[b'.'; 64 * 1024]);
/// Pieces of a slow body.
const DRIPS: u32 = 15;

type Body = BoxBody<Bytes, io::Error>;

/// An error closes the connection without an answer.
pub(super) async fn answer(
    state: &State,
    spoiler: &Spoiler,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let mut segments = path.rsplit('/');
    let number = segments.next().and_then(|last| last.parse::<u64>().ok());
    match (segments.next(), number) {
        // Whatever stands before: routes of the gateway may add segments.
        (Some("work"), Some(id)) => work(state, spoiler, request, id).await,
        (Some("drip"), Some(id)) => {
            state.recorder.begun(id)?;
            Ok(with_id(Response::new(drip()), id))
        }
        (Some("bytes"), Some(size)) => Ok(download(size)),
        (Some(how @ ("kept" | "pass")), Some(size)) => {
            let found = kept::answer(&state.asked, &request, size, how == "kept");
            Ok(found.map_or_else(not_found, boxed))
        }
        _ if path == "/asked" => Ok(boxed(state.asked.answer())),
        _ if path.ends_with("/sink") => swallow(request).await,
        _ if path == "/health" => Ok(Response::new(whole(Bytes::from_static(b"ok")))),
        _ => Ok(not_found()),
    }
}

async fn work(
    state: &State,
    spoiler: &Spoiler,
    request: Request<Incoming>,
    id: u64,
) -> io::Result<Response<Body>> {
    state.recorder.begun(id)?;
    if request.method() == Method::POST {
        // An effect needs the whole body; half of a request does nothing.
        request.into_body().collect().await.map_err(io::Error::other)?;
        state.recorder.done(id)?;
    }
    match state.mode() {
        Mode::Normal => {
            if !state.delay.is_zero() {
                sleep(state.delay).await;
            }
        }
        Mode::Slow => sleep(state.slow).await,
        Mode::Garbage => {
            spoiler.spoil();
            let mut response = Response::new(whole(Bytes::new()));
            response.headers_mut().insert("connection", http::HeaderValue::from_static("close"));
            return Ok(response);
        }
        Mode::Cut => {
            let mut response = with_id(Response::new(cut_short()), id);
            response.headers_mut().insert("content-length", ANSWER.len().into());
            return Ok(response);
        }
        Mode::Silent => return Err(io::Error::other("no answer in this mode")),
    }
    Ok(with_id(Response::new(whole(ANSWER)), id))
}

fn with_id(mut response: Response<Body>, id: u64) -> Response<Body> {
    response.headers_mut().insert("x-id", id.into());
    response
}

fn not_found() -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn boxed(response: Response<Full<Bytes>>) -> Response<Body> {
    response.map(|body| body.map_err(|never| match never {}).boxed())
}

/// A beginning, a moment for it to get through, and the end of the connection.
fn cut_short() -> Body {
    let pieces = stream::unfold(0_u8, |step| async move {
        match step {
            0 => Some((Ok(Frame::data(ANSWER.slice(..100))), 1)),
            _ => {
                sleep(Duration::from_millis(5)).await;
                Some((Err(io::Error::other("cut short in this mode")), 2))
            }
        }
    });
    BodyExt::boxed(StreamBody::new(pieces))
}

fn drip() -> Body {
    let pieces = stream::unfold(0, |sent| async move {
        if sent == DRIPS {
            return None;
        }
        sleep(DRIP / DRIPS).await;
        Some((Ok(Frame::data(Bytes::from_static(b"drip"))), sent + 1))
    });
    BodyExt::boxed(StreamBody::new(pieces))
}

fn download(size: u64) -> Response<Body> {
    let pieces = stream::unfold(size, |left| async move {
        let next = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE.len());
        (next > 0).then(|| (Ok(Frame::data(PIECE.slice(..next))), left - next as u64))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(pieces)));
    response.headers_mut().insert("content-length", size.into());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/octet-stream"));
    response
}

async fn swallow(request: Request<Incoming>) -> io::Result<Response<Body>> {
    let mut body = request.into_body();
    let mut size = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        size += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(Response::new(whole(Bytes::from(size.to_string()))))
}
