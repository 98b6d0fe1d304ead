//! What can go wrong, by what the caller can do about it.

use std::error::Error;
use std::io::{self, ErrorKind};

use object_store::client::HttpError;

type BoxError = Box<dyn Error + Send + Sync>;

/// A failed call to the store.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is not there, or not any more: completed, deleted or discarded. Answer 404, or begin again.
    #[error("nothing is stored as {0}")]
    NotFound(String),
    /// No room is left. Refuse new uploads until somebody makes room.
    #[error("the storage is full")]
    Full(#[source] BoxError),
    /// The storage did not answer, or not in time. A later attempt may succeed: answer 503.
    #[error("the storage does not answer")]
    Unavailable(#[source] BoxError),
    /// What is stored is not what the state or the key promises. No attempt mends that: give the upload up.
    #[error("what is stored does not fit its record: {detail}")]
    Corrupt {
        /// What was expected and what was found.
        detail: String,
    },
    /// The storage refuses this process: rights, credentials, read-only. Somebody has to change the set-up.
    #[error("the storage refuses access")]
    Denied(#[source] BoxError),
    /// The settings do not describe a usable store, or do not allow what was asked.
    #[error("the storage settings are wrong: {0}")]
    Config(String),
    /// Anything else; a fault of the machine or of this code.
    #[error("the storage failed")]
    Io(#[source] BoxError),
}

impl StorageError {
    /// Whether a later attempt may succeed without anybody changing anything.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into() }
    }

    /// A call on a writer that lost its way: a call before was abandoned or failed for good.
    pub(crate) fn broken_writer() -> Self {
        Self::Io("an earlier call of this writer was abandoned or failed; resume from the last state".into())
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        /// EMFILE and ENFILE: too many open files, in the process or in the system.
        const TOO_MANY_FILES: [i32; 2] = [24, 23];
        if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) {
            return Self::Unavailable(Box::new(error));
        }
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound(error.to_string()),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(Box::new(error)),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied(Box::new(error)),
            ErrorKind::TimedOut | ErrorKind::ResourceBusy | ErrorKind::StaleNetworkFileHandle => {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Io(Box::new(error)),
        }
    }
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        let text = causes(&error);
        // A missing bucket is a 404 like a missing object, but no caller can do anything about it.
        if text.contains("NoSuchBucket") {
            return Self::Config(text);
        }
        match status(&error, &text) {
            Some(404) => Self::NotFound(text),
            Some(401 | 403) => Self::Denied(Box::new(error)),
            Some(507) => Self::Full(Box::new(error)),
            Some(408 | 429 | 500..) => Self::Unavailable(Box::new(error)),
            None if is_passing(&error, &text) => Self::Unavailable(Box::new(error)),
            _ => Self::Io(Box::new(error)),
        }
    }
}

/// The client's errors say little without their causes.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The status that the server answered with. For some calls the client keeps it only in its text.
fn status(error: &object_store::Error, text: &str) -> Option<u16> {
    match error {
        object_store::Error::NotFound { .. } => Some(404),
        object_store::Error::PermissionDenied { .. } => Some(403),
        object_store::Error::Unauthenticated { .. } => Some(401),
        _ => text.split_once("status code: ")?.1.get(..3)?.parse().ok(),
    }
}

/// Whether the connection or the moment is at fault: no answer, or an error under status 200, which S3 sends when it had
/// answered before it was through.
fn is_passing(error: &object_store::Error, text: &str) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.is::<HttpError>() {
            return true;
        }
        next = cause.source();
    }
    text.contains("Server returned error response")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_disk_says_what_can_be_done() {
        let of = |code| StorageError::from(io::Error::from_raw_os_error(code));
        const ENOENT: i32 = 2;
        const EIO: i32 = 5;
        const EACCES: i32 = 13;
        const EMFILE: i32 = 24;
        const ENOSPC: i32 = 28;
        const EROFS: i32 = 30;
        const EDQUOT: i32 = 122;
        assert!(matches!(of(ENOENT), StorageError::NotFound(_)));
        assert!(matches!(of(EIO), StorageError::Io(_)));
        assert!(matches!((of(EACCES), of(EROFS)), (StorageError::Denied(_), StorageError::Denied(_))));
        assert!(matches!((of(ENOSPC), of(EDQUOT)), (StorageError::Full(_), StorageError::Full(_))));
        assert!(of(EMFILE).is_unavailable());
    }

    #[test]
    fn an_error_of_s3_says_what_can_be_done() {
        let generic = |text: &str| {
            StorageError::from(object_store::Error::Generic { store: "S3", source: text.to_owned().into() })
        };
        assert!(generic("Server returned non-2xx status code: 503 Service Unavailable: ").is_unavailable());
        assert!(generic("Server returned error response: <Error>InternalError</Error>").is_unavailable());
        assert!(matches!(
            generic("Server returned non-2xx status code: 400 Bad Request"),
            StorageError::Io(_)
        ));
        let no_bucket = object_store::Error::NotFound {
            path: "x".to_owned(),
            source: "<Code>NoSuchBucket</Code>".into(),
        };
        assert!(matches!(StorageError::from(no_bucket), StorageError::Config(_)));
    }
}
