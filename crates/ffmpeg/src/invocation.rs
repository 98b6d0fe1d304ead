//! One run of a program: its arguments, and what it may touch.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Finished, Policy};

use crate::codecs;
use crate::error::MediaError;
use crate::failure;
use crate::find::Ffmpeg;
use crate::source::Source;

/// Largest piece of memory that ffmpeg takes at once, in bytes; a frame of the largest size fits. A file that claims more fails.
const MAX_ALLOC: &str = "536870912";
/// How far ffmpeg looks into a file to find out what is in it: bytes and microseconds.
const PROBE_BYTES: &str = "20000000";
const ANALYSE_MICROS: &str = "20000000";
/// Streams that a file may have.
const MAX_STREAMS: &str = "32";
/// Files it has open at once; each variant of a ladder has a few.
const OPEN_FILES: u64 = 128;
/// Threads at once: the encoders make more than they are told to.
const THREADS: u64 = 256;
/// Progress of an hour is half a MiB.
const MAX_STDOUT_BYTES: usize = 8 << 20;
const MAX_STDERR_BYTES: usize = 8 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Ffmpeg,
    Ffprobe,
}

/// A run that is being put together.
#[derive(Debug)]
pub(crate) struct Job {
    program: Program,
    arguments: Vec<String>,
    directory: PathBuf,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

impl Job {
    pub(crate) fn new(program: Program, directory: impl Into<PathBuf>) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            directory: directory.into(),
            read: Vec::new(),
            write: Vec::new(),
        }
    }

    /// A run of ffmpeg that makes something.
    pub(crate) fn ffmpeg(ffmpeg: &Ffmpeg, directory: impl Into<PathBuf>) -> Self {
        let threads = ffmpeg.config().threads.to_string();
        let mut job = Self::new(Program::Ffmpeg, directory);
        job.arguments(&[
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "error",
            "-nostats",
            "-max_alloc",
            MAX_ALLOC,
        ]);
        job.arguments(&["-filter_threads", &threads, "-filter_complex_threads", &threads]);
        job.arguments(&["-stats_period", "0.5", "-progress", "pipe:1", "-y"]);
        job
    }

    /// A run of ffprobe.
    pub(crate) fn ffprobe() -> Self {
        let mut job = Self::new(Program::Ffprobe, "/");
        job.arguments(&["-hide_banner", "-loglevel", "error", "-max_alloc", MAX_ALLOC]);
        job
    }

    pub(crate) fn arguments(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    }

    /// Reads a stranger's file: as what it was found to be and nothing else, by the decoders that are taken, and nothing
    /// but files by any name that is in it.
    pub(crate) fn input(&mut self, source: &Source) -> Result<(), MediaError> {
        let format = source.container.demuxer();
        self.arguments(&["-protocol_whitelist", "file", "-format_whitelist", format, "-f", format]);
        self.arguments(&["-codec_whitelist", &codecs::decoders(), "-max_streams", MAX_STREAMS]);
        self.arguments(&["-probesize", PROBE_BYTES, "-analyzeduration", ANALYSE_MICROS]);
        self.arguments(source.container.demuxer_options());
        self.arguments(&["-i", &url(&source.path)?]);
        self.read.push(source.path.clone());
        Ok(())
    }

    /// Reads a PNG picture.
    pub(crate) fn picture(&mut self, path: &Path) -> Result<(), MediaError> {
        self.arguments(&["-protocol_whitelist", "file", "-format_whitelist", "png_pipe", "-f", "png_pipe"]);
        self.arguments(&["-codec_whitelist", "png", "-i", &url(path)?]);
        self.read.push(path.to_owned());
        Ok(())
    }

    /// Writes one file, which exists already.
    pub(crate) fn output(&mut self, path: &Path) -> Result<(), MediaError> {
        self.arguments(&[&url(path)?]);
        self.write.push(path.to_owned());
        Ok(())
    }

    /// May write anything in the directory in which it runs.
    pub(crate) fn fills_directory(&mut self) {
        self.write.push(self.directory.clone());
    }
}

impl Ffmpeg {
    pub(crate) async fn run(
        &self,
        job: &Job,
        on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, MediaError> {
        let policy = self.policy(job);
        self.launcher().run(&policy, on_line).await.map_err(failure::explain)
    }

    fn policy(&self, job: &Job) -> Policy {
        let config = self.config();
        Policy {
            program: self.path_of(job.program).to_owned(),
            arguments: job.arguments.clone(),
            working_directory: job.directory.clone(),
            read: job.read.clone(),
            write: job.write.clone(),
            cpu_secs: config.cpu_secs,
            memory_bytes: config.memory_bytes,
            file_bytes: config.max_output_bytes,
            open_files: OPEN_FILES,
            threads: THREADS,
            wall: Duration::from_secs(config.wall_secs),
            max_stdout_bytes: MAX_STDOUT_BYTES,
            max_stderr_bytes: MAX_STDERR_BYTES,
        }
    }
}

/// With its protocol, so that no name of a file is taken for another one or for an option.
fn url(path: &Path) -> Result<String, MediaError> {
    let path = path.to_str().filter(|_| path.is_absolute());
    path.map(|path| format!("file:{path}")).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "a path is not absolute or not UTF-8").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_become_an_option_or_another_protocol() {
        assert_eq!(url(Path::new("/a/-i http:x")).unwrap(), "file:/a/-i http:x");
        assert!(url(Path::new("http://x/")).is_err());
        assert!(url(Path::new("-i")).is_err());
    }
}
