//! What our benchmark is set beside, started by this program itself: caching gateways before one origin, a Python yardstick of the systems
//! that ours replace, and ceilings (what a constant, a file, or the database's own statement costs).
//!
//! A measurement opens a [`Stage`], starts on it whatever it wants of [`Peer::all`], and asks each [`Started`] for the request of a [`Workload`]:
//!
//! ```ignore
//! let mut stage = Stage::open(&folder).await?;
//! for &peer in Peer::all() {
//!     match stage.start(peer).await? {
//!         Outcome::Started(started) => {
//!             if let Some(ask) = started.ask(Workload::Hot2k) { /* GET ask.path(&mut dice) at started.addr() */ }
//!             let cpu = Snapshot::of(&started.pids());
//!         }
//!         Outcome::LeftOut(reason) => eprintln!("{}: left out: {reason}", peer.name()),
//!     }
//! }
//! stage.stop().await?;
//! ```
//!
//! [`Started`] is owned by the caller; what it leans on (origin, PostgreSQL, Redis) by the stage, which starts each when first needed.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::report::{Report, Table};

mod ask;
mod asks;
pub(crate) mod ceiling;
mod check;
pub(crate) mod guard;
mod install;
mod peer;
mod redis;
mod schema;
mod stage;
mod start;
mod started;
mod statements;
mod workload;
mod yardstick;

pub(crate) use ask::UploadWay;
pub(crate) use peer::{Kind, Peer};
pub(crate) use stage::{Outcome, Stage};
pub(crate) use started::Started;
pub(crate) use statements::{Rate, Statement};
pub(crate) use workload::Workload;

/// How long each statement is asked by `--check`.
const STATEMENT: Duration = Duration::from_secs(1);

/// What is started, and what is done with it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Peers; all when none is named.
    #[arg(value_enum)]
    peers: Vec<Peer>,
    /// Ask each for everything that it can be asked, say whether the answers are right, and end.
    #[arg(long)]
    check: bool,
    /// Where peers live while they run, and what is installed for them stays.
    #[arg(long, value_name = "FOLDER", default_value = "target/peers")]
    folder: PathBuf,
}

/// Starts peers and holds them until SIGINT or SIGTERM, or checks them; whether what was expected held.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told_to_end = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    };
    let mut told_to_end = std::pin::pin!(told_to_end);
    let mut report = Report::default();
    let mut stage = tokio::select! {
        stage = Stage::open(&args.folder) => stage?,
        () = &mut told_to_end => anyhow::bail!("told to end"),
    };
    let mut running = Vec::new();
    tokio::select! {
        started = start_all(&mut stage, &args, &mut running, &mut report) => started?,
        () = &mut told_to_end => anyhow::bail!("told to end"),
    }
    if !args.check {
        told_to_end.await;
    }
    for started in running {
        started.stop().await?;
    }
    stage.stop().await?;
    Ok(!args.check || report.finish())
}

async fn start_all(
    stage: &mut Stage,
    args: &Args,
    running: &mut Vec<Started>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let wanted = if args.peers.is_empty() { Peer::all() } else { &args.peers };
    for &peer in wanted {
        match stage.start(peer).await? {
            Outcome::Started(started) => running.push(started),
            Outcome::LeftOut(reason) => eprintln!("{}: left out: {reason}", peer.name()),
        }
    }
    if !args.check {
        list(running);
        return Ok(());
    }
    let columns = ["peer", "workload", "asked", "status", "bytes", "behind it", "verdict"];
    let mut table = Table::new("What peers answer", &columns);
    for started in &*running {
        check::check(stage, started, &mut table, report).await?;
    }
    table.print();
    if args.peers.is_empty() {
        check_statements(stage, report).await?;
    }
    Ok(())
}

async fn check_statements(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    let mut table =
        Table::new("Statements by themselves, one client", &["statement", "answered", "a second", "average"]);
    for &statement in Statement::all() {
        let Rate { answered, per_second, latency } = stage.statement(statement, 1, STATEMENT).await?;
        report.expect(format!("{} is answered", statement.name()), answered > 0);
        let cells = [format!("{per_second:.0}"), crate::report::millis(latency)];
        table.row(&[&[statement.name().to_owned(), answered.to_string()], cells.as_slice()].concat());
    }
    table.print();
    Ok(())
}

/// What listens where, for whoever brings a load generator.
fn list(running: &[Started]) {
    let mut table = Table::new("Peers", &["peer", "address", "processes", "workload", "request"]);
    for started in running {
        let pids = started.pids().iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        for &workload in started.peer().workloads() {
            let Some(ask) = started.ask(workload) else { continue };
            let method = match ask.upload.map(|upload| upload.way) {
                None => "GET",
                Some(UploadWay::Put) => "PUT",
                Some(UploadWay::Multipart | UploadWay::Tus) => "POST",
            };
            let fields = ask
                .headers
                .iter()
                .map(|(name, value)| format!("; {name}: {}", value.to_str().unwrap_or("?")));
            let request = format!("{method} {}{}", ask.pattern, fields.collect::<String>());
            let (peer, addr) = (started.peer().name(), started.addr().to_string());
            table.row(&[peer, addr, pids.clone(), workload.name(), request]);
        }
    }
    table.print();
    println!("Until SIGINT. `{{rand:A-B}}` stands for another number in each request.");
}
