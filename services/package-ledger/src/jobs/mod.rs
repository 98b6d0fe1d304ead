//! Work in the background of the service. One pass of each is one function.
//!
//! | module | what a pass does |
//! |---|---|
//! | `deadlines` | fires what is due, each once and in order (P-D9) |
//! | `dispatch` | sends messages, as `letter` writes them |
//! | `notify` | notifies packages of which word has reached their customers |
//! | `expiry` | lets announcements expire whose parcel has not come |
//! | `purge` | forgets what counts no more |
//!
//! All of it may run in several replicas at once. Messages are sent beside everything else: a carrier that takes its time holds up no
//! deadline.

mod deadlines;
mod dispatch;
mod expiry;
mod letter;
mod meters;
mod notify;
mod purge;

use std::time::Duration;

use event_bus::Shutdown;
use service_error::ServiceError;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::task::JoinHandle;

use self::meters::Meters;
use crate::messages::Senders;
use crate::state::AppState;

/// Passes between two of what looks at more and finds less.
const SELDOM: u32 = 60;

/// Starts all of it; ends when the process is to stop.
///
/// # Errors
/// Where the settings do not fit together.
pub(crate) fn spawn(
    state: &AppState,
    metrics: &Metrics,
    stalls: &StallDetector,
    stopped: &Shutdown,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let senders = Senders::new(&state.config.messages)?;
    let meters = Meters::new(metrics);
    Ok(vec![
        tokio::spawn(stalls.job("clockwork", clockwork(state.clone(), meters.clone(), stopped.clone()))),
        tokio::spawn(stalls.job("post", post(state.clone(), senders, meters, stopped.clone()))),
    ])
}

/// Everything that happens with time alone.
async fn clockwork(state: AppState, meters: Meters, mut stopped: Shutdown) {
    let mut passes = 0_u32;
    while rest(&state, &mut stopped).await {
        let fired = deadlines::pass(&state, &meters, &stopped).await;
        log(&meters, "deadlines", fired);
        let expired = expiry::pass(&state, &meters, &stopped).await;
        log(&meters, "expiry", expired);
        if passes.is_multiple_of(SELDOM) {
            log(&meters, "purge", purge::pass(&state).await);
            log(&meters, "notify", notify::pass(&state, &stopped).await);
        }
        passes = passes.wrapping_add(1);
        if let Some(backlog) = log(&meters, "backlog", meters::look(&state).await) {
            meters.show(&backlog);
        }
    }
}

/// Messages.
async fn post(state: AppState, senders: Senders, meters: Meters, mut stopped: Shutdown) {
    while rest(&state, &mut stopped).await {
        let sent = dispatch::pass(&state, &senders, &meters, &stopped).await;
        log(&meters, "dispatch", sent);
    }
}

/// Waits; false when the process is to stop.
async fn rest(state: &AppState, stopped: &mut Shutdown) -> bool {
    let pause = Duration::from_millis(state.config.jobs.interval_ms);
    tokio::select! {
        // A sender that is gone means the same as one that says so.
        _ = stopped.wait_for(|stop| *stop) => false,
        () = tokio::time::sleep(pause) => true,
    }
}

/// A pass that fails is tried again at its next turn.
fn log<T>(meters: &Meters, job: &'static str, done: Result<T, ServiceError>) -> Option<T> {
    done.inspect_err(|error| {
        meters.failed(job);
        tracing::warn!(job, cause = error.explain(), "a pass failed; the next turn tries again");
    })
    .ok()
}
