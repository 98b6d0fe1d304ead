//! Where a running service spends processor time, what its threads wait for, and what it allocates: flame graphs, and a report that
//! says the same in tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use tempfile::TempDir;

mod alloc;
mod attach;
mod catalog;
mod cpu;
mod drive;
mod fold;
mod names;
mod perf;
mod scenario;
mod script;
mod stage;
mod symbols;
mod tally;
mod wait;

use self::drive::Drive;
use self::names::Ours;
use self::perf::Stacks;
use self::scenario::{Scenario, Service};
use self::stage::Stage;
use self::symbols::Symbols;
use self::tally::Tally;
use crate::report::Report;

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["service", "attach", "pid"]))]
pub(crate) struct Args {
    /// Start a system with this service, put load on it, and look at the service.
    #[arg(long, requires = "scenario")]
    service: Option<Service>,
    /// What is asked of it. Each service has some of these.
    #[arg(long, requires = "service")]
    scenario: Option<Scenario>,
    /// Look at a service of the local run (`make up`), by its name; the load is whatever comes.
    #[arg(long, value_name = "NAME")]
    attach: Option<String>,
    /// Look at this process; likewise.
    #[arg(long)]
    pid: Option<u32>,
    /// What is looked at, one after the other. `alloc` slows the process down most.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["cpu", "wait"])]
    view: Vec<View>,
    /// How long each view is recorded.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Clients at once, each asking again as soon as it has its answer.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    clients: u16,
    /// Samples of processor time a second, of each thread that runs.
    #[arg(long, default_value_t = 997, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    hertz: u32,
    /// How callers are found. Programs for profiles are built with frame pointers; others, as those of `--attach` and `--pid`, need
    /// `dwarf`, which is taken for them unless told otherwise.
    #[arg(long, value_enum)]
    stacks: Option<Stacks>,
    /// The programs under test.
    #[arg(long, value_name = "FOLDER", default_value = "target/profiling/profiling")]
    programs: PathBuf,
    /// Where a folder `<service>-<scenario>-<time>` is made.
    #[arg(long, value_name = "FOLDER", default_value = "target/profile")]
    output: PathBuf,
    /// The state of the local run, for `--attach`.
    #[arg(long, value_name = "FOLDER", default_value = ".aldia")]
    state: PathBuf,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum View {
    /// What runs, and which system calls are made.
    Cpu,
    /// What threads wait for.
    Wait,
    /// What is allocated.
    Alloc,
}

/// The process that is looked at.
struct Subject {
    /// Service and scenario, for titles.
    label: String,
    pid: u32,
    program: PathBuf,
    drive: Option<Drive>,
    stacks: Stacks,
    hertz: u32,
    stretch: Duration,
    ours: Ours,
}

impl Subject {
    fn symbols(&self) -> anyhow::Result<Symbols> {
        Symbols::of(&self.program)
    }

    fn tally(&self) -> Tally {
        Tally::new(self.ours.clone())
    }
}

/// A part of the report.
struct Told {
    text: String,
    /// Requests while it was recorded, where they were counted.
    requests: Option<f64>,
}

/// What was recorded, not yet looked at.
enum Taken {
    Cpu(cpu::Taken),
    Wait(wait::Taken),
    Alloc(alloc::Taken),
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    perf::prepare().await?;
    fs::create_dir_all(&args.output).with_context(|| format!("cannot make {}", args.output.display()))?;
    // Recordings are large, and of no use when they have been read.
    let recordings = tempfile::Builder::new().prefix("recording-").tempdir_in(args.output.canonicalize()?)?;
    let (mut subject, system) = subject(&args).await?;
    let taken = take(&args.view, &mut subject, &recordings).await;
    // What is read takes processors of its own, so nothing may run any more.
    subject.drive = None;
    if let Some(system) = system {
        system.stop().await?;
    }
    let folder =
        args.output.join(format!("{}-{}", subject.label.replace(' ', "-"), now().format("%Y%m%dT%H%M%SZ")));
    let told = tell(&taken?, &subject, &folder).await?;
    let parts = told.iter().map(|told| told.text.as_str());
    let text: String = [heading(&subject, &args).as_str()].into_iter().chain(parts).collect();
    fs::write(folder.join("report.md"), &text)?;
    println!("{text}\nin {}", folder.display());
    let mut report = Report::default();
    if args.scenario.is_some() {
        let busy = told.iter().all(|told| told.requests.is_some());
        report.expect("requests were answered while each view was recorded", busy);
    }
    Ok(report)
}

/// Starts what is to be looked at, or finds it; the system is to be stopped afterwards.
async fn subject(args: &Args) -> anyhow::Result<(Subject, Option<stage::System>)> {
    let (label, pid, drive, system) = match (args.service, args.scenario, &args.attach, args.pid) {
        (Some(service), Some(scenario), ..) => {
            service.check(scenario)?;
            let home = stage::home(&args.output)?;
            let Stage { pid, shot, system } = Stage::start(service, scenario, &args.programs, &home).await?;
            let drive = Drive::start(shot, args.clients.into(), args.seed).await?;
            (format!("{} {}", service.name(), scenario.name()), pid, Some(drive), Some(system))
        }
        (_, _, Some(name), _) => (format!("{name} attached"), attach::pid_of(&args.state, name)?, None, None),
        (.., Some(pid)) => (format!("process {pid}"), pid, None, None),
        _ => anyhow::bail!("--service, --attach or --pid says what to look at"),
    };
    let usual = if drive.is_some() { Stacks::FramePointers } else { Stacks::Dwarf };
    let subject = Subject {
        label,
        pid,
        program: perf::program_of(pid)?,
        drive,
        stacks: args.stacks.unwrap_or(usual),
        hertz: args.hertz,
        stretch: Duration::from_secs(args.seconds.into()),
        ours: Ours::of(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?),
    };
    Ok((subject, system))
}

async fn take(views: &[View], subject: &mut Subject, recordings: &TempDir) -> anyhow::Result<Vec<Taken>> {
    let mut taken = Vec::new();
    for view in views {
        let folder = recordings.path();
        taken.push(match view {
            View::Cpu => Taken::Cpu(cpu::take(subject, folder).await?),
            View::Wait => Taken::Wait(wait::take(subject, folder).await?),
            View::Alloc => Taken::Alloc(alloc::take(subject, folder).await?),
        });
    }
    Ok(taken)
}

/// What was looked at, and how.
fn heading(subject: &Subject, args: &Args) -> String {
    let load = match args.scenario {
        Some(_) => format!("{} clients", args.clients),
        None => "whatever load there is".to_owned(),
    };
    let stacks =
        subject.stacks.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    format!(
        "# {}\n\n{}, `{}`, {load}; each view {} s; stacks by {stacks}.\n",
        subject.label,
        now().format("%F %T UTC"),
        subject.program.display(),
        args.seconds,
    )
}

/// Draws everything into the folder, and says what it says.
async fn tell(taken: &[Taken], subject: &Subject, folder: &Path) -> anyhow::Result<Vec<Told>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut told = Vec::new();
    for taken in taken {
        told.push(match taken {
            Taken::Cpu(taken) => taken.tell(subject, folder).await?,
            Taken::Wait(taken) => taken.tell(subject, folder).await?,
            Taken::Alloc(taken) => taken.tell(subject, folder).await?,
        });
    }
    Ok(told)
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}
