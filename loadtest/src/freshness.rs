//! The contract itself under faults: no read may show less than what was acknowledged before it began.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::HeaderValue;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::report::Report;

mod chronicle;
pub(crate) mod config;
pub(crate) mod dice;
mod herd;
mod ledger;
mod liar;
pub(crate) mod link;
mod nemesis;
pub(crate) mod packages;
mod parts;
pub(crate) mod pool;
mod readers;
mod reads;
mod register;
pub(crate) mod scan;
mod scrape;
mod seed;
mod send;
pub(crate) mod server;
mod setup;
mod stage;
pub(crate) mod stores;
mod stories;
mod system;
mod tally;
mod verdict;
mod world;
mod writers;

use dice::Dice;
use herd::Herd;
use ledger::Ledger;
use nemesis::{COMBINATION, Nemesis};
use packages::Packages;
use parts::Domain;
use pool::Pool;
use scrape::Metrics;
use stage::Stage;
use stories::Stories;
use system::{Setup, System};
use tally::CALM;
use world::{Target, World};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to read, write and break.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: u64,
    /// What is broken when, and who asks for what, follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is checked.
    #[arg(long, value_enum, default_value_t = Checked::All)]
    domain: Checked,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    gateways: u8,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    catalogs: u8,
    /// Replicas of stories-feed.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    feeds: u8,
    /// Replicas of package-ledger.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    ledgers: u8,
    /// Reads of the catalog a second, all targets together.
    #[arg(long, default_value_t = 10_000)]
    reads: u32,
    /// Writes to the catalog a second, all writers together.
    #[arg(long, default_value_t = 20)]
    writes: u32,
    /// Reads of stories a second, all targets together. Each shows some thirty stories, all of which are judged.
    #[arg(long, default_value_t = 2_000)]
    story_reads: u32,
    /// Writes of stories a second, all writers together.
    #[arg(long, default_value_t = 8)]
    story_writes: u32,
    /// Reads of packages a second, all targets together. Each shows some twenty packages, all of which are judged.
    #[arg(long, default_value_t = 1_500)]
    package_reads: u32,
    /// Writes of packages a second, all writers together.
    #[arg(long, default_value_t = 6)]
    package_writes: u32,
    /// Break nothing.
    #[arg(long)]
    calm: bool,
    /// Seconds of calm before each fault.
    #[arg(long, default_value_t = 4)]
    calm_seconds: u64,
    /// Only faults whose name holds one of these words: `kill`, `gateway-nats`, `pause-redis`, …
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// Gateways keep nothing: a check of the services, and of the checker.
    #[arg(long)]
    no_cache: bool,
    /// Break the protocol on purpose, and expect that it is found within a minute: `no_stamp`, `no_ack_wait`, `store_late`,
    /// `ignore_lease`, `unversioned_fill`; or `ttl_cache`, which puts a stale cache before the first gateway.
    #[arg(long, value_name = "WAY")]
    sabotage: Option<String>,
    /// The catalog program; with a sabotage, one that was built for it.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The stories-feed program, likewise.
    #[arg(long, value_name = "FILE")]
    stories_feed: Option<PathBuf>,
    /// The package-ledger program, likewise.
    #[arg(long, value_name = "FILE")]
    package_ledger: Option<PathBuf>,
    /// The gateway program, likewise.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Where `report.json`, the stories of stale answers and, if there are some, the logs go.
    #[arg(long, value_name = "FOLDER", default_value = "target/check-freshness")]
    report: PathBuf,
    /// TOML for the end of each catalog's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    catalog_config: String,
    /// TOML for the end of each stories-feed's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    stories_feed_config: String,
    /// TOML for the end of each package-ledger's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    package_ledger_config: String,
    /// TOML for the end of each gateway's configuration.
    #[arg(long, value_name = "TOML", default_value = "")]
    gateway_config: String,
}

/// What `--domain` can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Checked {
    Catalog,
    Stories,
    Packages,
    /// Catalog and stories.
    Both,
    All,
}

impl Checked {
    fn domains(self) -> Vec<Domain> {
        match self {
            Self::Catalog => vec![Domain::Catalog],
            Self::Stories => vec![Domain::Stories],
            Self::Packages => vec![Domain::Packages],
            Self::Both => vec![Domain::Catalog, Domain::Stories],
            Self::All => Domain::ALL.to_vec(),
        }
    }
}

