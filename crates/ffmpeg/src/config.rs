//! Where the programs are and how much they may use, as an operator writes it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `ffmpeg`: the programs, and the bounds of each single run of one of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FfmpegConfig {
    /// The program `ffmpeg`. Default: found in `PATH`.
    pub ffmpeg_path: Option<PathBuf>,
    /// The program `ffprobe`. Default: found in `PATH`.
    pub ffprobe_path: Option<PathBuf>,
    /// Processor time over all threads, in seconds (default 1800). Too low, and long videos end as `processing_limit`; too
    /// high, and one malicious file keeps a worker busy for that long.
    pub cpu_secs: u64,
    /// Time on the clock, in seconds (default 1800). It has to cover a busy machine.
    pub wall_secs: u64,
    /// Address space, in bytes (default 4 GiB). Libraries and threads take half a GiB of it before a frame is decoded.
    pub memory_bytes: u64,
    /// Size of each file that is made, in bytes (default 2 GiB).
    pub max_output_bytes: u64,
    /// Threads that decode, filter and encode, each (default 2). More is faster and takes more memory.
    pub threads: u32,
    /// Pixels of a frame, width times height (default 8192 × 4320). Larger ones are refused before anything is decoded.
    pub max_pixels: u64,
    /// Length of a video, in seconds (default 14400).
    pub max_duration_secs: u64,
}

impl Default for FfmpegConfig {
    fn default() -> Self {
        Self {
            ffmpeg_path: None,
            ffprobe_path: None,
            cpu_secs: 1800,
            wall_secs: 1800,
            memory_bytes: 4 << 30,
            max_output_bytes: 2 << 30,
            threads: 2,
            max_pixels: 8192 * 4320,
            max_duration_secs: 14_400,
        }
    }
}

impl FfmpegConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        let absolute = |path: &Option<PathBuf>| path.as_ref().is_none_or(|path| path.is_absolute());
        check(absolute(&self.ffmpeg_path), "ffmpeg_path: must be absolute");
        check(absolute(&self.ffprobe_path), "ffprobe_path: must be absolute");
        check((1..=86_400).contains(&self.cpu_secs), "cpu_secs: must be from 1 to 86400");
        check((1..=86_400).contains(&self.wall_secs), "wall_secs: must be from 1 to 86400");
        check(self.memory_bytes >= 512 << 20, "memory_bytes: must be at least 512 MiB");
        check(self.max_output_bytes >= 1 << 20, "max_output_bytes: must be at least 1 MiB");
        check((1..=32).contains(&self.threads), "threads: must be from 1 to 32");
        check(self.max_pixels > 0, "max_pixels: must not be 0");
        check(self.max_duration_secs > 0, "max_duration_secs: must not be 0");
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        assert_eq!(FfmpegConfig::default().faults(), [""; 0]);
        let config = FfmpegConfig {
            ffmpeg_path: Some(PathBuf::from("ffmpeg")),
            ffprobe_path: Some(PathBuf::from("ffprobe")),
            cpu_secs: 0,
            wall_secs: 0,
            memory_bytes: 0,
            max_output_bytes: 0,
            threads: 0,
            max_pixels: 0,
            max_duration_secs: 0,
        };
        assert_eq!(config.faults().len(), 9, "{:?}", config.faults());
    }
}
