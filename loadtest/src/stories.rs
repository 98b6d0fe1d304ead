//! The stories feed by itself: measured beside what it replaces, and looked at by a thousand viewers.

use std::path::PathBuf;

pub(crate) mod bench;
pub(crate) mod cpu;
mod data;
mod system;
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
