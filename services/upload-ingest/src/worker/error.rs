//! Why a stage failed: in full for the log, in one sentence for the owner.

use std::io;

use blob_store::StorageError;
use ffmpeg::MediaError;
use image_variants::ImageError;
use tokio::task::JoinError;

use crate::domain::processing::Cause;

/// Why a stage yielded nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// The picture, or what was made of it.
    #[error("a picture could not be processed")]
    Image(#[from] ImageError),
    /// The video, or ffmpeg.
    #[error("a video could not be processed")]
    Media(#[from] MediaError),
    /// The store did not give or take an object.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// The original is not in the store.
    #[error("the original is missing")]
    OriginalMissing(#[source] StorageError),
    /// The scratch folder could not be used.
    #[error("the scratch folder failed")]
    Scratch(#[from] io::Error),
    /// A thread that worked on it panicked, or the process is about to end.
    #[error("the work was broken off")]
    Broken(#[from] JoinError),
    /// A defect of this program.
    #[error("{0}")]
    Defect(&'static str),
}

impl StageError {
    /// What its owner is told.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Image(error) => {
                Cause { code: error.code(), text: error.human().into(), is_final: error.is_final() }
            }
            Self::Media(error) => {
                Cause { code: error.code(), text: error.human().into(), is_final: error.is_final() }
            }
            Self::OriginalMissing(_) => Cause::ORIGINAL_MISSING,
            Self::Storage(_) | Self::Scratch(_) | Self::Broken(_) | Self::Defect(_) => Cause::UNAVAILABLE,
        }
    }

    /// What ffmpeg said, for the log; may be empty.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Media(error) => error.detail(),
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_file_is_final() {
        assert!(StageError::from(ImageError::NotAnImage).cause().is_final);
        assert!(StageError::from(MediaError::NotAVideo).cause().is_final);
        assert!(!StageError::from(io::Error::other("disk full")).cause().is_final);
        assert!(!StageError::from(StorageError::Config("x".to_owned())).cause().is_final);
    }

    #[test]
    fn the_owner_reads_nothing_of_our_insides() {
        let secret = || io::Error::other("/srv/secret");
        for error in [
            StageError::from(secret()),
            StageError::from(MediaError::File { source: secret() }),
            StageError::OriginalMissing(StorageError::NotFound("/srv/secret".to_owned())),
            StageError::from(StorageError::Io(Box::new(secret()))),
        ] {
            let cause = error.cause();
            assert!(!cause.text.contains("secret") && cause.text.ends_with('.'), "{cause:?}");
        }
    }
}
