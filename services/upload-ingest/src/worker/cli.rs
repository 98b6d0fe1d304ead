//! The worker's command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::ConfigFile;
use telemetry::Telemetry;

use super::app::App;
use crate::config::Config;

/// Makes variants of photos and renditions of videos, one stage at a time, with ffmpeg in a sandbox.
#[derive(Parser)]
#[command(name = "upload-worker", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work until SIGTERM.
    Run(ConfigFile),
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    // Fails only where a provider is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Command::Run(file) = Cli::parse().command;
    settings::exit("upload-worker", work(&file))
}

fn work(file: &ConfigFile) -> anyhow::Result<()> {
    let config: Config = file.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(async {
        let telemetry = Telemetry::init("upload-worker", &config.telemetry)?;
        let app = Box::pin(App::start(config)).await?;
        tracing::info!(addr = %app.addr(), "the worker works");
        let result = app.until_stopped().await;
        telemetry.shutdown();
        Ok(result?)
    }))
}
