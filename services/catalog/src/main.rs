//! The catalog's binary; see `catalog --help`.

use std::process::ExitCode;

/// An answer that is made from rows is thousands of small pieces, made by one thread and often freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    catalog::cli::run().await
}
