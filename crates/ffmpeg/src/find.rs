//! The programs, found once at start.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::{Enforced, Launcher, SandboxError};

use crate::config::FfmpegConfig;
use crate::error::MediaError;
use crate::invocation::{Job, Program};

/// What is used of ffmpeg, beside what every build has.
const ENCODERS: [&str; 5] = ["libx264", "libsvtav1", "libaom-av1", "png", "aac"];

/// ffmpeg and ffprobe in the sandbox. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    launcher: Launcher,
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    config: FfmpegConfig,
}

/// Why ffmpeg cannot be used here. An operator has to act.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A program is not there.
    #[error(
        "{program} was not found {place}; install ffmpeg (Debian and Ubuntu: apt-get install ffmpeg) or set ffmpeg.{program}_path"
    )]
    Missing {
        /// Which.
        program: &'static str,
        /// Where it was looked for.
        place: String,
    },
    /// It was built without something that is needed.
    #[error(
        "this ffmpeg cannot encode with {encoder}; install a full build (Debian and Ubuntu: apt-get install ffmpeg)"
    )]
    Incomplete {
        /// The encoder.
        encoder: &'static str,
    },
    /// The sandbox does not work here.
    #[error("the sandbox cannot be used")]
    Sandbox {
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// It is there and does not run.
    #[error("ffmpeg does not run")]
    Broken {
        /// Why.
        #[source]
        source: MediaError,
    },
}

impl Ffmpeg {
    /// Finds the programs where the configuration says, or in `PATH`. Nothing is run; see [`check`](Self::check).
    ///
    /// # Errors
    /// [`FindError::Missing`] with a text that says what to install.
    pub fn find(launcher: Launcher, config: &FfmpegConfig) -> Result<Self, FindError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let ffmpeg = locate("ffmpeg", config.ffmpeg_path.as_deref(), &path)?;
        let ffprobe = locate("ffprobe", config.ffprobe_path.as_deref(), &path)?;
        Ok(Self { inner: Arc::new(Inner { launcher, ffmpeg, ffprobe, config: config.clone() }) })
    }

    /// Runs ffmpeg once, to find at start what would otherwise fail with the first video. Returns what the sandbox enforces.
    ///
    /// # Errors
    /// All but [`FindError::Missing`].
    pub async fn check(&self) -> Result<Enforced, FindError> {
        let enforced = self.inner.launcher.probe().await.map_err(|source| FindError::Sandbox { source })?;
        let mut job = Job::new(Program::Ffmpeg, "/");
        job.arguments(&["-hide_banner", "-encoders"]);
        let listed = self.run(&job, |_| ()).await.map_err(|source| FindError::Broken { source })?;
        match ENCODERS.into_iter().find(|encoder| !has_encoder(&listed.stdout, encoder)) {
            Some(encoder) => Err(FindError::Incomplete { encoder }),
            None => Ok(enforced),
        }
    }

    pub(crate) fn launcher(&self) -> &Launcher {
        &self.inner.launcher
    }

    pub(crate) fn config(&self) -> &FfmpegConfig {
        &self.inner.config
    }

    pub(crate) fn path_of(&self, program: Program) -> &Path {
        match program {
            Program::Ffmpeg => &self.inner.ffmpeg,
            Program::Ffprobe => &self.inner.ffprobe,
        }
    }
}

fn locate(program: &'static str, configured: Option<&Path>, path: &OsStr) -> Result<PathBuf, FindError> {
    let (candidates, place) = match configured {
        Some(file) => (vec![file.to_owned()], format!("at {}", file.display())),
        None => {
            (std::env::split_paths(path).map(|folder| folder.join(program)).collect(), "in PATH".to_owned())
        }
    };
    // With links resolved: the sandbox lets the file be executed, and links lead out of what it allows.
    let found = candidates.iter().filter_map(|file| file.canonicalize().ok()).find(|file| file.is_file());
    found.ok_or(FindError::Missing { program, place })
}

/// A line of the list is ` V....D libx264  description`.
fn has_encoder(list: &str, encoder: &str) -> bool {
    list.lines().any(|line| line.split_ascii_whitespace().nth(1) == Some(encoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_ffmpeg_is_told_what_to_install() {
        let error = locate("ffmpeg", None, OsStr::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("apt-get install ffmpeg") && error.contains("in PATH"), "{error}");
        let error = locate("ffprobe", Some(Path::new("/nowhere/x")), OsStr::new("/usr/bin")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/x"), "{error}");
        assert!(error.to_string().contains("ffmpeg.ffprobe_path"), "{error}");
    }

    #[test]
    fn an_encoder_is_found_by_its_whole_name() {
        let list = " V....D libx264              H.264\n V..... libsvtav1  AV1\n";
        assert!(has_encoder(list, "libx264"));
        assert!(!has_encoder(list, "libx26"));
        assert!(!has_encoder(list, "H.264"));
    }
}
