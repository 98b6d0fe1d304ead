//! The gateway's command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gateway::Gateway;
use gateway::app::{App, StartError};
use gateway::config::Config;
use telemetry::Telemetry;
use telemetry::metrics::Metrics;

/// Requests come and go with buffers of several KiB, which the system's allocator merges and splits again each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_CONFIG` of sysexits.h.
const CONFIG_FAULT: u8 = 78;
/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

/// The one door to aldia: routes, authenticates, forwards and explains.
#[derive(Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    /// Check a configuration and say what it does; the same as `check FILE`.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT, then finish what is in flight.
    Serve {
        /// The configuration, TOML. Variables `ALDIA_<SECTION>__<KEY>` lie over it.
        #[arg(long, env = "ALDIA_GATEWAY_CONFIG", value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration and say what it does. Names every fault and exits with 78 if there is one.
    Check {
        /// The configuration, TOML. Variables `ALDIA_<SECTION>__<KEY>` lie over it.
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the problem types the gateway answers with, as JSON.
    Problems,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = match (cli.check, cli.command) {
        (Some(config), _) => Command::Check { config },
        (None, Some(command)) => command,
        (None, None) => {
            eprintln!("gateway: nothing to do; see `gateway --help`");
            return ExitCode::from(USAGE);
        }
    };
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("gateway: another TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    let outcome = match command {
        Command::Serve { config } => serve(&config).await,
        Command::Check { config } => check(&config),
        Command::Problems => problems(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error:#}");
            let is_config =
                error.downcast_ref::<StartError>().is_some_and(|e| matches!(e, StartError::Config(_)));
            if is_config { ExitCode::from(CONFIG_FAULT) } else { ExitCode::FAILURE }
        }
    }
}

async fn serve(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path).map_err(StartError::from)?;
    let telemetry = Telemetry::init("gateway", &config.telemetry)?;
    let outcome = run(&config, path).await;
    tokio::task::block_in_place(|| telemetry.shutdown());
    outcome
}

async fn run(config: &Config, path: &Path) -> anyhow::Result<()> {
    let mut app = App::start(config)?;
    app.reload_from(path.to_owned())?;
    app.until_stopped().await?;
    Ok(())
}

fn check(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path).map_err(StartError::from)?;
    Gateway::build(&config, &Metrics::new("gateway"))?;
    print!("{}", gateway::explain(&config));
    Ok(())
}

fn problems() -> anyhow::Result<()> {
    let all: Vec<_> = gateway::problems::known()
        .into_iter()
        .map(|kind| {
            serde_json::json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc})
        })
        .collect();
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}
