//! The end of an upload: the object becomes visible in the store, then everything about it is written in one transaction
//! (U-D4). Only then is it acknowledged.
//!
//! An asset has the id of its upload. So the object's key is known before the transaction, and an end that was interrupted
//! by a crash is taken up where it was.

use std::time::{Duration, Instant};

use blob_store::{ObjectKey, PartialState, StorageError};
use chrono::{DateTime, Utc};
use content_inspect::{Checkpoint, Inspected, Inspector};
use idempotency::{Claim as KeyClaim, FingerprintKey, IdempotencyKey, Scope, StoredAnswer};
use pg_pool::TxError;
use problem::{Problem, registry};
use service_error::ServiceError;
use uuid::Uuid;

use super::writers::taken_over;
use super::{Ingest, Inner, accepted};
use crate::domain::asset::{Status, Visibility};
use crate::domain::kind::MediaKind;
use crate::domain::upload::{Dialect, UploadState};
use crate::domain::{job, layout};
use crate::error::{Judged as _, content_refused, storage_failed};
use crate::store::link::{self, Link, Linked, NewAsset, NewObject, Origin};
use crate::store::uploads::{self, Claim, NewUpload, UploadRow};
use crate::store::usage::Usage;
use crate::store::{from_db, to_db};
use crate::{events, problems};

/// What is said of an upload, beside its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The upload, and the asset to be.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) owner: String,
    /// What it must be; any kind where it is empty.
    pub(crate) kind: Option<MediaKind>,
    /// How it comes.
    pub(crate) dialect: Dialect,
    /// Title of the asset.
    pub(crate) title: Option<String>,
    /// Visibility of the asset.
    pub(crate) visibility: Visibility,
    /// Ties everything about it together.
    pub(crate) correlation_id: Uuid,
    /// `Upload-Metadata` as it was sent.
    pub(crate) metadata: Option<String>,
    /// The parts that it was put together from.
    pub(crate) parts: Option<Vec<Uuid>>,
}

/// An idempotency key, bound to who uses it and to the operation; the content is added when its digest is known.
#[derive(Clone)]
pub(crate) struct Idempotent {
    /// Who uses it, for what.
    pub(crate) scope: Scope,
    /// The key.
    pub(crate) key: IdempotencyKey,
    /// Takes the fingerprint.
    pub(crate) fingerprints: FingerprintKey,
    /// Method and path.
    pub(crate) operation: (String, String),
}

impl Idempotent {
    fn fingerprint(&self, submission: &Submission, inspected: &Inspected) -> [u8; 32] {
        // The boundary of a multipart body is another one each time, so the body itself cannot be compared.
        let title = submission.title.as_deref().unwrap_or_default();
        let content = format!("{title}\n{}", submission.visibility.as_str());
        let body = [inspected.sha256.as_slice(), content.as_bytes()].concat();
        let (method, path) = (&self.operation.0, &self.operation.1);
        idempotency::fingerprint(&self.fingerprints, method, path, "", &body)
    }
}

/// How an upload ended.
pub(crate) enum Finished {
    /// An asset came of it.
    New(Box<NewAsset>),
    /// It had come before under the same idempotency key: this is the answer from then.
    Replayed(StoredAnswer),
}

/// What stands in the transaction besides the upload's own rows.
pub(super) struct Keyed<'a> {
    /// The key.
    pub(super) idempotent: &'a Idempotent,
    /// Makes the answer that is kept under it.
    pub(super) answer: &'a (dyn Fn(&NewAsset) -> StoredAnswer + Sync),
}

/// Where the original of an asset lies.
pub(crate) fn original_key(asset: Uuid) -> Result<ObjectKey, ServiceError> {
    ObjectKey::new(layout::original_key(asset))
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error).into())
}

impl Inner {
    /// Makes the object visible and writes what follows from it. `claim` is that of a resumable upload; one that came whole
    /// has none.
    pub(super) async fn finish(
        &self,
        submission: &Submission,
        claim: Option<Claim>,
        state: &PartialState,
        inspected: Inspected,
        keyed: Option<Keyed<'_>>,
    ) -> Result<Finished, ServiceError> {
        let kind = MediaKind::from(inspected.content_type.kind());
        if inspected.bytes > self.limit(Some(kind)) {
            return Err(Problem::new(&registry::PAYLOAD_TOO_LARGE).into());
        }
        let key = original_key(submission.id)?;
        let began = Instant::now();
        self.blobs.complete(submission.id, state, &key).await.map_err(storage_failed)?;
        record_part("sync", began.elapsed());
        let linked = self.link(submission, claim, kind, &inspected, &key, keyed).await;
        match &linked {
            Ok(Finished::New(_)) => (self.context.wake_relay)(),
            // The id of what came whole was made for this request: nobody else can have linked it.
            Ok(Finished::Replayed(_)) | Err(TxError::RolledBack(_)) if claim.is_none() => {
                self.remove(&key).await
            }
            // It may have been linked: by a commit whose answer was lost, or by who fenced us off. The reconciler finds out.
            _ => {}
        }
        linked.map_err(TxError::into_inner)
    }

