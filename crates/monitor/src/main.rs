//! The binary; see `aldia monitor --help`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    monitor::run().await
}
