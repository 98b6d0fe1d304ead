//! Bytes for an upload that may be interrupted: claimed under an epoch, received, made durable on the way, and ended as the
//! protocol says (U-D1, U-D3, U-D5).

use std::time::{Duration, Instant};

use blob_store::{PartialState, PartialWriter};
use content_inspect::Checkpoint;
use problem::Problem;
use serde_json::Value as Json;
use service_error::{ServiceError, not_found};
use upload_protocol::{Checksum, Dialect, End, Ending, Gone, Plan, Refusal};
use uuid::Uuid;

use super::body::{Body, BodyEnd};
use super::finish::{internal, is_lost, record_part, stored};
use super::intake::{Intake, Taken, Watch};
use super::metrics::{Ended, Spoken};
use super::writers::{Turn, taken_over};
use super::{Finished, Ingest, Inner, digests};
use crate::domain::upload::UploadState;
use crate::error::{Judged as _, storage_failed};
use crate::store::to_db;
use crate::store::uploads::{self, Claim, Progress, Terms, UploadRow};

/// One request that brings bytes.
pub(crate) struct Append {
    /// The upload.
    pub(crate) id: Uuid,
    /// Who asks.
    pub(crate) owner: String,
    /// The protocol of the request.
    pub(crate) dialect: Dialect,
    /// Digests of this request's bytes that the client announced.
    pub(crate) checksums: Vec<Checksum>,
    /// What the protocol allows, given how the upload stands.
    pub(crate) plan: Decide,
}

/// Decides what the protocol allows, given how an upload stands.
pub(crate) type Decide = Box<dyn Fn(&UploadRow) -> Result<Plan, ServiceError> + Send + Sync>;

/// How an upload stands after a request.
pub(crate) struct Appended {
    /// Whether all of it is there.
    complete: bool,
}

/// An upload that this request writes to.
struct Held {
    row: UploadRow,
    claim: Claim,
    plan: Plan,
    turn: Turn,
}

impl Ingest {
    /// Receives bytes for an upload. To be run in a task of its own, so that what arrives is kept when the client leaves.
    ///
    /// # Errors
    /// For an upload that is not there or not the owner's, what the protocol refuses, a body that ends early (what arrived is
    /// kept), content that is not taken (the upload is rejected), another writer, and of store and database.
    pub(crate) async fn append(&self, append: Append, body: &mut Body) -> Result<Appended, ServiceError> {
        let inner = &*self.0;
        let began = Instant::now();
        let appended = inner.append(&append, body).await;
        let dialect = name(append.dialect);
        let outcome = match &appended {
            Ok(appended) if appended.complete => "linked",
            Ok(_) => "paused",
            Err(error) => error.code(),
        };
        inner.meters.ended.get_or_create(&Ended { dialect, outcome }).inc();
        if appended.is_ok() {
            let spoken = Spoken { dialect };
            inner.meters.duration.get_or_create(&spoken).observe(began.elapsed().as_secs_f64());
            inner.meters.waiting.get_or_create(&spoken).observe(body.last().elapsed().as_secs_f64());
        }
        appended
    }

    /// Asks who writes to the upload in this process to stop, and waits until what it has is durable (U-B1), or for as long as
    /// that may take.
    pub(crate) async fn release(&self, id: Uuid) {
        self.0.writers.release(id).await;
    }
}

impl Inner {
    async fn append(&self, append: &Append, body: &mut Body) -> Result<Appended, ServiceError> {
        let held = self.hold(append).await?;
        let (wanted, drained) = (held.turn.wanted(), self.drained());
        body.until(async move {
            tokio::select! {
                () = wanted => BodyEnd::TakenOver,
                () = drained => BodyEnd::Draining,
            }
        });
        body.limit_to(held.plan.at_most);
        match self.take_in(append, &held, body).await {
            Ok(appended) => Ok(appended),
            Err(error) => Err(self.give_up(append, &held, error).await),
        }
    }

