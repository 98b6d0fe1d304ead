//! tus concatenation: an upload that is made of others, which have all come.

use super::finish::{Finished, Submission, internal, stored};
use super::{Ingest, accepted};
use crate::error::{content_refused, storage_failed};
use crate::store::link::NewAsset;
use crate::store::uploads::UploadRow;
use content_inspect::Inspector;
use service_error::ServiceError;

/// The only writer that such an upload has.
const EPOCH: i64 = 1;

impl Ingest {
    /// Puts parts together and makes an asset of the whole. The parts stay until they expire.
    ///
    /// # Errors
    /// For a whole that is not what is taken, a quota, and of store and database.
    pub(crate) async fn concatenate(
        &self,
        submission: Submission,
        parts: Vec<UploadRow>,
    ) -> Result<Box<NewAsset>, ServiceError> {
        let inner = &*self.0;
        let states = parts
            .iter()
            .map(|part| Ok((part.id, stored(part.storage.as_ref())?)))
            .collect::<Result<Vec<_>, ServiceError>>()?;
        let finished = async {
            let state =
                inner.blobs.concatenate(&states, submission.id, EPOCH).await.map_err(storage_failed)?;
            let fresh = Inspector::new(accepted(submission.kind));
            let inspected =
                inner.read_again(submission.id, &state, fresh).await?.finish().map_err(content_refused)?;
            inner.finish(&submission, None, &state, inspected, None).await
        }
        .await;
        match finished {
            Ok(Finished::New(asset)) => Ok(asset),
            Ok(Finished::Replayed(_)) => {
                Err(internal("a concatenation without an idempotency key was replayed"))
            }
            Err(error) => {
                if let Err(error) = inner.blobs.discard(submission.id, None).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an upload's bytes were left behind"
                    );
                }
                Err(error)
            }
        }
    }
}
