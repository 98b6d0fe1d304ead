//! The command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use event_bus::Bus;
use event_bus::dead_letter::Replay;
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::commands::create_user::create_user;
use crate::commands::{dead_letters, seed};
use crate::config::Config;
use crate::model::registry::Registry;

/// Exit code for faults of the configuration (`EX_CONFIG` of sysexits.h).
const EX_CONFIG: u8 = 78;

/// Users, animals, diseases and breeds: records that are never stale, delta sync, and the tokens of all services.
#[derive(Parser)]
#[command(name = "catalog", version)]
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
    /// Load the demo herd (what is missing of it) and print the demo accounts as JSON.
    Seed {
        #[command(flatten)]
        configured: Configured,
        /// Folder with the breed, disease and people lists.
        #[arg(long, default_value = "data")]
        data: PathBuf,
        /// Password of the demo accounts; each gets a random one when it is not given.
        #[arg(long, env = "ALDIA_DEMO_PASSWORD", hide_env_values = true)]
        password: Option<String>,
    },
    /// Make a user without signing in: the first administrator.
    CreateUser {
        #[command(flatten)]
        configured: Configured,
        /// Number of the person's identity document; what the person signs in with.
        #[arg(long)]
        identification: String,
        /// Full name.
        #[arg(long)]
        fullname: String,
        /// E-mail address.
        #[arg(long)]
        email: String,
        /// apprentice, instructor or administrator.
        #[arg(long, default_value = "apprentice")]
        role: String,
        /// Password; from the environment, so that it does not stand in the process list.
        #[arg(env = "ALDIA_PASSWORD", hide_env_values = true, long)]
        password: String,
    },
    /// Publish a new signing key now; it signs after the publication lead.
    RotateKeys {
        #[command(flatten)]
        configured: Configured,
        /// A key may have leaked: sign with the new one at once, and publish the old ones no longer.
        #[arg(long)]
        at_once: bool,
    },
    /// After a restore from a backup, before the first start: begin a new history, so that clients that saw the lost one
    /// load everything anew.
    BeginEpoch(Configured),
    /// Events that a consumer gave up on.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the problem types as JSON.
    Problems,
    /// Print the table of a declared model, as its migration holds it.
    Ddl {
        /// The model's name: `animal`.
        model: String,
    },
}

#[derive(Subcommand)]
enum DeadLetters {
    /// List them, oldest first.
    List {
        #[command(flatten)]
        configured: Configured,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// How the list is printed.
        #[arg(long, value_enum, default_value_t)]
        format: dead_letters::Format,
    },
    /// Publish them again.
    Replay {
        #[command(flatten)]
        configured: Configured,
        /// All of them.
        #[arg(long, conflicts_with = "sequence", required_unless_present = "sequence")]
        all: bool,
        /// The one with this sequence, as listed.
        #[arg(long)]
        sequence: Option<u64>,
    },
}

#[derive(Args)]
struct Configured {
    /// Configuration file (TOML). The environment goes over it: ALDIA_POSTGRES__URL sets `url` of `[postgres]`.
    #[arg(long, short, env = "ALDIA_CONFIG")]
    config: Option<PathBuf>,
}

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    // Fails only where a provider is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    match Box::pin(tokio::task::LocalSet::new().run_until(dispatch(cli.command))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let invalid = error.is::<InvalidConfig>();
            // Standard error may be closed; there is nobody left to tell.
            let _ = writeln!(std::io::stderr().lock(), "catalog: {error:#}");
            if invalid { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the configuration is not valid:\n{0}")]
struct InvalidConfig(String);

impl Configured {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref()).map_err(InvalidConfig)?)
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
        Command::Seed { configured, data, password } => seed::run(&configured.load()?, &data, password).await,
        Command::CreateUser { configured, identification, fullname, email, role, password } => {
            let members = serde_json::json!({"identification": identification, "fullname": fullname, "email": email, "role": role, "password": password});
            print(&format!("{}\n", create_user(&configured.load()?, &members).await?))
        }
        Command::RotateKeys { configured, at_once } => {
            match app::rotate_keys(&configured.load()?, at_once).await? {
                Some((kid, signs_from)) => print(&format!("published {kid}; it signs from {signs_from}\n")),
                None => print("a new key waits already\n"),
            }
        }
        Command::BeginEpoch(configured) => {
            app::begin_epoch(&configured.load()?).await?;
            print("a new history has begun\n")
        }
        Command::DeadLetters(DeadLetters::List { configured, limit, format }) => {
            let bus = Bus::connect(&configured.load()?.nats).await?;
            dead_letters::list(&bus, limit, format).await
        }
        Command::DeadLetters(DeadLetters::Replay { configured, sequence, .. }) => {
            let bus = Bus::connect(&configured.load()?.nats).await?;
            dead_letters::replay(&bus, sequence.map_or(Replay::All, Replay::Sequence)).await
        }
        Command::Openapi => print(
            &(serde_json::to_string_pretty(&crate::api::openapi::document(&Registry::default()))? + "\n"),
        ),
        Command::Problems => print(&(serde_json::to_string_pretty(&crate::problems::all())? + "\n")),
        Command::Ddl { model } => {
            let model =
                Registry::default().model(&model).with_context(|| format!("there is no model {model}"))?;
            print(&crate::create_table(model))
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::init("catalog", &config.telemetry)?;
    let app = App::start(config, Registry::default()).await?;
    tracing::info!(addr = %app.addr(), "the catalog serves");
    let result = app.until_stopped().await;
    telemetry.shutdown();
    Ok(result?)
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
