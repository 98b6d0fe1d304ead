//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use event_bus::Bus;
use event_bus::dead_letter::Replay;
use settings::{ConfigFile, print};
use telemetry::Telemetry;

use crate::app::{self, App};
use crate::commands::create_user::create_user;
use crate::commands::{dead_letters, seed};
use crate::config::Config;
use crate::model::registry::Registry;

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
    Serve(ConfigFile),
    /// Bring the database to the newest schema.
    Migrate(ConfigFile),
    /// Load the demo herd (what is missing of it) and print the demo accounts as JSON.
    Seed {
        #[command(flatten)]
        file: ConfigFile,
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
        file: ConfigFile,
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
        file: ConfigFile,
        /// A key may have leaked: sign with the new one at once, and publish the old ones no longer.
        #[arg(long)]
        at_once: bool,
    },
    /// After a restore from a backup, before the first start: begin a new history, so that clients that saw the lost one
    /// load everything anew.
    BeginEpoch(ConfigFile),
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
        file: ConfigFile,
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
        file: ConfigFile,
        /// All of them.
        #[arg(long, conflicts_with = "sequence", required_unless_present = "sequence")]
        all: bool,
        /// The one with this sequence, as listed.
        #[arg(long)]
        sequence: Option<u64>,
    },
}

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    // Fails only where a provider is installed already, which is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let ended = Box::pin(tokio::task::LocalSet::new().run_until(dispatch(cli.command))).await;
    settings::exit("catalog", ended)
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(file) => serve(file.load()?).await,
        Command::Migrate(file) => settings::print_applied(&app::migrate(&file.load()?).await?),
        Command::Seed { file, data, password } => seed::run(&file.load()?, &data, password).await,
        Command::CreateUser { file, identification, fullname, email, role, password } => {
            let members = serde_json::json!({"identification": identification, "fullname": fullname, "email": email, "role": role, "password": password});
            print(&format!("{}\n", create_user(&file.load()?, &members).await?))
        }
        Command::RotateKeys { file, at_once } => match app::rotate_keys(&file.load()?, at_once).await? {
            Some((kid, signs_from)) => print(&format!("published {kid}; it signs from {signs_from}\n")),
            None => print("a new key waits already\n"),
        },
        Command::BeginEpoch(file) => {
            app::begin_epoch(&file.load()?).await?;
            print("a new history has begun\n")
        }
        Command::DeadLetters(DeadLetters::List { file, limit, format }) => {
            let bus = Bus::connect(&file.load::<Config>()?.nats).await?;
            dead_letters::list(&bus, limit, format).await
        }
        Command::DeadLetters(DeadLetters::Replay { file, sequence, .. }) => {
            let bus = Bus::connect(&file.load::<Config>()?.nats).await?;
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
