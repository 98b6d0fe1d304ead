//! The contract itself under faults: no read may show less than what was acknowledged before it began.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::HeaderValue;
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::report::Report;

mod config;
pub(crate) mod dice;
mod herd;
mod ledger;
mod liar;
mod link;
mod nemesis;
pub(crate) mod pool;
mod readers;
mod reads;
mod scan;
mod scrape;
mod seed;
pub(crate) mod server;
pub(crate) mod stores;
mod system;
mod tally;
mod verdict;
mod world;
mod writers;

use dice::Dice;
use herd::Herd;
use ledger::Ledger;
use nemesis::{COMBINATION, Fault, Nemesis};
use pool::Pool;
use scrape::Metrics;
use system::{Setup, System};
use tally::{CALM, Tally};
use world::{Target, World};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to read, write and break.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: u64,
    /// What is broken when, and who asks for what, follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    gateways: u8,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    catalogs: u8,
    /// Reads a second, all targets together.
    #[arg(long, default_value_t = 10_000)]
    reads: u32,
    /// Writes a second, all writers together.
    #[arg(long, default_value_t = 20)]
    writes: u32,
    /// Break nothing.
    #[arg(long)]
    calm: bool,
    /// Seconds of calm before each fault.
    #[arg(long, default_value_t = 4)]
    calm_seconds: u64,
    /// Only faults whose name holds one of these words: `kill`, `gateway-nats`, `pause-redis`, …
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// Gateways keep nothing: a check of the catalog, and of the checker.
    #[arg(long)]
    no_cache: bool,
    /// Break the protocol on purpose, and expect that it is found within a minute: `no_stamp`, `no_ack_wait`, `store_late`,
    /// `ignore_lease`, `unversioned_fill`; or `ttl_cache`, which puts a stale cache before the first gateway.
    #[arg(long, value_name = "WAY")]
    sabotage: Option<String>,
    /// The catalog program; with a sabotage, one that was built for it.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The gateway program, likewise.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Where `report.json`, the stories of stale answers and, if there are some, the logs go.
    #[arg(long, value_name = "FOLDER", default_value = "target/check-freshness")]
    report: PathBuf,
    /// TOML for the end of each catalog's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    catalog_config: String,
    /// TOML for the end of each gateway's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    gateway_config: String,
}

/// The sabotage that needs no special programs.
const TTL_CACHE: &str = "ttl_cache";
/// A sabotage has to be found within this time.
const FOUND_WITHIN: Duration = Duration::from_secs(60);
/// What must be answered from memory while nothing is broken, in percent.
const CALM_HIT_RATE: f64 = 80.0;
/// Readers of each gateway and of each replica, and what share of all reads goes straight to replicas.
const READERS: usize = 16;
const DIRECT_READERS: usize = 3;
const DIRECT_SHARE: f64 = 0.03;
const WRITERS: usize = 16;
/// How often a read begins at each gateway whatever became of the one before.
const LATE_EVERY: Duration = Duration::from_millis(40);
/// Longest that those under way at the end may take.
const LAST_ANSWERS: Duration = Duration::from_secs(20);
const LAST_LOOK: Duration = Duration::from_secs(120);

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let setup = setup(&args).await?;
    let faults = faults(&args)?;
    let mut system = System::start(&setup).await?;
    let world = Arc::new(populate(&args, &setup, &system, &faults).await?);
    let mut tasks = start_load(&args, &world);
    if args.sabotage.is_some() {
        tasks.spawn(stop_when_found(Arc::clone(&world)));
    }

    let mut metrics = Metrics::default();
    let time = if args.sabotage.is_some() { FOUND_WITHIN } else { Duration::from_secs(args.seconds) };
    let start = Instant::now();
    let mut nemesis = Nemesis {
        world: &world,
        system: &mut system,
        dice: Dice::new(args.seed, "nemesis", 0),
        faults,
        calm: Duration::from_secs(if args.sabotage.is_some() { 1 } else { args.calm_seconds }),
        until: start + time,
        metrics: &mut metrics,
    };
    let ended = nemesis.run().await;
    let took = start.elapsed();
    world.stop();
    metrics.scrape(&system).await;
    // What still hangs by then has nothing to tell.
    let _ = timeout(LAST_ANSWERS, async { while tasks.join_next().await.is_some() {} }).await;
    tasks.abort_all();
    if ended.is_ok() && args.sabotage.is_none() {
        timeout(LAST_LOOK, readers::last_look(&world))
            .await
            .context("the last look at everything does not end")?;
    }

    let run = json!({
        "seed": args.seed, "seconds": took.as_secs_f64(), "gateways": args.gateways, "catalogs": args.catalogs,
        "cache": setup.cache, "sabotage": args.sabotage, "reads_a_second": args.reads, "writes_a_second": args.writes,
    });
    verdict::write(&args.report, run, &world.tally, &world.ledger, &metrics)?;
    if ended.is_err() || world.ledger.stale() > 0 {
        system.keep_logs(&args.report.join("logs"))?;
    }
    ended.with_context(|| format!("the logs are in {}", args.report.join("logs").display()))?;
    system.stop().await?;
    verdict::print(&world.tally, &world.ledger, &metrics);
    Ok(judge(&args, &setup, &world, took))
}

