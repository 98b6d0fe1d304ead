//! `aldia collect` and `aldia trace`.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::collect::{Collector, Options};
use crate::ids::{Named, TraceId};
use crate::search::{self, Filter};
use crate::store::Snapshot;
use crate::tree::Tree;
use crate::view;

/// Within a state directory.
const FOLDER: &str = "traces";
/// How often is looked again for what has not come yet.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After its last end a trace may still get spans: each process exports once a second, and a parent ends after its children.
const SETTLED_AFTER: Duration = Duration::from_millis(2500);

/// Receive traces and keep a while of them.
///
/// Takes OTLP over HTTP as protobuf, on /v1/traces; give services its URL as telemetry.otlp_endpoint. `make up` starts one.
/// Whoever reaches the address can fill the store: keep it private.
#[derive(Debug, Args)]
pub struct Collect {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// Where to keep them; by default `traces` in the state directory of the local run.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Most mebibytes to keep; the oldest traces go.
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=4096))]
    most_mib: u64,
}

/// Show a trace as a tree, or list traces.
///
/// Columns: when a span began, how long it took, how long none of its children ran, and a bar of all that. `*` marks the critical
/// path: what would have had to be faster for the whole to be. Exit codes: 0 found, 1 not, 2 wrong usage.
#[derive(Debug, Args)]
pub struct Show {
    /// A trace id, a `traceparent`, or the X-Request-Id of an answer.
    #[arg(value_name = "ID", value_parser = Named::parse, conflicts_with_all = ["last", "slow", "failed", "route", "jobs"])]
    id: Option<Named>,
    /// Show the latest trace; with the options below the first of theirs.
    #[arg(long)]
    last: bool,
    /// The slowest first.
    #[arg(long)]
    slow: bool,
    /// Only those in which something failed.
    #[arg(long)]
    failed: bool,
    /// Only those with a request of this route, path, or span name: /v1/animals, "GET catalog".
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Those of jobs, too, in which no request was served.
    #[arg(long)]
    jobs: bool,
    /// How many to list.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// For programs.
    #[arg(long)]
    json: bool,
    /// Most seconds to wait for a trace that is not there or not whole yet: services export once a second.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=60))]
    wait: u64,
    /// The store; by default `traces` in the state directory of the local run.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs `aldia collect` until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start.
pub async fn collect(options: &Collect, state: Option<&Path>) -> Result<()> {
    let options = Options {
        listen: options.listen,
        directory: directory(options.dir.as_deref(), state),
        most_bytes: options.most_mib << 20,
    };
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let collector = Collector::start(&options).await?;
    let (address, directory) = (collector.address()?, options.directory.display());
    say(&format!("takes traces at http://{address}/v1/traces and keeps them in {directory}"))?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    collector.run(stop).await;
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Runs `aldia trace`.
///
/// # Errors
/// When there is no such trace, or no store.
pub async fn show(options: &Show, state: Option<&Path>) -> Result<()> {
    let mut snapshot = Snapshot::open(&directory(options.dir.as_deref(), state))?;
    if let Some(name) = &options.id {
        let tree = wait_for(&mut snapshot, name, Duration::from_secs(options.wait)).await?;
        return print(&tree, options.json);
    }
    let route = options.route.clone();
    let filter = Filter { slow: options.slow, failed: options.failed, route, jobs: options.jobs };
    let mut heads = search::filtered(&snapshot, &filter);
    if heads.is_empty() {
        bail!("no trace in {} is so; {}", snapshot.directory().display(), extent(&snapshot));
    }
    if options.last {
        let Some(first) = heads.first() else { bail!("no trace") };
        return print(&Tree::of(snapshot.spans(first.trace_id)), options.json);
    }
    heads.truncate(options.limit);
    let lines: Vec<_> = heads.iter().map(|head| search::line(&snapshot, head)).collect();
    if options.json {
        return Ok(say(&serde_json::to_string_pretty(&lines)?)?);
    }
    say(&view::table(&lines).join("\n"))?;
    Ok(())
}

/// Whether more of a trace is to be expected.
fn is_settled(tree: &Tree) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (_, end) = tree.extent();
    tree.is_whole() && Duration::from_nanos(end) + SETTLED_AFTER <= now
}

/// The trace once it is whole, or what there is of it when the time is up.
async fn wait_for(snapshot: &mut Snapshot, name: &Named, patience: Duration) -> Result<Tree> {
    let deadline = tokio::time::Instant::now() + patience;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut found: Option<TraceId> = None;
    loop {
        looks.tick().await;
        snapshot.refresh()?;
        found = found.or_else(|| search::named(snapshot, name));
        let tree = found.map(|id| Tree::of(snapshot.spans(id)));
        let is_late = tokio::time::Instant::now() >= deadline;
        match tree {
            Some(tree) if is_settled(&tree) || is_late => return Ok(tree),
            None if is_late => bail!(
                "{name} is not in {}; {}.\nOf requests that were not drawn (telemetry.sample_ratio) only slow and failed ones \
                 are recorded. Its log lines: grep -h '{}' .aldia/logs/*.log",
                snapshot.directory().display(),
                extent(snapshot),
                match name {
                    Named::Trace(id) => id.to_string(),
                    Named::Request(id) => id.clone(),
                }
            ),
            _ => {}
        }
    }
}

/// What a store holds, in words.
fn extent(snapshot: &Snapshot) -> String {
    let traces = snapshot.traces();
    match (traces.iter().map(|head| head.start_unix_nanos).min(), traces.first()) {
        (Some(oldest), Some(latest)) => format!(
            "it holds {} traces, from {} to {}",
            traces.len(),
            view::instant(oldest),
            view::instant(latest.end_unix_nanos)
        ),
        _ => "it is empty: do services export to the collector (telemetry.otlp_endpoint)?".to_owned(),
    }
}

fn print(tree: &Tree, json: bool) -> Result<()> {
    if json {
        return Ok(say(&serde_json::to_string_pretty(&view::to_json(tree)).context("a trace as JSON")?)?);
    }
    say(&view::lines(tree, io::stdout().is_terminal()).join("\n"))?;
    Ok(())
}

fn directory(named: Option<&Path>, state: Option<&Path>) -> PathBuf {
    match named {
        Some(named) => named.to_owned(),
        None => state.unwrap_or(Path::new(".aldia")).join(FOLDER),
    }
}
