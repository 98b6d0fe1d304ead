//! The catalog's binary; see `catalog --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    catalog::cli::run().await
}