    async fn take_in(&self, append: &Append, held: &Held, body: &mut Body) -> Result<Appended, ServiceError> {
        let (writer, watch) = self.open(&held.row).await?;
        let verifiers = digests::verifiers(&append.checksums);
        let mut intake = Intake::new(self, writer, watch, verifiers, true);
        let end = self.receive(held, &mut intake, body, append.checksums.is_empty()).await?;
        self.settle(append, held, intake, end).await
    }

    /// Becomes the upload's writer. It is looked at first, so that a request that is refused does not disturb who writes.
    async fn hold(&self, append: &Append) -> Result<Held, ServiceError> {
        let turn = self.writers.enter(append.id).await?;
        let mut conn = self.pool.write().await?;
        let row = uploads::find(&mut conn, append.id).await?;
        let row = row.filter(|row| row.owner == append.owner).ok_or_else(not_found)?;
        let plan = (append.plan)(&row)?;
        let now = (self.context.now)();
        let lease_until = now + self.config.lease();
        let terms = Terms { now, lease_until, expires_at: now + self.config.expiry() };
        let claimed = uploads::claim(&mut conn, append.id, to_db(plan.offset), &self.holder, terms).await?;
        // Brought forward or ended between the two statements: the protocol says how to answer that.
        let Some(row) = claimed else {
            let row = uploads::find(&mut conn, append.id).await?.ok_or_else(not_found)?;
            return Err((append.plan)(&row).err().unwrap_or_else(taken_over));
        };
        let claim = Claim { id: row.id, epoch: row.epoch };
        if let (Some(declared), None) = (plan.declared, row.declared_bytes)
            && !uploads::declare(&mut conn, claim, to_db(declared)).await?
        {
            return Err(taken_over());
        }
        Ok(Held { row, claim, plan, turn })
    }

    async fn open(&self, row: &UploadRow) -> Result<(PartialWriter, Watch), ServiceError> {
        let state = row.storage.as_ref().map(|json| stored(Some(json))).transpose()?;
        let watch = if row.concat.is_some() {
            Watch::Nothing
        } else {
            Watch::Content(Box::new(self.inspector(row, state.as_ref()).await?))
        };
        let opened = match &state {
            None => self.blobs.begin(row.id, row.epoch).await,
            Some(state) => self.blobs.resume(row.id, row.epoch, state).await,
        };
        match opened {
            Ok(writer) => Ok((writer, watch)),
            // Another writer may have ended it meanwhile, and taken the bytes from under this one.
            Err(error) if is_lost(&error) && self.is_fenced(Claim { id: row.id, epoch: row.epoch }).await => {
                tracing::debug!(%error, "an upload was taken over before its first byte");
                Err(taken_over())
            }
            Err(error) if is_lost(&error) => {
                tracing::error!(upload = %row.id, error = &error as &dyn std::error::Error, "acknowledged bytes are lost");
                Err(Refusal::Gone(Gone::Invalid).problem(None).cause(error).into())
            }
            Err(error) => Err(storage_failed(error)),
        }
    }

    /// Takes the body in, and on the way makes durable what has come, unless the request's digest has to agree first.
    async fn receive(
        &self,
        held: &Held,
        intake: &mut Intake,
        body: &mut Body,
        checkpoints: bool,
    ) -> Result<BodyEnd, ServiceError> {
        let pause = Duration::from_millis(self.config.checkpoint_ms);
        let (mut last, mut safe) = (Instant::now(), intake.offset());
        loop {
            let end = intake.take(body).await?;
            if let Some(found) = intake.content_type() {
                self.check_size(held, intake.offset(), self.limit(Some(found.kind().into())))?;
            }
            if let Some(end) = end {
                return Ok(end);
            }
            let due = intake.offset() - safe >= self.config.checkpoint_bytes || last.elapsed() >= pause;
            if checkpoints && due && intake.offset() > safe {
                if let Some((state, mark)) = intake.sync().await? {
                    let lease_until = (self.context.now)() + self.config.lease();
                    self.note(held.claim, &state, mark, UploadState::Receiving, lease_until).await?;
                    safe = state.offset();
                }
                last = Instant::now();
            }
        }
    }

