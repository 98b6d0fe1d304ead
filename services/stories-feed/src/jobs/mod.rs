//! Work in the background of the service. One pass of each is one function; nothing that anybody is shown depends on any of them.
//!
//! | module | what a pass does |
//! |---|---|
//! | `archive` | gives expired stories back to their authors alone, in name: they are shown to nobody else as it is (S-D1, S-C1) |
//! | `purge` | forgets what is past its time |

mod archive;
mod meters;
mod purge;

use std::time::Duration;

use event_bus::Shutdown;
use service_error::ServiceError;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::task::JoinHandle;

use self::meters::Meters;
use crate::state::AppState;

/// Passes of archiving between two of purging, which looks at more and finds less.
const PURGE_EVERY: u32 = 10;

/// Starts all of it; ends when the process is to stop.
pub(crate) fn spawn(
    state: &AppState,
    metrics: &Metrics,
    stalls: &StallDetector,
    stopped: &Shutdown,
) -> JoinHandle<()> {
    let (state, meters, mut stopped) = (state.clone(), Meters::new(metrics), stopped.clone());
    let pause = Duration::from_secs(state.config.jobs.interval_secs);
    tokio::spawn(stalls.job("passes", async move {
        let mut passes = 0_u32;
        while rest(pause, &mut stopped).await {
            log("archiving", archive::pass(&state).await);
            if passes.is_multiple_of(PURGE_EVERY) {
                log("purging", purge::pass(&state).await);
            }
            passes = passes.wrapping_add(1);
            if let Some(backlog) = log("counting", meters::look(&state).await) {
                meters.show(&backlog);
            }
        }
    }))
}

/// Waits; false when the process is to stop.
async fn rest(pause: Duration, stopped: &mut Shutdown) -> bool {
    tokio::select! {
        // A sender that is gone means the same as one that says so.
        _ = stopped.wait_for(|stop| *stop) => false,
        () = tokio::time::sleep(pause) => true,
    }
}

/// A pass that fails is tried again at its next turn.
fn log<T>(what: &str, done: Result<T, ServiceError>) -> Option<T> {
    done.inspect_err(|error| {
        tracing::warn!(cause = error.explain(), "{what} failed; the next turn tries again");
    })
    .ok()
}
