//! The parcel desk by itself: its list of 200,000 packages measured beside what it replaces.

use std::path::PathBuf;

pub(crate) mod bench;
mod cell;
mod data;
mod paths;
mod system;
mod ways;

/// The programs under test, and where files are made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The service.
    #[arg(long, value_name = "FILE", default_value = "target/release/package-ledger")]
    package_ledger: PathBuf,
    /// The gateway.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    gateway: PathBuf,
    /// Where the servers of the run live, and the logs of one that failed.
    #[arg(long, value_name = "FOLDER", default_value = "target/packages")]
    folder: PathBuf,
}