fn judge(args: &Args, setup: &Setup, world: &World, took: Duration) -> Report {
    let mut report = Report::default();
    let checked = world.tally.total("all", |_| true).checked();
    let stale = world.ledger.stale();
    let found = format!(
        "{stale} stale answers in {checked} reads within {:.1} s, seed {}",
        took.as_secs_f64(),
        args.seed
    );
    println!("{found}; everything is in {}\n", args.report.display());
    if let Some(way) = &args.sabotage {
        report.expect(format!("the sabotage `{way}` is found: {found}"), stale > 0);
        return report;
    }
    report.expect(format!("no answer is stale: {found}"), stale == 0);
    report.expect("something was read", checked > 0);
    let unreadable = world.unreadable.load(Ordering::Relaxed);
    report.expect(format!("every answer shows its version: {unreadable} do not"), unreadable == 0);
    if setup.cache {
        let rate = world.tally.phase(CALM).hit_rate().unwrap_or_default();
        report.expect(
            format!("{CALM_HIT_RATE} % of the reads through gateways are hits while nothing is broken: {rate:.1} %"),
            rate >= CALM_HIT_RATE,
        );
    }
    report
}

async fn setup(args: &Args) -> anyhow::Result<Setup> {
    let sabotage = args.sabotage.clone().filter(|way| way != TTL_CACHE);
    let folder = match &sabotage {
        Some(_) if args.catalog.is_none() || args.gateway.is_none() => sabotaged_programs().await?,
        _ => PathBuf::from("target/release"),
    };
    let program = |given: &Option<PathBuf>, name: &str| -> anyhow::Result<PathBuf> {
        let file = given.clone().unwrap_or_else(|| folder.join(name));
        file.canonicalize().with_context(|| format!("there is no program {}", file.display()))
    };
    Ok(Setup {
        catalog: program(&args.catalog, "catalog")?,
        gateway: program(&args.gateway, "gateway")?,
        catalogs: args.catalogs.into(),
        gateways: args.gateways.into(),
        cache: !args.no_cache,
        sabotage,
        catalog_more: args.catalog_config.clone(),
        gateway_more: args.gateway_config.clone(),
    })
}

/// Builds programs that can break the protocol, apart from those that cannot, and returns where they are.
async fn sabotaged_programs() -> anyhow::Result<PathBuf> {
    let folder = Path::new("target/sabotage");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "-p", "catalog", "-p", "gateway", "-p", "freshness"]);
    cargo.args(["--features", "gateway/sabotage,freshness/sabotage", "--target-dir"]).arg(folder);
    let status = cargo.kill_on_drop(true).status().await.context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "the programs for a sabotage cannot be built");
    Ok(folder.join("release"))
}

