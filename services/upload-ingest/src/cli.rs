//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::{ConfigFile, print};
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::config::Config;
use crate::jobs::reconcile;

/// Photos and videos come in, in one request or in many; what is made of them goes out. The work on them is done by
/// `upload-worker`.
#[derive(Parser)]
#[command(name = "upload-ingest", version)]
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
    /// Compare the store of objects with the database, and remove what nothing refers to.
    Reconcile {
        #[command(flatten)]
        file: ConfigFile,
        /// Change nothing; only report.
        #[arg(long)]
        dry_run: bool,
        /// How the report is printed.
        #[arg(long, value_enum, default_value_t)]
        format: reconcile::Format,
    },
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
    settings::exit("upload-ingest", ended)
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(file) => serve(file.load()?).await,
        Command::Migrate(file) => settings::print_applied(&app::migrate(&file.load()?).await?),
        Command::Reconcile { file, dry_run, format } => {
            print(&reconcile::run_once(&file.load()?, dry_run, format).await?)
        }
        Command::Openapi => print(&(serde_json::to_string_pretty(&crate::api::openapi::document())? + "\n")),
        Command::Problems => print(&(serde_json::to_string_pretty(&crate::problems::all())? + "\n")),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::init("upload-ingest", &config.telemetry)?;
    let app = App::start(config).await?;
    tracing::info!(addr = %app.addr(), "uploads are received");
    let result = app.until_stopped().await;
    telemetry.shutdown();
    Ok(result?)
}
