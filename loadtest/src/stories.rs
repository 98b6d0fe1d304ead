//! The stories feed by itself: measured beside what it replaces, and looked at by a thousand viewers.

use std::path::{Path, PathBuf};

pub(crate) mod bench;
pub(crate) mod cpu;
pub(crate) mod data;
pub(crate) mod system;
pub(crate) mod viewers;

/// The programs under test, and where files are made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The service.
    #[arg(long, value_name = "FILE", default_value = "target/release/stories-feed")]
    stories_feed: PathBuf,
    /// The gateway.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    gateway: PathBuf,
    /// Where the servers of the run live, and the logs of one that failed.
    #[arg(long, value_name = "FOLDER", default_value = "target/stories")]
    folder: PathBuf,
}

impl Programs {
    /// All of them in one folder, as cargo leaves them.
    pub(crate) fn below(programs: &Path, folder: &Path) -> Self {
        let [stories_feed, gateway] = ["stories-feed", "gateway"].map(|name| programs.join(name));
        Self { stories_feed, gateway, folder: folder.to_owned() }
    }
}