/// What is under way in each domain that is checked.
struct Scene {
    stage: Arc<Stage>,
    catalog: Option<Arc<World>>,
    stories: Option<Arc<Stories>>,
    packages: Option<Arc<Packages>>,
}

/// The sabotage that needs no special programs.
const TTL_CACHE: &str = "ttl_cache";
/// A sabotage has to be found within this time.
const FOUND_WITHIN: Duration = Duration::from_secs(60);
/// What must be answered from memory while nothing is broken, in percent. Whatever is posted, deleted or changed in a gym replaces all
/// that it shows, for everybody; whatever is done at the desk, every list of it.
const CALM_HIT_RATES: [(Domain, f64); 3] =
    [(Domain::Catalog, 80.0), (Domain::Stories, 50.0), (Domain::Packages, 30.0)];
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
    let setup = setup::setup(&args).await?;
    let faults = setup::faults(&args)?;
    let mut system = System::start(&setup).await?;
    let labels = faults.iter().map(|fault| fault.label()).chain([COMBINATION.to_owned()]);
    let stage = Arc::new(Stage::new(&setup.domains, &labels.collect::<Vec<_>>()));
    let scene = Box::pin(populate(&args, &setup, &system, stage)).await?;
    let mut tasks = start_load(&args, &scene);

    let mut metrics = Metrics::default();
    let time = if args.sabotage.is_some() { FOUND_WITHIN } else { Duration::from_secs(args.seconds) };
    let start = Instant::now();
    let mut nemesis = Nemesis {
        stage: &scene.stage,
        system: &mut system,
        dice: Dice::new(args.seed, "nemesis", 0),
        faults,
        calm: Duration::from_secs(if args.sabotage.is_some() { 1 } else { args.calm_seconds }),
        until: start + time,
        metrics: &mut metrics,
    };
    let ended = nemesis.run().await;
    let took = start.elapsed();
    scene.stage.stop();
    metrics.scrape(&system).await;
    // What still hangs by then has nothing to tell.
    let _ = timeout(LAST_ANSWERS, async { while tasks.join_next().await.is_some() {} }).await;
    tasks.abort_all();
    if ended.is_ok() && args.sabotage.is_none() {
        timeout(LAST_LOOK, last_look(&scene)).await.context("the last look at everything does not end")?;
    }

    let run = json!({
        "seed": args.seed, "seconds": took.as_secs_f64(), "gateways": setup.gateways, "catalogs": setup.catalogs,
        "stories_feeds": setup.feeds, "package_ledgers": setup.ledgers, "cache": setup.cache, "sabotage": args.sabotage,
        "reads_a_second": args.reads, "writes_a_second": args.writes,
        "story_reads_a_second": args.story_reads, "story_writes_a_second": args.story_writes,
        "package_reads_a_second": args.package_reads, "package_writes_a_second": args.package_writes,
    });
    verdict::write(&args.report, run, &scene.stage, &metrics)?;
    if ended.is_err() || scene.stage.chronicle.stale() > 0 {
        system.keep_logs(&args.report.join("logs"))?;
    }
    ended.with_context(|| format!("the logs are in {}", args.report.join("logs").display()))?;
    system.stop().await?;
    verdict::print(&scene.stage, &metrics);
    println!("everything is in {}\n", args.report.display());
    Ok(judge(&args, &setup, &scene, took))
}

fn judge(args: &Args, setup: &Setup, scene: &Scene, took: Duration) -> Report {
    let mut report = Report::default();
    for (domain, tally) in scene.stage.tallies() {
        let (name, stale) = (domain.label(), tally.stale());
        let checked = tally.total("all", |_| true).checked();
        let took = took.as_secs_f64();
        let found =
            format!("{stale} stale answers in {checked} reads within {took:.1} s, seed {}", args.seed);
        println!("{name}: {found}\n");
        if let Some(way) = &args.sabotage {
            report.expect(format!("the sabotage `{way}` is found in {name}: {found}"), stale > 0);
            continue;
        }
        report.expect(format!("no answer of {name} is stale: {found}"), stale == 0);
        report.expect(format!("something of {name} was read"), checked > 0);
        let unreadable = scene.unreadable(*domain);
        let what = format!("every answer of {name} shows its state: {unreadable} do not");
        report.expect(what, unreadable == 0);
        let expected = CALM_HIT_RATES.iter().find(|(one, _)| one == domain).map(|(_, rate)| *rate);
        if let Some(expected) = expected.filter(|_| setup.cache) {
            let rate = tally.phase(CALM).hit_rate().unwrap_or_default();
            let what = format!(
                "{expected} % of the reads of {name} through gateways are hits while nothing is broken: {rate:.1} %"
            );
            report.expect(what, rate >= expected);
        }
    }
    report
}

