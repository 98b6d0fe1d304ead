//! What a stranger's file is, found in its bytes before ffmpeg sees any of them. Its name and its type say nothing.

mod boxes;
mod signature;

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use crate::error::MediaError;

/// Bytes from the beginning that tell what a file is.
const HEAD_BYTES: u64 = 1024;

/// The kinds of file that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// ISO base media: MP4, MOV, 3GP.
    Mp4,
    /// Matroska and WebM.
    Matroska,
}

impl Container {
    /// ffmpeg's name for what reads it.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::Matroska => "matroska",
        }
    }

    /// A file of the first kind may say that its content is in another file. It is not followed: said although it is the
    /// default, since another build may have another default.
    pub(crate) fn demuxer_options(self) -> &'static [&'static str] {
        match self {
            Self::Mp4 => &["-enable_drefs", "0", "-use_absolute_path", "0"],
            Self::Matroska => &[],
        }
    }

    /// What a person calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "matroska",
        }
    }
}

/// A file that may be given to ffmpeg.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Absolute, without links.
    pub(crate) path: PathBuf,
    pub(crate) container: Container,
}

impl Source {
    /// Looks at the file's first bytes and, in an MP4, at the frame of boxes that holds its content.
    pub(crate) async fn open(path: &Path) -> Result<Self, MediaError> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || look(&path)).await.map_err(std::io::Error::from)?
    }
}

fn look(path: &Path) -> Result<Source, MediaError> {
    let path = path.canonicalize()?;
    let mut file = File::open(&path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let container = signature::container(&head)?;
    if container == Container::Mp4 {
        file.rewind()?;
        boxes::check(&mut file, length)?;
    }
    Ok(Source { path, container })
}
