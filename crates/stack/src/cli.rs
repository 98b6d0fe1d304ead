//! The command line.
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::build::{Binaries, Profile};
use crate::commands;
use crate::commands::up::Wanted;
use crate::interrupt::Interrupted;
use crate::site::Site;
use crate::ui::Ui;

/// Starts, watches and stops a whole local system.
///
/// Private PostgreSQL, Redis and NATS run on ports of their own with everything they keep under the state directory. Set
/// ALDIA_POSTGRES_URL (of a role that may create roles and databases), ALDIA_REDIS_URL or ALDIA_NATS_URL to use servers
/// that run already. Settings of services, `ALDIA_<SECTION>__<KEY>`, are passed on to them.
#[derive(Debug, Parser)]
#[command(
    name = "stack",
    version,
    after_help = "Exit codes: 0 done, 1 failed and nothing left running, 2 wrong usage, \
    130 or 143 interrupted; `test` ends with the code of its command."
)]
struct Cli {
    /// Keep data, logs, pids and keys here instead of in `.aldia` at the repository's root.
    #[arg(long, global = true, value_name = "DIR", env = "STACK_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// The repository's root; by default found upwards from here.
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Put the gateway on this port, every other service at its usual distance from it, and the servers 100 above; for a
    /// second system on one machine.
    #[arg(long, global = true, value_name = "PORT", env = "STACK_PORT_BASE")]
    port_base: Option<u16>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring everything up in the background and return when it is ready.
    ///
    /// Installs what is missing (with apt-get, as root or by passwordless sudo), builds, starts private servers, migrates,
    /// loads the demo data, starts the services. On a running system it says so and changes nothing. On any failure it
    /// stops what it started.
    Up {
        /// Which cargo profile to build with.
        #[arg(long, value_enum, default_value_t = Profile::Release)]
        profile: Profile,
        /// Whether traces are received and kept; each service then exports all of its own.
        #[arg(long, value_enum, value_name = "ON|OFF", env = "STACK_TRACES", default_value_t = Switch::On)]
        traces: Switch,
        /// Use the binaries in this directory instead of building.
        #[arg(long, value_name = "DIR")]
        bin_dir: Option<PathBuf>,
        /// Leave the data as they are: load no demo data.
        #[arg(long)]
        no_demo_data: bool,
        /// Start only this much.
        #[arg(long, value_enum, hide = true)]
        only: Option<Only>,
    },
    /// Stop exactly what `up` started.
    Down {
        /// Also remove the state directory: databases, logs, keys.
        #[arg(long)]
        data: bool,
    },
    /// Show each part: its pid, its port, whether it is ready, for how long it has run.
    Status {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Load the demo data into the running system again; what is there already stays.
    Seed,
    /// Copy the databases, objects and keys of the running system to a new directory, beside its work.
    ///
    /// The directory is readable by its owner alone, and holds every secret of the system.
    Backup {
        /// Made; must be empty if it is there.
        #[arg(value_name = "DIR")]
        to: PathBuf,
        /// Write the secrets to this file instead of into the directory, to be kept elsewhere.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Put a backup into an empty state directory, and check it; `up` starts the system from it.
    ///
    /// Every file is held against the backup's manifest before anything is changed. Afterwards nothing of the time between the backup and
    /// now can be taken for current any more: caches begin empty, validators and sync tokens of that time are void.
    Restore {
        /// The backup.
        #[arg(value_name = "DIR")]
        from: PathBuf,
        /// Where its secrets are, if not in it.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        /// Remove what the state directory holds now: databases, objects, keys.
        #[arg(long)]
        replace: bool,
        /// Which cargo profile to build with.
        #[arg(long, value_enum, default_value_t = Profile::Release)]
        profile: Profile,
        /// Use the binaries in this directory instead of building.
        #[arg(long, value_name = "DIR")]
        bin_dir: Option<PathBuf>,
    },
    /// Run a command with throwaway servers of its own.
    ///
    /// It finds them in ALDIA_TEST_PG_URL (a superuser), ALDIA_TEST_REDIS_URL and ALDIA_TEST_NATS_URL, and built binaries
    /// in ALDIA_TEST_BIN_DIR. They are gone when it ends, however it ends.
    Test {
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// It is there.
    On,
    /// It is not.
    Off,
}

/// Parts of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    /// PostgreSQL, Redis and NATS.
    Servers,
}

/// Runs the command line and says how it ended.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new();
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(cli, ui)));
    match ended {
        Ok(code) => code,
        Err(error) => {
            ui.failure(&format!("{error:#}"));
            let interrupted = error.downcast_ref::<Interrupted>();
            ExitCode::from(interrupted.map_or(1, Interrupted::exit_code))
        }
    }
}

async fn dispatch(cli: Cli, ui: Ui) -> Result<ExitCode> {
    let site = Site::find(cli.root, cli.state_dir, cli.port_base, ui)?;
    match cli.command {
        Command::Up { profile, traces, bin_dir, no_demo_data, only } => {
            let binaries = Binaries { profile, given: bin_dir };
            let wanted = Wanted { binaries, only, traces: traces == Switch::On, demo_data: !no_demo_data };
            commands::up::up(&site, &wanted).await
        }
        Command::Down { data } => commands::down::down(&site, data).await,
        Command::Status { json } => commands::status::status(&site, json).await,
        Command::Seed => commands::seed::seed(&site).await,
        Command::Backup { to, keys } => commands::backup::backup(&site, &to, keys.as_deref()).await,
        Command::Restore { from, keys, replace, profile, bin_dir } => {
            let binaries = Binaries { profile, given: bin_dir };
            let from = commands::restore::From { directory: from, keys, replace };
            commands::restore::restore(&site, &from, &binaries).await
        }
        Command::Test { command } => commands::test::test(&site, &command).await,
    }
}