    fn check_size(&self, held: &Held, offset: u64, limit: u64) -> Result<(), ServiceError> {
        let declared = held.plan.declared.unwrap_or_default();
        if offset.max(declared) > limit {
            return Err(Problem::new(&problem::registry::PAYLOAD_TOO_LARGE)
                .detail(format!("at most {limit} bytes are taken of this type"))
                .into());
        }
        Ok(())
    }

    /// What has become of the upload when the body has ended.
    async fn settle(
        &self,
        append: &Append,
        held: &Held,
        intake: Intake,
        end: BodyEnd,
    ) -> Result<Appended, ServiceError> {
        let received = match end {
            // The piece that went over was not taken.
            BodyEnd::TooLarge => held.plan.at_most.saturating_add(1),
            _ => intake.offset().saturating_sub(held.plan.offset),
        };
        let ending = match end {
            BodyEnd::Whole | BodyEnd::TooLarge => Ending::Whole,
            _ => Ending::Cut,
        };
        let settled = held.plan.settle(received, ending);
        let (Taken { writer, watch, verifiers }, timings) = intake.end().await?;
        if !append.checksums.is_empty()
            && (ending == Ending::Cut || digests::verify(verifiers, &append.checksums).is_err())
        {
            // Unverified bytes are not kept: the upload stands where it stood.
            drop(writer);
            self.pause(held).await?;
            let mismatch = || Refusal::Checksum.problem(Some(append.dialect)).into();
            return Err(end.problem().unwrap_or_else(mismatch));
        }
        let began = Instant::now();
        let mark = match &watch {
            Watch::Content(inspector) => Some(inspector.checkpoint()),
            Watch::Nothing => None,
        };
        let state = writer.close().await.map_err(storage_failed)?;
        if settled.end == End::Complete && state.offset() != settled.offset {
            return Err(internal("an upload is not as long as it was taken to be"));
        }
        record_part("write", timings.write);
        record_part("sync", timings.sync + began.elapsed());
        let refused = |refusal: Refusal| ServiceError::from(refusal.problem(Some(append.dialect)));
        let next = if settled.end == End::Complete { UploadState::Received } else { UploadState::Paused };
        let now = (self.context.now)();
        // Whoever completes it still has work to do; whoever pauses it is done.
        let lease_until = if next == UploadState::Received { now + self.config.lease() } else { now };
        if next == UploadState::Received
            && let (Some(declared), None) = (settled.declared, held.plan.declared)
        {
            let mut conn = self.pool.write().await?;
            if !uploads::declare(&mut conn, held.claim, to_db(declared)).await? {
                return Err(taken_over());
            }
        }
        self.note(held.claim, &state, mark, next, lease_until).await?;
        match settled.end {
            End::Open => match end.problem() {
                Some(problem) => Err(problem),
                None => Ok(Appended { complete: false }),
            },
            End::Refused(refusal) => Err(refused(refusal)),
            End::Invalid(refusal) => {
                let error = refused(refusal);
                self.reject(held.claim, &error).await?;
                Err(error)
            }
            End::Complete => self.complete(held).await,
        }
    }

    async fn complete(&self, held: &Held) -> Result<Appended, ServiceError> {
        if held.row.concat.is_some() {
            return Ok(Appended { complete: true });
        }
        let row = {
            let mut conn = self.pool.read().await?;
            uploads::find(&mut conn, held.row.id).await?.ok_or_else(not_found)?
        };
        if row.epoch != held.claim.epoch {
            return Err(taken_over());
        }
        match self.finish_row(&row).await {
            Ok(Finished::New(_)) => Ok(Appended { complete: true }),
            Ok(Finished::Replayed(_)) => Err(internal("an upload without an idempotency key was replayed")),
            // Whoever fenced this one off may have finished it: then it is what the client wanted.
            Err(error) if self.is_linked(held.claim.id).await => {
                tracing::debug!(cause = error.explain(), "an upload was finished by another");
                Ok(Appended { complete: true })
            }
            Err(error) => Err(error),
        }
    }

