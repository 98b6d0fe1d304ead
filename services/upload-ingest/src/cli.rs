//! The command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::config::Config;
use crate::jobs::reconcile;

/// Exit code for faults of the configuration (`EX_CONFIG` of sysexits.h).
pub(crate) const EX_CONFIG: u8 = 78;

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
    Serve(Configured),
    /// Bring the database to the newest schema.
    Migrate(Configured),
    /// Compare the store of objects with the database, and remove what nothing refers to.
    Reconcile {
        #[command(flatten)]
        configured: Configured,
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

/// Where the configuration is.
#[derive(Args)]
pub(crate) struct Configured {
    /// Configuration file (TOML). The environment goes over it: ALDIA_POSTGRES__URL sets `url` of `[postgres]`.
    #[arg(long, short, env = "ALDIA_CONFIG")]
    config: Option<PathBuf>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not valid:\n{0}")]
pub(crate) struct InvalidConfig(String);

impl Configured {
    /// Reads it.
    ///
    /// # Errors
    /// [`InvalidConfig`] with every fault.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref()).map_err(InvalidConfig)?)
    }
}

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    // Fails only where a provider is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let ended = Box::pin(tokio::task::LocalSet::new().run_until(dispatch(cli.command))).await;
    exit("upload-ingest", ended)
}

/// Says on standard error what went wrong, and gives it an exit code.
pub(crate) fn exit(program: &str, ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let invalid = error.is::<InvalidConfig>();
            // Standard error may be closed; there is nobody left to tell.
            let _ = writeln!(std::io::stderr().lock(), "{program}: {error:#}");
            if invalid { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(configured) => serve(configured.load()?).await,
        Command::Migrate(configured) => {
            let applied = app::migrate(&configured.load()?).await?;
            print(&if applied.is_empty() {
                "the schema is up to date\n".to_owned()
            } else {
                format!("applied: {}\n", applied.join(", "))
            })
        }
        Command::Reconcile { configured, dry_run, format } => {
            print(&reconcile::run_once(&configured.load()?, dry_run, format).await?)
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

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
