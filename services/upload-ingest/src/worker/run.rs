//! The work on one asset: claim, run, settle, until nothing of it can be done now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::Message as _;
use contracts::upload_ingest::v1::JobQueued;
use event_bus::{Delivery, HandlerError, Shutdown};
use pg_pool::PgError;
use tokio::sync::watch;
use tracing::Instrument as _;
use uuid::Uuid;

use super::error::StageError;
use super::lease::Keeper;
use super::meters::{Ended, Meters};
use super::scratch::Scratch;
use super::settle::{Settler, Yield};
use super::stages::{self, Task};
use super::workshop::{PutLog, Workshop};
use crate::domain::job::AfterFailure;
use crate::domain::processing::Cause;
use crate::store::jobs::{self, Claimant, Claimed};

/// How often a result is offered to a database that is away. Making it again would take longer.
const SETTLE_TRIES: u32 = 5;
/// Pause between two of them.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// A worker; shared by all jobs of the process.
pub(crate) struct Worker {
    /// Its name in the database, unlike any other's.
    pub(crate) name: String,
    /// What stages work with.
    pub(crate) workshop: Workshop,
    /// Where what is being made lies.
    pub(crate) scratch: Scratch,
    /// Ends attempts.
    pub(crate) settler: Settler,
    /// Keeps leases.
    pub(crate) keeper: Keeper,
    /// What is counted.
    pub(crate) meters: Meters,
    /// Turns true when the process is to stop.
    pub(crate) stopping: Shutdown,
    /// How long what runs then may still take.
    pub(crate) grace: Duration,
}

/// Handles one message: works on its asset.
///
/// # Errors
/// To be tried again when the database is away, never when it is no message of ours.
pub(crate) async fn handle(worker: Arc<Worker>, delivery: Delivery) -> Result<(), HandlerError> {
    let queued = JobQueued::decode(delivery.payload).map_err(HandlerError::reject)?;
    let asset_id = Uuid::try_parse(&queued.asset_id).map_err(HandlerError::reject)?;
    worker.work_on(asset_id).await.map_err(HandlerError::retry)
}

impl Worker {
    /// Works on an asset until nothing of it can be done now. What waits for its pause, and what another worker has, is for the
    /// sweep.
    ///
    /// # Errors
    /// When no job can be claimed because the database is away.
    pub(crate) async fn work_on(&self, asset_id: Uuid) -> Result<(), PgError> {
        loop {
            if *self.stopping.borrow() {
                return self.settler.hand_over(asset_id).await;
            }
            let Some(claimed) = self.claim(asset_id).await? else { return Ok(()) };
            let stage = claimed.kind.as_str();
            let span = tracing::info_span!(
                "stage",
                otel.name = format!("stage {stage}"),
                stage,
                asset = %asset_id,
                correlation_id = %claimed.correlation_id,
                attempt = claimed.attempt,
                outcome = tracing::field::Empty,
            );
            let ended = Box::pin(self.attempt(&claimed)).instrument(span).await;
            self.keeper.note(asset_id).await;
            match ended {
                Ended::Done => {}
                // What is left waits, or is not ours.
                _ => return Ok(()),
            }
        }
    }

    async fn claim(&self, asset_id: Uuid) -> Result<Option<Claimed>, PgError> {
        let mut conn = self.settler.pool.write().await?;
        let (now, lease_until) = self.keeper.terms();
        let claimant = Claimant { worker: &self.name, now, lease_until };
        let claimed = jobs::claim_next(&mut conn, asset_id, claimant).await?;
        if claimed.as_ref().is_some_and(|claimed| claimed.was_lost) {
            tracing::warn!(asset = %asset_id, "the worker before gave no sign of life any more");
        }
        Ok(claimed)
    }

