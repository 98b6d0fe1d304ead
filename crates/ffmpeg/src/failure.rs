//! What it means when ffmpeg fails, read from what it says. Pure.

use sandbox::SandboxError;

use crate::error::MediaError;

/// What ffmpeg says of files that are cut off or broken.
const DAMAGE: [&str; 6] = [
    "moov atom not found",
    "partial file",
    "ended prematurely",
    "Invalid data found when processing input",
    "does not contain any stream",
    // Not a single frame was found.
    "Cannot determine format of input stream",
];

/// What it says when a stream has no decoder that is taken.
const NO_DECODER: [&str; 3] = ["not on whitelist", "Decoder (codec", "Unknown/unsupported AVCodecID"];

/// What an encoder says for want of memory, beside what the sandbox knows.
const NO_MEMORY: [&str; 2] = ["malloc of size", "failed to allocate"];

/// Turns the end of a run that did not go well into what it means for the file.
pub(crate) fn explain(error: SandboxError) -> MediaError {
    if error.is_limit() {
        return MediaError::ProcessingLimit { source: error };
    }
    match error {
        SandboxError::NotRestricted { .. } | SandboxError::Spawn { .. } => {
            MediaError::Unavailable { source: error }
        }
        _ => explain_words(error),
    }
}

fn explain_words(error: SandboxError) -> MediaError {
    let said = error.stderr();
    if NO_MEMORY.iter().any(|words| said.contains(words)) {
        return MediaError::ProcessingLimit { source: error };
    }
    if NO_DECODER.iter().any(|words| said.contains(words)) {
        return MediaError::UnsupportedCodec { codec: refused_codec(said).to_owned() };
    }
    if shows_damage(said) {
        return MediaError::Damaged { detail: said.to_owned() };
    }
    MediaError::ProcessingFailed { detail: format!("{error}: {said}") }
}

/// Whether what ffmpeg said, though it succeeded, means that the file is not whole.
pub(crate) fn is_cut_off(said: &str) -> bool {
    said.contains("partial file") || said.contains("ended prematurely")
}

/// `Codec (cinepak) not on whitelist …`
fn refused_codec(said: &str) -> &str {
    let named = said.split_once("Codec (").and_then(|(_, rest)| rest.split_once(')'));
    named.map_or("unknown", |(name, _)| name)
}

fn shows_damage(said: &str) -> bool {
    DAMAGE.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said(stderr: &str) -> MediaError {
        explain(SandboxError::Exit { code: 1, stderr: stderr.to_owned() })
    }

    #[test]
    fn words_of_ffmpeg_become_codes() {
        assert_eq!(said("[mov,mp4] moov atom not found\nx: Invalid data").code(), "damaged");
        assert_eq!(
            said("[h261] Codec (h261) not on whitelist 'h264'\nx: Invalid data found").code(),
            "unsupported_codec"
        );
        assert_eq!(said("x264 [error]: malloc of size 34497216 failed").code(), "processing_limit");
        assert_eq!(said("Conversion failed!").code(), "processing_failed");
    }

    #[test]
    fn limits_and_a_sandbox_that_does_not_work_are_told_apart() {
        let limit =
            SandboxError::WallTime { limit: Duration::from_secs(1), stderr: "partial file".to_owned() };
        assert_eq!(explain(limit).code(), "processing_limit");
        let broken = SandboxError::NotRestricted { what: String::new() };
        assert_eq!(explain(broken).code(), "processing_unavailable");
    }

    #[test]
    fn a_crash_is_a_failure_of_ours() {
        let crash = SandboxError::Signal { signal: 11, stderr: String::new() };
        assert_eq!(explain(crash).code(), "processing_failed");
    }
}
