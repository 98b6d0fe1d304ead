//! Faults of every kind against the whole system, before a real Prometheus with the rules that are shipped: each must be noticed by the
//! right alert, by no other, and be named in the logs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::report::Report;

mod breakage;
mod config;
mod disk;
mod load;
mod logs;
mod machine;
mod prometheus;
mod round;
mod system;
mod table;
mod verdict;
mod watch;

use load::Load;
use machine::Ticks;
use prometheus::Prometheus;
use round::Stage;
use system::System;
use table::{Fault, Sign};
use verdict::{Drill, Round};
use watch::Watch;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the programs are.
    #[arg(long, value_name = "FOLDER", default_value = "target/release")]
    programs: PathBuf,
    /// Only faults with one of these words in their names.
    #[arg(long = "fault", value_name = "WORD")]
    faults: Vec<String>,
    /// Where the run has its servers, and where the report and, after a miss, the logs go.
    #[arg(long, value_name = "FOLDER", default_value = "target/alarms")]
    folder: PathBuf,
    /// Seconds of load without a fault, in which nothing may fire.
    #[arg(long, default_value_t = 120)]
    calm: u64,
    /// Seconds to wait at most for silence after the calm and after each round: longer than any window of an alert that is not said to
    /// linger.
    #[arg(long, default_value_t = 900)]
    quiet_within: u64,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let rounds = chosen(&args.faults)?;
    let system = System::start(&args.folder, &args.programs).await?;
    anyhow::ensure!(
        system.disk.is_some() || !rounds.concat().contains(&Fault::FullDisk),
        "a small disk can be mounted by root alone; name the other faults with --fault"
    );
    let folder = system.folder().to_owned();
    let load = Load::prepare(&system).await?;
    let prometheus = Arc::new(Prometheus::start(&folder, &system.targets()).await?);
    let rules = prometheus.rules().await?;
    let watch = Watch::begin(Arc::clone(&prometheus));
    let system = Arc::new(Mutex::new(system));
    let stage = Stage { system: Arc::clone(&system), load, watch, rules, began: Instant::now() };

    let clients = stage.load.begin()?;
    let (calm, quiet_within) = (Duration::from_secs(args.calm), Duration::from_secs(args.quiet_within));
    let ended = drill(&stage, &rounds, calm, quiet_within).await;
    drop(clients);
    // A rule that could not be evaluated has seen nothing.
    let checked = prometheus.rules().await;
    let judged = ended.and_then(|rounds| {
        checked?;
        let drill = Drill { stage: &stage, rounds, answers: stage.load.answers() };
        drill.print();
        drill.write(&args.folder.join("report.json"))?;
        Ok((drill.judge(), drill.is_clean()))
    });
    if !matches!(judged, Ok((_, true))) {
        let logs = args.folder.join("logs");
        system.lock().await.keep_logs(&logs)?;
        eprintln!("the logs are in {}", logs.display());
    }
    drop(stage);
    if let Some(mut prometheus) = Arc::into_inner(prometheus) {
        prometheus.stop().await?;
    }
    let system = Arc::into_inner(system).context("somebody holds the system still")?;
    system.into_inner().stop().await?;
    judged.map(|(report, _)| report)
}

/// Calm, and then round after round.
async fn drill(
    stage: &Stage,
    rounds: &[Vec<Fault>],
    calm: Duration,
    quiet_within: Duration,
) -> anyhow::Result<Vec<Round>> {
    let (began, before) = (Instant::now(), Ticks::now()?);
    sleep(calm).await;
    if let Some(complaint) = machine::complaint(Ticks::now()?.idle_since(before)) {
        eprintln!("{complaint}");
    }
    let loud = stage.until_quiet(&[], quiet_within).await?;
    let mut done = vec![Round { began, ended: Instant::now(), courses: Vec::new(), loud }];
    let mut lingering: Vec<Sign> = Vec::new();
    for faults in rounds {
        let began = Instant::now();
        let courses = try_join_all(faults.iter().map(|fault| stage.run(*fault))).await?;
        lingering.extend(faults.iter().flat_map(|fault| fault.expectation().lingering));
        let loud = stage.until_quiet(&lingering, quiet_within).await?;
        done.push(Round { began, ended: Instant::now(), courses, loud });
    }
    Ok(done)
}

/// The rounds with the faults that are asked for.
fn chosen(words: &[String]) -> anyhow::Result<Vec<Vec<Fault>>> {
    let wanted =
        |fault: &Fault| words.is_empty() || words.iter().any(|word| fault.label().contains(word.as_str()));
    let rounds =
        Fault::rounds().into_iter().map(|round| round.iter().copied().filter(wanted).collect::<Vec<_>>());
    let rounds: Vec<Vec<Fault>> = rounds.filter(|round| !round.is_empty()).collect();
    let names = Fault::ALL.map(Fault::label).join(", ");
    anyhow::ensure!(!rounds.is_empty(), "no fault has a name like that; there are {names}");
    Ok(rounds)
}
