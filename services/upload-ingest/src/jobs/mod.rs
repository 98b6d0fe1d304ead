//! Work in the background of the service. One pass of each is one function.
//!
//! | module | what a pass does |
//! |---|---|
//! | `sweep` | frees jobs whose worker is lost or whose pause is over, and wakes workers for them |
//! | `expiry` | ends uploads that nobody goes on with |
//! | `reconcile` | holds the object store against the database, and removes what nothing refers to (U-D12); `orphans`: how |
//! | `purge` | forgets what is past its time |

mod expiry;
mod meters;
mod orphans;
mod purge;
pub(crate) mod reconcile;
mod sweep;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use blob_store::BlobStore;
use event_bus::Shutdown;
use pg_pool::PgPool;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::task::JoinHandle;

use self::expiry::Expiry;
use self::meters::Meters;
use self::purge::Purge;
use self::reconcile::Reconciler;
use self::sweep::Sweep;
use crate::config::Config;
use crate::state::Context;
use crate::store::maintenance::Turn;

/// Between two passes of the sweep: what a retry waits longer than its pause, at most.
const SWEEP: Duration = Duration::from_secs(2);
/// Sweeps between two counts of all jobs.
const COUNT_EVERY: u32 = 5;
/// Between two looks for what waits although no message may speak of it.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// The reconciler rests so many times as long as its last pass took, so that a large store is not listed all the time.
const REST: u32 = 20;

/// Starts all of it; ends when the process is to stop.
pub(crate) fn spawn(
    config: &Config,
    pool: &PgPool,
    blobs: &BlobStore,
    context: &Context,
    metrics: &Metrics,
    stalls: &StallDetector,
    stopped: &Shutdown,
) -> JoinHandle<()> {
    let meters = Meters::new(metrics);
    let sweep = Sweep { pool: pool.clone(), context: context.clone(), meters: meters.clone() };
    let expiry = Expiry { pool: pool.clone(), blobs: blobs.clone(), now: context.now };
    let purge = Purge {
        pool: pool.clone(),
        now: context.now,
        idempotency_hours: config.api.idempotency_retention_hours,
    };
    let reconciler = Reconciler::new(config, pool, blobs, context.now);
    let pause = Duration::from_secs(config.ingest.maintenance_secs);
    let stopped = stopped.clone();
    tokio::spawn(stalls.job("upkeep", async move {
        tokio::join!(
            sweeping(sweep, stopped.clone()),
            upkeep(expiry, purge, pause, stopped.clone()),
            reconciling(reconciler, meters, pause, stopped),
        );
    }))
}

async fn sweeping(sweep: Sweep, mut stopped: Shutdown) {
    let mut passes = 0_u32;
    let mut looked = Instant::now();
    while rest(SWEEP, &mut stopped).await {
        log("sweep", sweep.pass().await);
        if passes.is_multiple_of(COUNT_EVERY) {
            log("count of jobs", sweep.count().await);
        }
        passes = passes.wrapping_add(1);
        if looked.elapsed() >= FORGOTTEN {
            looked = Instant::now();
            log("look for forgotten jobs", sweep.wake_forgotten(FORGOTTEN).await);
        }
    }
}

async fn upkeep(expiry: Expiry, purge: Purge, pause: Duration, mut stopped: Shutdown) {
    while rest(pause, &mut stopped).await {
        log("expiry", expiry.pass().await);
        log("purge", purge.pass().await);
    }
}

async fn reconciling(reconciler: Reconciler, meters: Meters, pause: Duration, mut stopped: Shutdown) {
    let mut took = Duration::ZERO;
    while rest(pause.max(took * REST), &mut stopped).await {
        let began = Instant::now();
        let pass = async {
            let Some(mut turn) = Turn::take(&reconciler.pool).await? else { return Ok(None) };
            reconciler.pass(&mut turn, false).await.map(Some)
        };
        let done = tokio::select! {
            // It may take long; what it has done stands.
            _ = stopped.wait_for(|stop| *stop) => return,
            done = Box::pin(pass) => done,
        };
        took = began.elapsed();
        if let Some(Some(report)) = log("reconciliation", done) {
            meters.reconciled(&report);
        }
    }
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
fn log<T>(what: &str, done: Result<T, impl std::error::Error + 'static>) -> Option<T> {
    done.inspect_err(|error| {
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, "{what} failed; the next turn tries again");
    })
    .ok()
}
