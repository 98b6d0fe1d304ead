#![doc = include_str!("../README.md")]

mod errors;
mod generated;
mod openapi;
mod services;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Checks and generators of this repository.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The repository; found from where this program was built when not given.
    #[arg(long, global = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Checks the house rules.
    Tidy,
    /// Writes docs/ERRORS.md from the services' problem registries.
    Errors(Generate),
    /// Writes proto/openapi, one document a service, from the services.
    Openapi(Generate),
}

/// How a generator runs.
#[derive(Debug, Args)]
struct Generate {
    /// Writes nothing; fails when the committed file differs.
    #[arg(long)]
    check: bool,
    /// Where the services' binaries lie; without it they are built and run by cargo.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let root = cli.root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")));
    let root = root.canonicalize()?;
    match cli.task {
        Task::Tidy => tidy(&root),
        Task::Errors(how) => {
            let services = services::Services::find(&root, how.bin_dir)?;
            generated::settle(errors::files(&services)?, &root, how.check)
        }
        Task::Openapi(how) => {
            let services = services::Services::find(&root, how.bin_dir)?;
            generated::settle(openapi::files(&services)?, &root, how.check)
        }
    }
}

fn tidy(root: &std::path::Path) -> anyhow::Result<ExitCode> {
    let violations = tidy::check(root)?;
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} violations", violations.len());
    Ok(ExitCode::FAILURE)
}
