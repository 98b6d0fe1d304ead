//! `GET /v1/assets/{id}/events`: the timeline as server-sent events, `timeline` for each change and `end` after the last.
//!
//! Nothing is replayed: every event holds the whole timeline, so that whoever comes back with any `Last-Event-ID` goes on
//! with what is true now. Only one who has heard the end, and comes back while it still is the end, is answered 204, which
//! keeps `EventSource` from coming again.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use service_error::ServiceError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::changes::timeline_changes;
use super::{Admitted, taken, told};
use crate::domain::asset::Status;
use crate::domain::timeline::Timeline;
use crate::state::AppState;
use crate::store::assets::AssetRow;

/// After so long without news a comment shows that the line is alive.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After so long a listener has to come again.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// When a listener whose line broke comes again, in milliseconds.
const RETRY_MS: u32 = 2000;

type Changes = Pin<Box<dyn Stream<Item = Result<Timeline, ServiceError>>>>;

struct Listener {
    state: AppState,
    changes: Changes,
    until: Instant,
    /// Of the last timeline, once it is to be followed by the end.
    last_version: Option<i64>,
    sent: u64,
    gives_links: bool,
}

/// Streams until nothing more will happen by itself.
pub(super) async fn get_events(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let Admitted { asset, gives_links } =
        super::admitted(&state, &request, |id| format!("/v1/assets/{id}/events")).await?;
    if has_heard_the_end(&request, &asset)? {
        return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish());
    }
    let listener = Listener {
        state: state.get_ref().clone(),
        changes: Box::pin(timeline_changes(state.get_ref().clone(), asset.id)),
        until: Instant::now() + LONGEST,
        last_version: None,
        sent: 0,
        gives_links,
    };
    let place = state.listeners.enter(&asset.owner)?;
    let (said, heard) = channel(1);
    let telling = async move {
        tell(listener.events(), said).await;
        drop(place);
    };
    actix_web::rt::spawn(telling.in_current_span());
    let body = stream::unfold(heard, |mut heard| async {
        let event = heard.recv().await?;
        Some((Ok::<_, Infallible>(event), heard))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that gathers an answer before it passes it on would keep the news.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body))
}

/// Says one event after the other, until there is none or nobody takes it. A body is asked for no more than the client reads,
/// and what it waits for stands still meanwhile; so events are made here and not there.
async fn tell(events: impl Stream<Item = Bytes>, said: Sender<Bytes>) {
    let mut events = std::pin::pin!(events);
    loop {
        let event = tokio::select! {
            () = said.closed() => return,
            event = events.next() => event,
        };
        let Some(event) = event else { return };
        if !taken(said.send(event)).await {
            return;
        }
    }
}

/// Whether the client has heard the end of this very version, and it still is one.
fn has_heard_the_end(request: &HttpRequest, asset: &AssetRow) -> Result<bool, ServiceError> {
    let heard = request.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok());
    let is_end = asset.status()? != Status::Processing;
    Ok(is_end && heard == Some(&*end_id(asset.version)))
}

fn end_id(version: i64) -> String {
    format!("{version}.end")
}

impl Listener {
    fn events(self) -> impl Stream<Item = Bytes> {
        let opening = stream::once(async { Bytes::from(format!("retry: {RETRY_MS}\n\n")) });
        opening.chain(stream::unfold(Some(self), |listener| async {
            let mut listener = listener?;
            let (event, is_last) = listener.next().await?;
            Some((event, (!is_last).then_some(listener)))
        }))
    }

    /// The next event, and whether it is the last. `None` where the stream breaks off: the client comes again.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        if let Some(version) = self.last_version {
            return Some((event(&end_id(version), "end", "{}"), true));
        }
        if Instant::now() >= self.until {
            return None;
        }
        let Ok(change) = timeout(KEEP_ALIVE, self.changes.next()).await else {
            return Some((Bytes::from_static(b": nothing new\n\n"), false));
        };
        let timeline =
            change?.inspect_err(|error| tracing::debug!(%error, "a listener is sent away")).ok()?;
        let data = told(&self.state, &timeline, self.gives_links)?;
        self.sent += 1;
        self.last_version = timeline.is_final().then_some(timeline.version);
        Some((event(&format!("{}.{}", timeline.version, self.sent), "timeline", &data), false))
    }
}

/// An event. JSON holds no line breaks of its own.
fn event(id: &str, name: &str, data: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nevent: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_loses_its_place() {
        let (said, mut heard) = channel(1);
        let began = Instant::now();
        tell(stream::repeat(Bytes::from_static(b"news")), said).await;
        assert_eq!(began.elapsed(), super::super::UNREAD);
        assert!(heard.recv().await.is_some() && heard.recv().await.is_none(), "the line breaks off");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_loses_its_place_although_there_is_no_news() {
        let (said, heard) = channel(1);
        drop(heard);
        tell(stream::pending(), said).await;
    }
}
