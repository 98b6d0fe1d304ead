//! The one source of both: the timeline at first and whenever it changes, at most twice a second, until nothing more will
//! happen by itself.
//!
//! A note says only that it is worth to look; what is told is what the database has. Without NATS it is looked at every two
//! seconds, so nothing but time is lost with a note.

use std::time::Duration;

use broadcast::Subscription;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use problem::{Problem, registry};
use service_error::ServiceError;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::api::assets::timeline;
use crate::domain::timeline::Timeline;
use crate::events;
use crate::state::AppState;
use crate::store::assets;

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(10);
/// Between two looks at least.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks while NATS is away.
const WITHOUT_NOTES: Duration = Duration::from_secs(2);
/// Between two looks while nothing is heard: a note may have been lost.
const ANYWAY: Duration = Duration::from_secs(5);

struct Watch {
    state: AppState,
    asset_id: Uuid,
    notes: Option<Subscription>,
    shown: Option<Timeline>,
    looked: Instant,
}

/// The timelines of an asset, each with news; the last one [is final](Timeline::is_final). Ends without it when the asset's
/// row is gone.
pub(super) fn timeline_changes(
    state: AppState,
    asset_id: Uuid,
) -> impl Stream<Item = Result<Timeline, ServiceError>> {
    let watch = Watch { state, asset_id, notes: None, shown: None, looked: Instant::now() };
    stream::try_unfold(watch, async |mut watch| Ok(watch.next().await?.map(|timeline| (timeline, watch))))
}

impl Watch {
    async fn next(&mut self) -> Result<Option<Timeline>, ServiceError> {
        if self.shown.as_ref().is_some_and(Timeline::is_final) {
            return Ok(None);
        }
        loop {
            if self.shown.is_some() {
                self.wait().await;
            } else {
                // Before the first look, so that no change falls between the two.
                self.notes = self.subscribe().await;
            }
            let Some(timeline) = self.look().await? else { return Ok(None) };
            if self.shown.as_ref().is_some_and(|shown| shown.says_the_same_as(&timeline)) {
                continue;
            }
            self.shown = Some(timeline.clone());
            return Ok(Some(timeline));
        }
    }

    async fn subscribe(&self) -> Option<Subscription> {
        let subscribed = self.state.broadcast.subscribe(&events::progress_subject(self.asset_id)).await;
        subscribed
            .inspect_err(|error| {
                tracing::debug!(
                    error = error as &dyn std::error::Error,
                    "progress is looked for instead of heard"
                );
            })
            .ok()
    }

    async fn wait(&mut self) {
        sleep_until(self.looked + PAUSE).await;
        match &mut self.notes {
            Some(notes) if self.state.broadcast.is_connected() => {
                // Late is as good as never: either way it is time to look.
                let heard = timeout(ANYWAY, notes.next()).await;
                // One look answers all that was said until now.
                while let Some(Some(_)) = notes.next().now_or_never() {}
                if heard == Ok(None) {
                    self.notes = None;
                }
            }
            _ => sleep(WITHOUT_NOTES.saturating_sub(PAUSE)).await,
        }
    }

    /// In a task of its own, which comes to its end although nobody asks for the result meanwhile: whoever waits for a client
    /// must not keep a connection.
    async fn look(&mut self) -> Result<Option<Timeline>, ServiceError> {
        self.looked = Instant::now();
        let looking = timeout(LOOK, look(self.state.clone(), self.asset_id)).in_current_span();
        match tokio::spawn(looking).await {
            Ok(Ok(found)) => found,
            Ok(Err(late)) => Err(Problem::new(&registry::UNAVAILABLE).cause(late).into()),
            Err(lost) => Err(Problem::new(&registry::INTERNAL).cause(lost).into()),
        }
    }
}

async fn look(state: AppState, asset_id: Uuid) -> Result<Option<Timeline>, ServiceError> {
    let mut conn = state.pool.read().await?;
    let Some(asset) = assets::find_even_deleted(&mut conn, asset_id).await? else { return Ok(None) };
    timeline::load(&mut conn, &asset, (state.context.now)()).await.map(Some)
}
