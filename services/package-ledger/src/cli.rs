//! The command line.

mod books;
mod custody;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::{ConfigFile, print};
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::config::Config;
use crate::demo::{self, Sizes};

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
    /// Load the demo data into an empty desk, beside the running services; the last line printed is JSON.
    Seed {
        #[command(flatten)]
        file: ConfigFile,
        /// The directory with pictures, in `media`.
        #[arg(long, default_value = "data")]
        data: PathBuf,
        /// The gateway.
        #[arg(long)]
        base_url: String,
        /// The file with the demo accounts: `.aldia/demo.json`.
        #[arg(long)]
        accounts: PathBuf,
        /// How many customers there will be.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        customers: u32,
        /// How many packages.
        #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
        packages: u32,
    },
    /// The chains of custody as files, and whether they are whole.
    #[command(subcommand)]
    Custody(custody::Custody),
    /// The books.
    #[command(subcommand)]
    Books(Books),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the problem types as JSON.
    Problems,
}

#[derive(Subcommand)]
enum Books {
    /// Check that every peso is where it should be. Ends with 1 where one is not.
    Verify(ConfigFile),
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
        Command::Migrate(file) => settings::print_applied(&app::migrate(&file.load()?).await?),
        Command::Seed { file, data, base_url, accounts, customers, packages } => {
            let sizes = Sizes { customers, packages };
            let listed = Box::pin(demo::run(&file.load()?, &data, &base_url, &accounts, sizes)).await?;
            print(&format!("{listed}\n"))
        }
        Command::Custody(command) => custody::run(command).await,
        Command::Books(Books::Verify(file)) => books::verify(&file.load()?).await,
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
