//! The worker's binary; see `upload-worker --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all, before there is a thread: this same binary is also what starts ffmpeg in its sandbox.
    sandbox::intercept();
    upload_ingest::worker::cli::run()
}
