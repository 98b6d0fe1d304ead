//! The command line.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

use crate::report::Report;
use crate::service::Place;
use crate::targets::{Target, Targets, local_run, parse_target, state_directory};
use crate::view;
use crate::watch::Watch;

const USUAL_EVERY: Duration = Duration::from_secs(2);
/// Rates over less than this say little.
const SHORTEST_EVERY: f64 = 0.1;

/// Tools around a running system.
#[derive(Debug, Parser)]
#[command(name = "aldia", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what services, databases and the machine do now, and what is out of bounds.
    ///
    /// Without --target, --postgres and --redis it looks at the local run (`make up`) of the repository it is run in. Rates and
    /// quantiles are those between two looks. `?`, in JSON `null`, means: not known. It ends with 0 whatever it finds.
    Monitor(Options),
    Collect(traces::cli::Collect),
    Trace(traces::cli::Show),
}

#[derive(Debug, Args)]
struct Options {
    /// A service: the URL of its private port, or of its metrics.
    #[arg(long = "target", value_name = "NAME=URL", value_parser = parse_target)]
    targets: Vec<Place>,
    /// A database. Any role that may connect; the variable keeps passwords out of the list of processes (several: with commas).
    #[arg(
        long,
        value_name = "URL",
        env = "ALDIA_MONITOR_POSTGRES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    postgres: Vec<String>,
    /// A Redis server.
    #[arg(
        long,
        value_name = "URL",
        env = "ALDIA_MONITOR_REDIS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    redis: Vec<String>,
    /// The state directory of a local run, looked at beside what is named.
    #[arg(long, value_name = "DIR", env = "STACK_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// A path whose file system is watched.
    #[arg(long = "disk", value_name = "PATH")]
    disks: Vec<PathBuf>,
    /// Seconds between two looks; 2 unless told otherwise.
    #[arg(long, value_name = "SECONDS", value_parser = parse_every)]
    every: Option<Duration>,
    /// Look twice, tell once, end.
    #[arg(long)]
    once: bool,
    /// JSON: one document, or with --every one in each line.
    #[arg(long)]
    json: bool,
}

fn parse_every(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    if !(SHORTEST_EVERY..=3600.0).contains(&seconds) {
        return Err(format!("it must lie between {SHORTEST_EVERY} and 3600"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Runs the command line and says how it ended.
pub async fn run() -> ExitCode {
    let (name, ended) = match Cli::parse().command {
        Command::Monitor(options) => return monitor(&options).await,
        Command::Collect(options) => ("collect", traces::cli::collect(&options, state().as_deref()).await),
        Command::Trace(options) => ("trace", traces::cli::show(&options, state().as_deref()).await),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has had enough.
        Err(error) if error.downcast_ref().is_some_and(is_broken_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aldia {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// The state directory of the local run: as the launcher was told, else found.
fn state() -> Option<PathBuf> {
    std::env::var_os("STACK_STATE_DIR").map(PathBuf::from).or_else(state_directory)
}

async fn monitor(options: &Options) -> ExitCode {
    let targets = match targets(options) {
        Ok(targets) => targets,
        Err(error) => {
            let message = format!("{error:#}; name what to look at with --target NAME=URL");
            Cli::command().error(ErrorKind::MissingRequiredArgument, message).exit()
        }
    };
    match watch(options, targets).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aldia monitor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn targets(options: &Options) -> Result<Targets> {
    let named = !(options.targets.is_empty() && options.postgres.is_empty() && options.redis.is_empty());
    let mut targets = match &options.state_dir {
        Some(state) => local_run(state)?,
        None if named => Targets::default(),
        None => local_run(&state_directory().unwrap_or_else(|| PathBuf::from(".aldia")))?,
    };
    targets.services.extend(options.targets.iter().cloned().map(|place| Target { place, process: None }));
    targets.postgres.extend(options.postgres.iter().cloned());
    targets.redis.extend(options.redis.iter().cloned());
    targets.disks.extend(options.disks.iter().cloned());
    if targets.disks.is_empty() {
        targets.disks.push(PathBuf::from("/"));
    }
    Ok(targets)
}

async fn watch(options: &Options, targets: Targets) -> io::Result<()> {
    let every = options.every.unwrap_or(USUAL_EVERY);
    let once = options.once || (options.json && options.every.is_none());
    let mut watch = Watch::new(targets);
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    // The first look has nothing to compare with.
    watch.look().await;
    loop {
        ticks.tick().await;
        let report = watch.look().await;
        if options.json {
            print_json(&report, once)?;
        } else {
            print_text(&report, !once)?;
        }
        if once {
            return Ok(());
        }
    }
}

fn print_json(report: &Report, alone: bool) -> io::Result<()> {
    let text = if alone { serde_json::to_string_pretty(report) } else { serde_json::to_string(report) };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text?)?;
    out.flush()
}

/// On a terminal each report takes the place of the one before, cut to what it shows; elsewhere they follow one another.
fn print_text(report: &Report, again: bool) -> io::Result<()> {
    let lines = view::lines(report);
    let mut out = io::stdout().lock();
    let size = if again && out.is_terminal() { rustix::termios::tcgetwinsize(&out).ok() } else { None };
    let Some(size) = size else {
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
        return out.flush();
    };
    let (columns, rows) = (usize::from(size.ws_col).max(20), usize::from(size.ws_row).max(4));
    let shown = if lines.len() > rows - 1 { rows - 2 } else { lines.len() };
    // To the upper left; each line erases what stood behind it, the last what stood below.
    write!(out, "\x1b[H")?;
    for line in lines.iter().take(shown) {
        write!(out, "{}\x1b[K\r\n", line.chars().take(columns).collect::<String>())?;
    }
    if lines.len() > shown {
        write!(out, "… {} more lines: a taller window or --json has them\x1b[K\r\n", lines.len() - shown)?;
    }
    write!(out, "\x1b[J")?;
    out.flush()
}
