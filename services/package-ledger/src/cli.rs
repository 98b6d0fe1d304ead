//! The command line.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::ConfigFile;
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::config::Config;

/// A parcel desk: receives, stores, prices and hands over, everything on record.
#[derive(Parser)]
#[command(name = "package-ledger", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve requests until SIGTERM.
    Serve(ConfigFile),
    /// Bring the database to the newest schema.
    Migrate(ConfigFile),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the problem types as JSON.
    Problems,
}

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    // Fails only where a provider is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let ended = Box::pin(tokio::task::LocalSet::new().run_until(dispatch(cli.command))).await;
    settings::exit("package-ledger", ended)
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(file) => serve(file.load()?).await,
        Command::Migrate(file) => {
            let applied = app::migrate(&file.load()?).await?;
            print(&if applied.is_empty() {
                "the schema is up to date\n".to_owned()
            } else {
                format!("applied: {}\n", applied.join(", "))
            })
        }
        Command::Openapi => print(&(serde_json::to_string_pretty(&crate::api::openapi::document())? + "\n")),
        Command::Problems => print(&(serde_json::to_string_pretty(&crate::problems::all())? + "\n")),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::init("package-ledger", &config.telemetry)?;
    let app = App::start(config).await?;
    tracing::info!(addr = %app.addr(), "the desk is open");
    let result = app.until_stopped().await;
    telemetry.shutdown();
    Ok(result?)
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
