//! `package-ledger custody`: the chains of custody as files, and whether they are whole (P-D4).
//!
//! An export is a directory:
//!
//! | file | what it holds |
//! |---|---|
//! | `events.jsonl` | every event, chain after chain, as `domain::custody` describes |
//! | `heads.jsonl` | how each chain ends: `{"hash", "package_id", "seq"}` |
//! | `files/<sha256>` | the files that go with the events, as far as they were asked for and are still there |
//!
//! It is checked without the database. A head that was noted down elsewhere, or at an earlier time, proves more than the one that comes
//! from the same database as the events.

mod export;
mod files;
mod heads;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;
use settings::ConfigFile;
use uuid::Uuid;

const EVENTS: &str = "events.jsonl";
const HEADS: &str = "heads.jsonl";
const FILES: &str = "files";

#[derive(Subcommand)]
pub(super) enum Custody {
    /// Write the chains of custody into a directory.
    Export {
        #[command(flatten)]
        file: ConfigFile,
        /// The directory; it is made if it is not there.
        #[arg(long)]
        out: PathBuf,
        /// Only that of this package.
        #[arg(long)]
        package: Option<Uuid>,
        /// Where to get the photos and papers too: the gateway, or upload-ingest. The token of somebody who may see them is read from
        /// `ALDIA_TOKEN`.
        #[arg(long)]
        files_from: Option<String>,
    },
    /// Check an export: neither configuration nor database is needed. Ends with 1 where something is wrong.
    Verify {
        /// The directory.
        directory: PathBuf,
        /// Ends of chains as they were kept elsewhere, of this export or of an earlier one: a chain may have gone on since, but it has to go
        /// through the end that it had.
        #[arg(long)]
        heads: Option<PathBuf>,
    },
}

/// Runs one of them.
///
/// # Errors
/// Where files cannot be read or written, of the database, and where a chain is broken.
pub(super) async fn run(command: Custody) -> anyhow::Result<()> {
    match command {
        Custody::Export { file, out, package, files_from } => {
            export::run(&file.load()?, &out, package, files_from.as_deref()).await
        }
        Custody::Verify { directory, heads } => verify::run(&directory, heads.as_deref()),
    }
}
