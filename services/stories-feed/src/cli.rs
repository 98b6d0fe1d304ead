//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use http_client::{Client, ClientConfig};
use settings::{ConfigFile, print};
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::config::Config;
use crate::{demo, sync};

/// Gym members post stories that vanish, and scroll everyone else's.
#[derive(Parser)]
#[command(name = "stories-feed", version)]
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
    /// Bring what is known of people up to the catalog, beside the running service: where the catalog's events reach back less far than
    /// its users. The token of an administrator is read from `ALDIA_CATALOG_TOKEN`.
    SyncPeople {
        #[command(flatten)]
        file: ConfigFile,
        /// The catalog, or the gateway before it.
        #[arg(long)]
        catalog: String,
    },
    /// Load the demo data that are missing, beside the running services; the last line printed is JSON.
    Seed {
        #[command(flatten)]
        file: ConfigFile,
        /// The directory with the photos and clips, in `media`.
        #[arg(long)]
        data: PathBuf,
        /// The gateway.
        #[arg(long)]
        base_url: String,
        /// The file with the demo accounts: `.aldia/demo.json`.
        #[arg(long)]
        accounts: PathBuf,
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
    settings::exit("stories-feed", ended)
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(file) => serve(file.load()?).await,
        Command::Migrate(file) => settings::print_applied(&app::migrate(&file.load()?).await?),
        Command::SyncPeople { file, catalog } => sync_people(file.load()?, &catalog).await,
        Command::Seed { file, data, base_url, accounts } => {
            demo::run(&file.load()?, &data, &base_url, &accounts).await?;
            // Who can sign in is known already.
            print("{\"accounts\": []}\n")
        }
        Command::Openapi => print(&(serde_json::to_string_pretty(&crate::api::openapi::document())? + "\n")),
        Command::Problems => print(&(serde_json::to_string_pretty(&crate::problems::all())? + "\n")),
    }
}

async fn sync_people(config: Config, catalog: &str) -> anyhow::Result<()> {
    // No part of the configuration, and no argument, which others could see.
    let token = std::env::var("ALDIA_CATALOG_TOKEN").context("ALDIA_CATALOG_TOKEN is not set")?;
    let parts = app::parts(&config, Arc::new(pg_pool::now)).await?;
    let client = Client::new(ClientConfig { max_answer_bytes: 32 << 20, ..ClientConfig::default() })?;
    let synced = sync::people(&parts.state, &client, catalog, &token.into()).await?;
    print(&format!("{} people in the catalog, {} of them news\n", synced.seen, synced.applied))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::init("stories-feed", &config.telemetry)?;
    let app = App::start(config).await?;
    tracing::info!(addr = %app.addr(), "stories are served");
    let result = app.until_stopped().await;
    telemetry.shutdown();
    Ok(result?)
}
