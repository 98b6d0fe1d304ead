#![doc = include_str!("../README.md")]

mod errors;
mod generated;
mod openapi;
mod perf;
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
    /// Writes alerts, their tests, dashboards and docs/BUDGETS.md from perf.toml; every operation must have a budget there.
    Perf(Perf),
}

/// What is done with perf.toml.
#[derive(Debug, Args)]
struct Perf {
    /// Writes nothing; fails when a committed file differs.
    #[arg(long, conflicts_with = "seen")]
    check: bool,
    /// Writes nothing; compares the budgets with what tests ran that were told `ALDIA_BUDGETS_SEEN` to be this directory.
    #[arg(long)]
    seen: Option<PathBuf>,
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
        Task::Perf(Perf { seen: Some(folder), .. }) => {
            perf::loose(&root, &folder)?.iter().for_each(|line| println!("{line}"));
            Ok(ExitCode::SUCCESS)
        }
        Task::Perf(Perf { check, seen: None }) => generated::settle(perf::files(&root)?, &root, check),
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
