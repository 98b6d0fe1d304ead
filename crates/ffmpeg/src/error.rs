//! Why nothing could be made of a file: one text for the uploader, another for the log.

use std::io;

use sandbox::SandboxError;

/// Why nothing could be made of a file.
///
/// [`code`](Self::code) is stable and for programs, [`human`](Self::human) is for whoever uploaded the file; `Display`, the
/// source and [`detail`](Self::detail) are for the log and may hold what the file made ffmpeg say.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file has no content.
    #[error("the file is empty")]
    Empty,
    /// The content is none of a video, whatever its name says.
    #[error("the file is not a video")]
    NotAVideo,
    /// A picture was wanted, and this is not a PNG.
    #[error("the file is not a PNG picture")]
    NotAPicture,
    /// A video of a kind that is not taken.
    #[error("the file is {format}, which is not taken")]
    UnsupportedFormat {
        /// What it is.
        format: &'static str,
    },
    /// Sound only, or nothing at all.
    #[error("the file has no video stream")]
    NoVideoStream,
    /// Cut off, or broken in another way.
    #[error("the file is damaged")]
    Damaged {
        /// What is wrong with it.
        detail: String,
    },
    /// The video, or sound that is wanted, is coded in a way that is not taken.
    #[error("the file has a stream in {codec}, which is not taken")]
    UnsupportedCodec {
        /// ffmpeg's name of the codec.
        codec: String,
    },
    /// Longer than may be.
    #[error("the video lasts {duration_ms} ms, more than {max_secs} s")]
    TooLong {
        /// What it lasts, in milliseconds.
        duration_ms: u64,
        /// What it may last, in seconds.
        max_secs: u64,
    },
    /// Its frames have more pixels than may be.
    #[error("the frames of {width} × {height} are too large")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// More streams than anybody needs.
    #[error("the file has too many streams")]
    TooManyStreams,
    /// Processing took more time, memory or space than it may.
    #[error("a limit of processing was reached")]
    ProcessingLimit {
        /// Which limit.
        #[source]
        source: SandboxError,
    },
    /// ffmpeg failed, and what it said explains nothing.
    #[error("processing failed")]
    ProcessingFailed {
        /// What it said.
        detail: String,
    },
    /// What was asked for cannot be made of any file.
    #[error("what is to be made is not sound: {fault}")]
    BadSpec {
        /// Which setting, and why.
        fault: String,
    },
    /// The sandbox could not be set up, so nothing was run. An operator has to act.
    #[error("ffmpeg could not be run")]
    Unavailable {
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// A file of ours could not be read or written.
    #[error("a file could not be read or written")]
    File {
        /// What the system said.
        #[from]
        source: io::Error,
    },
}

impl MediaError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::NotAVideo => "not_a_video",
            Self::NotAPicture => "not_a_picture",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::NoVideoStream => "no_video_stream",
            Self::Damaged { .. } => "damaged",
            Self::UnsupportedCodec { .. } => "unsupported_codec",
            Self::TooLong { .. } => "too_long",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyStreams => "too_many_streams",
            Self::ProcessingLimit { .. } => "processing_limit",
            Self::ProcessingFailed { .. } | Self::BadSpec { .. } => "processing_failed",
            Self::Unavailable { .. } | Self::File { .. } => "processing_unavailable",
        }
    }

    /// One sentence for the uploader. It names no path and repeats nothing that ffmpeg said.
    #[must_use]
    pub fn human(&self) -> String {
        match self {
            Self::Empty => "The file is empty.".to_owned(),
            Self::NotAVideo => "This file is not a video.".to_owned(),
            Self::NotAPicture => "This file is not a PNG picture.".to_owned(),
            Self::UnsupportedFormat { format } => {
                format!("{format} files are not supported; please upload an MP4, MOV or WebM file.")
            }
            Self::NoVideoStream => "The file contains no video.".to_owned(),
            Self::Damaged { .. } => {
                "The file is damaged or incomplete; please export or upload it again.".to_owned()
            }
            Self::UnsupportedCodec { .. } => {
                "The video is encoded in a way that is not supported; H.264 in an MP4 file always works."
                    .to_owned()
            }
            Self::TooLong { max_secs, .. } => {
                format!("The video is too long; at most {} are allowed.", minutes(*max_secs))
            }
            Self::TooLarge { width, height } => {
                format!("The frames of the video are too large ({width} × {height} pixels).")
            }
            Self::TooManyStreams => "The file contains too many video, sound or text tracks.".to_owned(),
            Self::ProcessingLimit { .. } => {
                "Processing the file took too long or needed too much memory.".to_owned()
            }
            Self::ProcessingFailed { .. } | Self::BadSpec { .. } => {
                "The file could not be processed.".to_owned()
            }
            Self::Unavailable { .. } | Self::File { .. } => {
                "The file cannot be processed at the moment.".to_owned()
            }
        }
    }

    /// Whether the same file will fail in the same way whenever it is tried again.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            // A busy machine, a full disk, a host that was restarted, a fault that nobody has seen yet.
            Self::ProcessingLimit { source: SandboxError::WallTime { .. } }
            | Self::ProcessingFailed { .. }
            | Self::Unavailable { .. }
            | Self::File { .. } => false,
            _ => true,
        }
    }

    /// What the log should know beyond `Display` and the source: the end of what ffmpeg said. May be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Damaged { detail } | Self::ProcessingFailed { detail } => detail,
            Self::ProcessingLimit { source } | Self::Unavailable { source } => source.stderr(),
            _ => "",
        }
    }
}

fn minutes(secs: u64) -> String {
    if secs < 120 { format!("{secs} seconds") } else { format!("{} minutes", secs / 60) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_uploader_reads_nothing_that_ffmpeg_said() {
        let said = "/srv/secret/path: Invalid data".to_owned();
        let wall = SandboxError::WallTime { limit: Duration::from_secs(1), stderr: said.clone() };
        for error in [
            MediaError::Damaged { detail: said.clone() },
            MediaError::ProcessingFailed { detail: said.clone() },
            MediaError::UnsupportedCodec { codec: "secret".to_owned() },
            MediaError::ProcessingLimit { source: wall },
            MediaError::Unavailable { source: SandboxError::NotRestricted { what: "secret".to_owned() } },
            MediaError::File { source: io::Error::other("secret") },
        ] {
            assert!(!error.human().contains("secret"), "{}", error.human());
            assert!(error.human().ends_with('.'), "{}", error.human());
        }
    }

    #[test]
    fn a_limit_of_time_is_worth_another_try_and_one_of_memory_is_not() {
        let stderr = String::new();
        let wall = SandboxError::WallTime { limit: Duration::from_secs(1), stderr: stderr.clone() };
        assert!(!MediaError::ProcessingLimit { source: wall }.is_final());
        let memory = SandboxError::Memory { limit_bytes: 1, stderr };
        assert!(MediaError::ProcessingLimit { source: memory }.is_final());
        assert!(MediaError::NotAVideo.is_final());
    }
}
