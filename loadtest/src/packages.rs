//! The parcel desk by itself: its list of 200,000 packages measured beside what it replaces.

use std::path::{Path, PathBuf};

pub(crate) mod bench;
mod cell;
pub(crate) mod data;
pub(crate) mod paths;
pub(crate) mod system;
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

impl Programs {
    /// All of them in one folder, as cargo leaves them.
    pub(crate) fn below(programs: &Path, folder: &Path) -> Self {
        let [package_ledger, gateway] = ["package-ledger", "gateway"].map(|name| programs.join(name));
        Self { package_ledger, gateway, folder: folder.to_owned() }
    }
}
