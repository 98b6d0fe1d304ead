//! Events: what upload-ingest tells others and its workers, and the stream it tells it on.

pub(crate) mod published;

use event_bus::StreamSpec;
use uuid::Uuid;

pub(crate) use published::job_queued;

/// Name of the service's stream; its dead letters lie in `UPLOAD_INGEST_DEAD`.
pub(crate) const STREAM: &str = "UPLOAD_INGEST";

/// Subject of what wakes workers.
pub(crate) const JOB_QUEUED: &str = "upload_ingest.job.queued";

/// Who speaks (`ce-source`).
const SOURCE: &str = "/upload-ingest";

/// The stream with everything the service publishes. Notes of progress are of no use late: their subject is not stored.
pub(crate) fn stream() -> StreamSpec {
    StreamSpec::new(STREAM, ["upload_ingest.asset.>", "upload_ingest.job.>"])
}

/// Where listeners hear that the stages of an asset got on. The note is empty: what is true is in the database.
pub(crate) fn progress_subject(asset_id: Uuid) -> String {
    format!("upload_ingest.progress.{asset_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_progress_are_not_stored() {
        let subject = progress_subject(Uuid::nil());
        let stored = |subject: &str| {
            stream().subjects.iter().any(|stored| subject.starts_with(stored.trim_end_matches('>')))
        };
        assert!(stored(JOB_QUEUED) && stored("upload_ingest.asset.processed"));
        assert!(!stored(&subject), "{subject}");
    }
}
