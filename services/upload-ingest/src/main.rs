//! The service's binary; see `upload-ingest --help`.

use std::process::ExitCode;

/// Buffers of hundreds of uploads come and go on many threads, and the system's allocator keeps what it got back for each of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    upload_ingest::cli::run().await
}
