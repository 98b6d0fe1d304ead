//! The service's binary; see `stories-feed --help`.

use std::process::ExitCode;

/// Each answer is put together from many small pieces, which the system's allocator merges and splits again each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    stories_feed::cli::run().await
}
