//! The launcher behind make up, down, status and test: the entry point only.
use std::process::ExitCode;

fn main() -> ExitCode {
    stack::run()
}