    /// Runs a claimed job to its end, whatever that is.
    async fn attempt(&self, claimed: &Claimed) -> Ended {
        let _running = self.meters.begin();
        let began = Instant::now();
        let (progress, told) = watch::channel(0.0);
        let log = PutLog::default();
        self.keeper.note(claimed.lease.asset_id).await;
        // Whatever ends first drops the others: work that is dropped kills ffmpeg and removes its folder.
        let made = tokio::select! {
            biased;
            made = self.run_stage(claimed, &log, progress) => Ok(made),
            () = self.keeper.keep(claimed.lease, told) => Err(Ended::Fenced),
            () = self.out_of_time() => Err(self.give_back(claimed).await),
        };
        // Without the keeper: a sign of life that finds the job done, before its end has been confirmed to us, is no fence.
        let ended = match made {
            Ok(made) => self.settle_at_last(claimed, made.map_err(|error| report(&error))).await,
            Err(ended) => ended,
        };
        if ended == Ended::Fenced {
            self.discard(claimed, &log).await;
        }
        let took = began.elapsed();
        self.meters.ended(claimed.kind, ended, took);
        tracing::Span::current().record("outcome", ended.as_str());
        tracing::info!(
            stage = claimed.kind.as_str(),
            outcome = ended.as_str(),
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            asset = %claimed.lease.asset_id,
            correlation_id = %claimed.correlation_id,
            attempt = claimed.attempt,
            "stage ended"
        );
        ended
    }

    async fn discard(&self, claimed: &Claimed, log: &PutLog) {
        if let Err(error) = self.settler.discard(claimed.lease.asset_id, &log.keys()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what counts for nothing is left to the reconciler");
        }
    }

    /// Settles, and tries again while the database is away; the epoch says whether it still counts.
    async fn settle_at_last(&self, claimed: &Claimed, yielded: Result<Yield, Cause>) -> Ended {
        for _ in 1..SETTLE_TRIES {
            match self.settle(claimed, &yielded).await {
                Ok(ended) => return ended,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the result is not taken yet");
                    tokio::time::sleep(SETTLE_PAUSE).await;
                }
            }
        }
        self.settle(claimed, &yielded).await.unwrap_or_else(|error| {
            // The lease runs out, the sweep finds the job, and another attempt is made.
            tracing::error!(error = &error as &dyn std::error::Error, "the result was not taken");
            Ended::Unsettled
        })
    }

    async fn run_stage(
        &self,
        claimed: &Claimed,
        log: &PutLog,
        progress: watch::Sender<f32>,
    ) -> Result<Yield, StageError> {
        let folder = self.scratch.folder()?;
        let (asset_id, media) = (claimed.lease.asset_id, claimed.media);
        let task = Task { asset_id, media, scratch: folder.path(), log, progress };
        Box::pin(stages::run(&self.workshop, claimed.kind, task)).await
    }

    async fn settle(&self, claimed: &Claimed, yielded: &Result<Yield, Cause>) -> Result<Ended, PgError> {
        Ok(match yielded {
            Ok(made) if self.settler.complete(claimed, made).await? => Ended::Done,
            Ok(_) => Ended::Fenced,
            Err(cause) => match self.settler.fail(claimed, cause).await? {
                Some(AfterFailure::Retry) => Ended::Retry,
                Some(AfterFailure::Dead) => Ended::Dead,
                None => Ended::Fenced,
            },
        })
    }

    /// Ends when the process is to stop and what runs has had its time.
    async fn out_of_time(&self) {
        let mut stopping = self.stopping.clone();
        // A sender that is gone means the same as one that says so.
        let _ = stopping.wait_for(|stop| *stop).await;
        tokio::time::sleep(self.grace).await;
    }

    async fn give_back(&self, claimed: &Claimed) -> Ended {
        match self.settler.give_back(claimed).await {
            Ok(true) => Ended::Returned,
            Ok(false) => Ended::Fenced,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a job was not given back");
                Ended::Unsettled
            }
        }
    }
}

/// Logs what only operators may know, and returns what its owner is told.
fn report(error: &StageError) -> Cause {
    let cause = error.cause();
    let detail = error.detail();
    let error = error as &dyn std::error::Error;
    if cause.is_final {
        tracing::info!(error, detail, code = cause.code, "the file cannot be processed");
    } else {
        tracing::warn!(error, detail, code = cause.code, "a stage failed");
    }
    cause
}