impl Scene {
    fn unreadable(&self, domain: Domain) -> u64 {
        let counted = match domain {
            Domain::Catalog => self.catalog.as_ref().map(|world| &world.unreadable),
            Domain::Stories => self.stories.as_ref().map(|stories| &stories.unreadable),
            Domain::Packages => self.packages.as_ref().map(|packages| &packages.unreadable),
        };
        counted.map_or(0, |counted| counted.load(Ordering::Relaxed))
    }
}

async fn last_look(scene: &Scene) {
    if let Some(world) = &scene.catalog {
        readers::last_look(world).await;
    }
    if let Some(stories) = &scene.stories {
        stories.last_look().await;
    }
    if let Some(packages) = &scene.packages {
        packages.last_look().await;
    }
}

async fn populate(args: &Args, setup: &Setup, system: &System, stage: Arc<Stage>) -> anyhow::Result<Scene> {
    // Where clients of gateways connect to.
    let mut doors = Vec::new();
    for (number, door) in system.doors.iter().enumerate() {
        let lies = number == 0 && args.sabotage.as_deref() == Some(TTL_CACHE);
        doors.push(if lies { liar::start(door.public).await? } else { door.public });
    }
    let targets = |replicas: &[std::net::SocketAddr], name: &str| -> anyhow::Result<Vec<Target>> {
        let gateways =
            doors.iter().enumerate().map(|(number, addr)| target(format!("gateway {number}"), true, *addr));
        let services = replicas
            .iter()
            .enumerate()
            .map(|(number, addr)| target(format!("{name} {number}"), false, *addr));
        gateways.chain(services).collect()
    };
    let mut catalog = None;
    if let Some(tally) = stage.tally(Domain::Catalog) {
        let targets = targets(&system.replicas, "catalog")?;
        let herd = Herd::new(args.seed);
        let ledger = Ledger::new(herd.slots);
        let first = targets.get(setup.gateways - 1).context("no gateway")?;
        let tokens = seed::sign_in(&first.pool, &first.host).await?;
        seed::make_herd(&first.pool, &first.host, &tokens, &herd, &ledger).await?;
        catalog = Some(Arc::new(World::new(targets, tokens, herd, ledger, Arc::clone(&stage), tally)));
    }
    let lasts = Duration::from_secs(args.seconds) + LAST_LOOK;
    let mut stories = None;
    if stage.tally(Domain::Stories).is_some() {
        let targets = targets(&system.feed_replicas, "stories-feed")?;
        stories = Some(Arc::new(stories::seed::populate(args.seed, lasts, system, targets, &stage).await?));
    }
    let mut packages = None;
    if stage.tally(Domain::Packages).is_some() {
        let targets = targets(&system.ledger_replicas, "package-ledger")?;
        packages = Some(Arc::new(packages::seed::populate(args.seed, lasts, system, targets, &stage).await?));
    }
    Ok(Scene { stage, catalog, stories, packages })
}

fn target(name: String, is_gateway: bool, addr: std::net::SocketAddr) -> anyhow::Result<Target> {
    let host = HeaderValue::from_str(&addr.to_string())?;
    Ok(Target { name, is_gateway, host, pool: Pool::new(addr) })
}

fn start_load(args: &Args, scene: &Scene) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(world) = &scene.catalog {
        start_catalog(args, world, &mut tasks);
    }
    if let Some(stories) = &scene.stories {
        stories.start(&mut tasks, args.seed, args.story_reads.into(), args.story_writes.into());
    }
    if let Some(packages) = &scene.packages {
        packages.start(&mut tasks, args.seed, args.package_reads.into(), args.package_writes.into());
    }
    if args.sabotage.is_some() {
        tasks.spawn(stop_when_found(Arc::clone(&scene.stage)));
    }
    tasks
}

fn start_catalog(args: &Args, world: &Arc<World>, tasks: &mut JoinSet<()>) {
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
}

/// A sabotage that is found once is found.
async fn stop_when_found(stage: Arc<Stage>) {
    while !stage.is_found_everywhere() && !stage.is_stopping() {
        sleep(Duration::from_millis(50)).await;
    }
    // A moment longer, for more than one story.
    sleep(Duration::from_millis(500)).await;
    stage.stop();
}
