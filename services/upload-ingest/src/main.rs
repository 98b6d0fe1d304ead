//! The service's binary; see `upload-ingest --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    upload_ingest::cli::run().await
}
