//! Uploads that come whole in one request: multipart and `PUT`. Nothing is in the database before the one transaction at
//! their end (U-A6); what a crash leaves in the store is an orphan that the reconciler removes.

use std::time::Instant;

use content_inspect::Inspector;
use idempotency::StoredAnswer;
use service_error::ServiceError;
use upload_protocol::Checksum;

use super::body::{Body, BodyEnd};
use super::finish::{Finished, Idempotent, Keyed, Submission, internal, record_part};
use super::intake::{Intake, Taken, Watch};
use super::metrics::{Ended, Spoken};
use super::{Ingest, Inner, accepted, digests};
use crate::error::{content_refused, storage_failed};
use crate::store::link::NewAsset;

/// The only writer that a whole upload ever has.
const EPOCH: i64 = 1;

/// Makes the answer that is kept under an idempotency key.
pub(crate) type AnswerFor = Box<dyn Fn(&NewAsset) -> StoredAnswer + Send + Sync>;

impl Ingest {
    /// Receives a whole upload and makes an asset of it. To be run in a task of its own, so that it comes to its end.
    ///
    /// # Errors
    /// For a body that ends early or is not what is taken, a digest that does not match, a quota, and of store and database.
    /// Nothing is kept then.
    pub(crate) async fn receive_whole(
        &self,
        submission: Submission,
        body: &mut Body,
        announced: Vec<Checksum>,
        keyed: Option<(Idempotent, AnswerFor)>,
    ) -> Result<Finished, ServiceError> {
        let inner = &*self.0;
        let began = Instant::now();
        let received = inner.take_whole(&submission, body, &announced, keyed.as_ref()).await;
        let dialect = submission.dialect.as_str();
        let outcome = received.as_ref().map_or_else(ServiceError::code, |_| "linked");
        inner.meters.ended.get_or_create(&Ended { dialect, outcome }).inc();
        if received.is_ok() {
            let spoken = Spoken { dialect };
            inner.meters.duration.get_or_create(&spoken).observe(began.elapsed().as_secs_f64());
            inner.meters.waiting.get_or_create(&spoken).observe(body.last().elapsed().as_secs_f64());
        } else if let Err(error) = inner.blobs.discard(submission.id, None).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an upload's bytes were left behind");
        }
        received
    }
}

impl Inner {
    async fn take_whole(
        &self,
        submission: &Submission,
        body: &mut Body,
        announced: &[Checksum],
        keyed: Option<&(Idempotent, AnswerFor)>,
    ) -> Result<Finished, ServiceError> {
        let writer = self.blobs.begin(submission.id, EPOCH).await.map_err(storage_failed)?;
        let watch = Watch::Content(Box::new(Inspector::new(accepted(submission.kind))));
        let mut intake = Intake::new(self, writer, watch, digests::verifiers(announced), false);
        let end = loop {
            let end = intake.take(body).await?;
            if let Some(kind) = intake.content_type() {
                body.limit_to(self.limit(Some(kind.kind().into())));
            }
            if let Some(end) = end {
                break end;
            }
        };
        if end != BodyEnd::Whole {
            return Err(end.problem().unwrap_or_else(|| internal("a body ended in no way")));
        }
        let (Taken { writer, watch, verifiers }, timings) = intake.end().await?;
        record_part("write", timings.write);
        digests::verify(verifiers, announced)?;
        let Watch::Content(inspector) = watch else {
            return Err(internal("a whole upload was not looked at"));
        };
        let inspected = inspector.finish().map_err(content_refused)?;
        let began = Instant::now();
        let state = writer.close().await.map_err(storage_failed)?;
        record_part("sync", began.elapsed());
        let keyed = keyed.map(|(idempotent, answer)| Keyed { idempotent, answer: &**answer });
        self.finish(submission, None, &state, inspected, keyed).await
    }
}