    async fn link(
        &self,
        submission: &Submission,
        claim: Option<Claim>,
        kind: MediaKind,
        inspected: &Inspected,
        key: &ObjectKey,
        keyed: Option<Keyed<'_>>,
    ) -> Result<Finished, TxError<ServiceError>> {
        let rows = self.rows(submission, claim, kind, inspected, key);
        let asset = rows.asset.clone();
        let fingerprint = keyed.as_ref().map(|keyed| keyed.idempotent.fingerprint(submission, inspected));
        let mut outbox = Duration::ZERO;
        let transaction = self.pool.try_tx("link_upload", async |conn| {
            if let (Some(keyed), Some(fingerprint)) = (&keyed, &fingerprint) {
                let Idempotent { scope, key, .. } = keyed.idempotent;
                if let KeyClaim::Replay(answer) = idempotency::claim(conn, scope, key, fingerprint).await? {
                    return Ok(Finished::Replayed(answer));
                }
            }
            match link::link(conn, rows, &mut outbox).await? {
                Linked::Fenced => return Err(taken_over()),
                Linked::Yes(usage) => self.check_quota(usage)?,
            }
            if let (Some(keyed), Some(fingerprint)) = (&keyed, &fingerprint) {
                let Idempotent { scope, key, .. } = keyed.idempotent;
                let answer = (keyed.answer)(&asset);
                idempotency::store(conn, scope, key, fingerprint, &answer).await?;
            }
            Ok(Finished::New(Box::new(asset.clone())))
        });
        let finished = transaction.await;
        telemetry::request::with_current(|stats| stats.record_detail("outbox", outbox));
        finished
    }

    fn rows(
        &self,
        submission: &Submission,
        claim: Option<Claim>,
        kind: MediaKind,
        inspected: &Inspected,
        key: &ObjectKey,
    ) -> Link {
        let now = (self.context.now)();
        let bytes = to_db(inspected.bytes);
        let sha256 = inspected.sha256.to_vec();
        let stages: Vec<_> = job::plan(kind, self.playlists)
            .into_iter()
            .map(|stage| ((self.context.new_id)(), stage))
            .collect();
        Link {
            origin: match claim {
                Some(claim) => Origin::Resumed(claim),
                None => Origin::Whole(Box::new(self.whole_row(submission, kind, bytes, now))),
            },
            asset: NewAsset {
                id: submission.id,
                owner: submission.owner.clone(),
                kind: kind.as_str(),
                title: submission.title.clone(),
                status: Status::Processing.as_str(),
                visibility: submission.visibility.as_str(),
                content_type: inspected.content_type.media_type(),
                bytes,
                sha256: sha256.clone(),
                correlation_id: submission.correlation_id,
                created_at: now,
                updated_at: now,
            },
            object: NewObject {
                key: key.as_str().to_owned(),
                backend: self.blobs.backend(),
                asset_id: submission.id,
                bytes,
                sha256,
                created_at: now,
            },
            message: events::published::job_queued(
                (self.context.new_id)(),
                submission.id,
                &stages.iter().map(|(id, stage)| (*id, stage.kind)).collect::<Vec<_>>(),
                submission.correlation_id,
                now,
            ),
            stages,
        }
    }

    fn whole_row(
        &self,
        submission: &Submission,
        kind: MediaKind,
        bytes: i64,
        now: DateTime<Utc>,
    ) -> NewUpload {
        NewUpload {
            id: submission.id,
            owner: submission.owner.clone(),
            kind: Some(kind.as_str()),
            dialect: submission.dialect.as_str(),
            concat: submission.parts.is_some().then_some("final"),
            concat_parts: submission.parts.clone(),
            title: submission.title.clone(),
            visibility: submission.visibility.as_str(),
            metadata: submission.metadata.clone(),
            declared_bytes: Some(bytes),
            durable_bytes: bytes,
            expected_sha256: None,
            state: UploadState::Linked.as_str(),
            asset_id: Some(submission.id),
            correlation_id: submission.correlation_id,
            created_at: now,
            updated_at: now,
            expires_at: now + self.config.expiry(),
        }
    }

    fn check_quota(&self, usage: Usage) -> Result<(), ServiceError> {
        let over = if from_db(usage.bytes) > self.config.quota_bytes {
            format!("{} bytes may be kept", self.config.quota_bytes)
        } else if from_db(usage.assets) > self.config.quota_assets {
            format!("{} assets may be kept", self.config.quota_assets)
        } else {
            return Ok(());
        };
        Err(Problem::new(&problems::QUOTA_EXCEEDED).detail(format!("no more than {over}")).into())
    }

    /// An object that nothing refers to. If it cannot be removed now, the reconciler does it.
    async fn remove(&self, key: &ObjectKey) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                key = key.as_str(),
                "object left behind"
            );
        }
    }

    /// Ends a resumable upload that cannot become anything, and forgets its bytes.
    pub(super) async fn reject(&self, claim: Claim, error: &ServiceError) -> Result<(), ServiceError> {
        let now = (self.context.now)();
        let (code, text) = (error.code(), error.human());
        let mut conn = self.pool.write().await?;
        if uploads::reject(&mut conn, claim, code, &text, now).await? {
            drop(conn);
            self.blobs.discard(claim.id, None).await.map_err(storage_failed)?;
            // It may have been completed before it was refused; from here on nobody can link it any more.
            self.remove(&original_key(claim.id)?).await;
        }
        Ok(())
    }
}