fn faults(args: &Args) -> anyhow::Result<Vec<Fault>> {
    if args.calm {
        return Ok(Vec::new());
    }
    let wanted = |fault: &Fault| {
        args.faults.is_empty() || args.faults.iter().any(|word| fault.label().contains(word.as_str()))
    };
    let mut faults: Vec<Fault> = Fault::all().into_iter().filter(wanted).collect();
    anyhow::ensure!(!faults.is_empty(), "no fault has a name like that");
    // What is most likely to show a sabotage comes more often, so that a minute is enough.
    let telling: &[&str] = match args.sabotage.as_deref() {
        Some("no_ack_wait") => &["slow-gateway-nats", "pause-gateway"],
        Some("store_late") => &["slow-gateway-catalog", "slow-catalog-postgres"],
        Some("ignore_lease") => &["pause-gateway", "silent-gateway-nats", "cut-gateway-nats"],
        Some("unversioned_fill") => &["slow-catalog-postgres"],
        _ => &[],
    };
    let often: Vec<Fault> =
        faults.iter().copied().filter(|fault| telling.contains(&fault.label().as_str())).collect();
    if !often.is_empty() {
        faults = often;
    }
    Ok(faults)
}

async fn populate(args: &Args, setup: &Setup, system: &System, faults: &[Fault]) -> anyhow::Result<World> {
    let mut targets = Vec::new();
    for (number, door) in system.doors.iter().enumerate() {
        let lies = number == 0 && args.sabotage.as_deref() == Some(TTL_CACHE);
        let addr = if lies { liar::start(door.public).await? } else { door.public };
        targets.push(target(format!("gateway {number}"), true, addr)?);
    }
    for (number, addr) in system.replicas.iter().enumerate() {
        targets.push(target(format!("catalog {number}"), false, *addr)?);
    }
    let herd = Herd::new(args.seed);
    let ledger = Ledger::new(herd.slots);
    let first = targets.get(setup.gateways - 1).context("no gateway")?;
    let tokens = seed::sign_in(&first.pool, &first.host).await?;
    seed::make_herd(&first.pool, &first.host, &tokens, &herd, &ledger).await?;
    let labels = faults.iter().map(|fault| fault.label()).chain([COMBINATION.to_owned()]);
    Ok(World::new(targets, tokens, herd, ledger, Tally::new(labels)))
}

fn target(name: String, is_gateway: bool, addr: std::net::SocketAddr) -> anyhow::Result<Target> {
    let host = HeaderValue::from_str(&addr.to_string())?;
    Ok(Target { name, is_gateway, host, pool: Pool::new(addr) })
}

fn start_load(args: &Args, world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let dice = |purpose, number| Dice::new(args.seed, purpose, number);
    let all = f64::from(args.reads);
    let (direct, gateways) = (all * DIRECT_SHARE, all * (1.0 - DIRECT_SHARE));
    for (target, of) in world.targets.iter().enumerate() {
        let (readers, rate) = if of.is_gateway {
            tasks.spawn(readers::late(Arc::clone(world), target, dice("late", target), LATE_EVERY));
            (READERS, gateways / f64::from(args.gateways))
        } else {
            (DIRECT_READERS, direct / f64::from(args.catalogs))
        };
        for number in 0..readers {
            let dice = dice("reader", target * 1_000 + number);
            tasks.spawn(readers::steady(Arc::clone(world), target, dice, rate / readers as f64));
        }
    }
    for number in 0..WRITERS {
        let rate = f64::from(args.writes) / WRITERS as f64;
        tasks.spawn(writers::steady(Arc::clone(world), dice("writer", number), rate));
    }
    tasks.spawn(readers::move_deltas(Arc::clone(world), dice("delta", 0)));
    tasks
}

/// A sabotage that is found once is found.
async fn stop_when_found(world: Arc<World>) {
    while world.ledger.stale() == 0 && !world.is_stopping() {
        sleep(Duration::from_millis(50)).await;
    }
    // A moment longer, for more than one story.
    sleep(Duration::from_millis(500)).await;
    world.stop();
}