    /// Notes how far the upload has come.
    async fn note(
        &self,
        claim: Claim,
        state: &PartialState,
        mark: Option<Checkpoint>,
        next: UploadState,
        lease_until: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), ServiceError> {
        let now = (self.context.now)();
        let progress = Progress {
            durable_bytes: to_db(state.offset()),
            inspection: json(&mark)?,
            storage: json(state)?,
        };
        let terms = Terms { now, lease_until, expires_at: now + self.config.expiry() };
        let mut conn = self.pool.write().await?;
        if uploads::checkpoint(&mut conn, claim, &progress, next, terms).await? {
            Ok(())
        } else {
            Err(taken_over())
        }
    }

    /// Leaves the upload as it stood before this request.
    async fn pause(&self, held: &Held) -> Result<(), ServiceError> {
        let now = (self.context.now)();
        let mut conn = self.pool.write().await?;
        uploads::pause(&mut conn, held.claim, now).await?;
        Ok(())
    }

    /// What a failed request leaves of the upload: nothing, when the same bytes would be refused again.
    async fn give_up(&self, append: &Append, held: &Held, error: ServiceError) -> ServiceError {
        // What looks like a fault of ours may be that another writer has gone on, or has finished, and taken the bytes from under
        // this one.
        if error.is_internal() && self.is_fenced(held.claim).await {
            return taken_over();
        }
        let undone = if error.is_content() && !append.checksums.is_empty() {
            // What was refused was not verified either: it may have been damaged on its way, and is sent again.
            self.pause(held).await
        } else if error.is_final() {
            self.reject(held.claim, &error).await
        } else if error.is_full() {
            self.free_unsafe_bytes(held.claim).await
        } else {
            self.pause(held).await
        };
        match undone {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }

    /// Gives back the room that bytes take which were never acknowledged. The store is touched while the row is locked, which
    /// transactions here never do otherwise: so nobody else begins to write meanwhile.
    async fn free_unsafe_bytes(&self, claim: Claim) -> Result<(), ServiceError> {
        let now = (self.context.now)();
        self.pool
            .tx("free_unsafe_bytes", async |conn| {
                let Some(row) = uploads::lock(conn, claim).await? else { return Ok(()) };
                match &row.storage {
                    None => self.blobs.discard(claim.id, None).await.map_err(storage_failed)?,
                    // Whoever goes on begins by cutting off what was not acknowledged.
                    Some(json) => drop(
                        self.blobs
                            .resume(claim.id, claim.epoch, &stored(Some(json))?)
                            .await
                            .map_err(storage_failed)?,
                    ),
                }
                Ok(uploads::pause(conn, claim, now).await?)
            })
            .await
    }
}

impl Inner {
    async fn is_linked(&self, id: Uuid) -> bool {
        let Ok(mut conn) = self.pool.read().await else { return false };
        let row = uploads::find(&mut conn, id).await;
        row.is_ok_and(|row| row.is_some_and(|row| row.asset_id.is_some()))
    }

    async fn is_fenced(&self, claim: Claim) -> bool {
        let Ok(mut conn) = self.pool.read().await else { return false };
        let row = uploads::find(&mut conn, claim.id).await;
        row.is_ok_and(|row| row.is_none_or(|row| row.epoch != claim.epoch))
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<Json, ServiceError> {
    serde_json::to_value(value).map_err(|error| internal(&error.to_string()))
}

/// The protocol as it is counted.
fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Tus => crate::domain::upload::Dialect::Tus.as_str(),
        Dialect::Resumable { .. } => crate::domain::upload::Dialect::Resumable.as_str(),
    }
}
