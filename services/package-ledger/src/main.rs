//! The service's binary; see `package-ledger --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    package_ledger::cli::run().await
}