/// Adds to the parts of `Server-Timing` of the request that is served.
pub(super) fn record_part(name: &'static str, took: Duration) {
    telemetry::request::with_current(|stats| stats.record_part(name, took));
}

/// Finishes uploads whose bytes have all come but whose end was interrupted, at most `limit` of them, and returns how many.
///
/// # Errors
/// Of the database. What is wrong with one upload is logged and does not keep the others.
pub(crate) async fn finish_received(ingest: &Ingest, limit: usize) -> Result<usize, ServiceError> {
    let inner = &ingest.0;
    let mut finished = 0;
    for _ in 0..limit {
        let now = (inner.context.now)();
        let lease_until = now + inner.config.lease();
        let row = {
            let mut conn = inner.pool.write().await?;
            uploads::claim_received(&mut conn, &inner.holder, now, lease_until).await?
        };
        let Some(row) = row else { break };
        match inner.finish_row(&row).await {
            Ok(_) => finished += 1,
            Err(error) => {
                tracing::warn!(upload = %row.id, cause = error.explain(), "an upload was not finished")
            }
        }
    }
    Ok(finished)
}

impl Inner {
    /// Finishes an upload of which all bytes are safe and which is held under its epoch.
    pub(super) async fn finish_row(&self, row: &UploadRow) -> Result<Finished, ServiceError> {
        let claim = Claim { id: row.id, epoch: row.epoch };
        let state: PartialState = stored(row.storage.as_ref())?;
        let checked = match self.inspector(row, Some(&state)).await {
            Ok(inspector) => inspector.finish().map_err(content_refused),
            Err(error) => Err(error),
        };
        let inspected = match checked {
            Ok(inspected) => inspected,
            Err(error) if error.is_final() => {
                self.reject(claim, &error).await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        if row.expected_sha256.as_ref().is_some_and(|expected| *expected != inspected.sha256) {
            let error = upload_protocol::Refusal::Representation.problem(None).into();
            self.reject(claim, &error).await?;
            return Err(error);
        }
        let finished = self.finish(&submission(row)?, Some(claim), &state, inspected, None).await;
        if let Err(error) = &finished
            && error.is_final()
        {
            self.reject(claim, error).await?;
        }
        finished
    }

    /// What looks at an upload's bytes, as it was at its durable offset; read again where its state is of another version.
    pub(super) async fn inspector(
        &self,
        row: &UploadRow,
        state: Option<&PartialState>,
    ) -> Result<Inspector, ServiceError> {
        let fresh = Inspector::new(accepted(row.kind()?));
        let Some(state) = state else { return Ok(fresh) };
        if let Some(mark) = &row.inspection
            && let Ok(mark) = serde_json::from_value::<Checkpoint>(mark.clone())
            && let Ok(inspector) = Inspector::restore(&mark)
            && inspector.offset() == state.offset()
        {
            return Ok(inspector);
        }
        self.read_again(row.id, state, fresh).await
    }

    /// Looks at everything that is safe, from the beginning.
    pub(super) async fn read_again(
        &self,
        id: Uuid,
        state: &PartialState,
        mut inspector: Inspector,
    ) -> Result<Inspector, ServiceError> {
        use futures_util::TryStreamExt as _;
        let mut pieces = self.blobs.read_partial(id, state).await.map_err(storage_failed)?;
        while let Some(piece) = pieces.try_next().await.map_err(storage_failed)? {
            let looked = tokio::task::spawn_blocking(move || {
                let refused = inspector.update(&piece);
                (inspector, refused)
            });
            let (back, refused) = looked.await.map_err(|error| internal(&error.to_string()))?;
            inspector = back;
            refused.map_err(content_refused)?;
        }
        Ok(inspector)
    }
}

/// What the row says of the upload.
pub(super) fn submission(row: &UploadRow) -> Result<Submission, ServiceError> {
    Ok(Submission {
        id: row.id,
        owner: row.owner.clone(),
        kind: row.kind()?,
        // Known to the row; it is not written again.
        dialect: Dialect::Resumable,
        title: row.title.clone(),
        visibility: row.visibility()?,
        correlation_id: row.correlation_id,
        metadata: None,
        parts: None,
    })
}

/// The store's state as the row has it.
pub(super) fn stored(json: Option<&serde_json::Value>) -> Result<PartialState, ServiceError> {
    json.cloned()
        .and_then(|json| serde_json::from_value(json).ok())
        .ok_or_else(|| internal("the state of an upload in the store is not one of ours"))
}

/// A defect, or a row that another version wrote.
pub(super) fn internal(cause: &str) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(cause.to_owned()).into()
}

/// Whether what the store lost makes the upload impossible to go on with.
pub(super) fn is_lost(error: &StorageError) -> bool {
    matches!(error, StorageError::Corrupt { .. } | StorageError::NotFound { .. })
}
