//! Work on files, on threads where waiting is allowed.

use crate::error::StorageError;

/// Does `work` on a blocking thread. It runs to its end even when nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(lost) => Err(StorageError::Io(Box::new(lost))),
    }
}
