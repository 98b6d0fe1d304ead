//! The service's binary; see `stories-feed --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    stories_feed::cli::run().await
}
