//! Uploads while what receives and processes them is killed again and again: nothing that was acknowledged may be lost, nothing
//! short, nothing done twice, and nothing left behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::freshness::dice::Dice;
use crate::freshness::stores::Durability;
use crate::report::Report;
use crate::upload::config::{self, Buffering};
use crate::upload::media::{self, Media};
use crate::upload::system::{Plan, Programs, System};

mod aftermath;
mod client;
mod farewell;
mod judge;
mod nemesis;
mod put;
mod resumable;
mod story;
mod talk;
mod verdict;
mod world;

use aftermath::Aftermath;
use client::Client;
use judge::{Breach, Violation};
use world::{Sample, World};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    /// How often each of service, worker, gateway and NATS is killed.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// What is killed when, and who sends what, follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Uploads at the same time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..))]
    clients: u8,
    /// Where the run has its servers, and where the stories of breaches and, if there are some, the logs go.
    #[arg(long, value_name = "FOLDER", default_value = "target/upload-crash")]
    folder: PathBuf,
}

/// An object that nothing refers to is removed after this time: longer than an upload takes from its last byte to its commit.
const ORPHAN_SECS: u64 = 15;
/// For whoever is under way when the last kill is over, and for what is still to be processed then.
const LAST_UPLOADS: Duration = Duration::from_secs(300);
const LAST_JOBS: Duration = Duration::from_secs(900);
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let plan = Plan {
        // The database is not killed; what is committed is committed.
        durability: Durability::OfProcess,
        gateways: &[Buffering::Off],
        workers: 1,
        more: config::settings(&[
            // Offsets become durable often, and what a dead process held is free soon.
            ("INGEST__CHECKPOINT_BYTES", "524288"),
            ("INGEST__CHECKPOINT_MS", "100"),
            ("INGEST__LEASE_SECS", "3"),
            ("INGEST__STALL_SECS", "5"),
            ("INGEST__MAINTENANCE_SECS", "3"),
            ("INGEST__ORPHAN_SECS", &ORPHAN_SECS.to_string()),
            ("PROCESSING__LEASE_SECS", "4"),
        ]),
    };
    let mut system = System::start(&args.folder, &args.programs, plan).await?;
    let bearers = (0..args.clients).map(|number| system.issuer.bearer(&format!("client-{number}")));
    let gateway = system.gateways.first().context("no gateway")?.addr;
    let samples = samples(&args.folder.join("media")).await?;
    let bearers = bearers.collect::<anyhow::Result<_>>()?;
    let world = Arc::new(World::new(gateway, system.service_addr, bearers, samples));

    let ended = campaign(&args, &world, &mut system).await;
    let aftermath = match ended {
        Ok(()) => {
            let stories = world.told().stories.clone();
            let age = Duration::from_secs(ORPHAN_SECS + 3);
            Box::pin(aftermath::look(&world, &system, &stories, age, LAST_JOBS)).await
        }
        Err(error) => Err(error),
    };
    if aftermath.is_err() {
        system.keep_logs(&args.folder.join("logs"))?;
    }
    let aftermath =
        aftermath.with_context(|| format!("the logs are in {}", args.folder.join("logs").display()))?;
    accuse(&world, &aftermath.found);
    let report = tell(&args.folder, &world, &system, &aftermath)?;
    system.stop().await?;
    Ok(report)
}

/// Prints and keeps what the run came to.
fn tell(folder: &Path, world: &World, system: &System, aftermath: &Aftermath) -> anyhow::Result<Report> {
    let told = world.told();
    verdict::print(&told, aftermath);
    verdict::write(folder, &told)?;
    if !told.violations.is_empty() {
        system.keep_logs(&folder.join("logs"))?;
        println!("The stories and the logs are in {}.", folder.display());
    }
    Ok(verdict::judge(&told, aftermath))
}

/// Clients upload while things are killed, and come to their ends afterwards.
async fn campaign(args: &Args, world: &Arc<World>, system: &mut System) -> anyhow::Result<()> {
    let mut clients = JoinSet::new();
    for number in 0..usize::from(args.clients) {
        let client = Client::new(Arc::clone(world), number, args.seed).context("a client without a token")?;
        clients.spawn(client.run());
    }
    let (database, watched) = (system.database, Arc::clone(world));
    let mut counts = JoinSet::new();
    counts.spawn(async move {
        loop {
            // A count that fails is made again.
            if let Ok(waiting) = aftermath::waiting(database).await {
                watched.set_waiting(waiting);
            }
            sleep(BETWEEN_COUNTS).await;
        }
    });
    nemesis::run(world, system, args.kills, Dice::new(args.seed, "nemesis", 0)).await?;
    world.stop();
    let last = async { while clients.join_next().await.is_some() {} };
    timeout(LAST_UPLOADS, last).await.context("clients do not come to their ends although nothing is broken")
}

/// Adds what was found afterwards to what clients have seen.
fn accuse(world: &World, found: &judge::Found) {
    let stories = world.told().stories.clone();
    let breaches = stories.iter().flat_map(|story| {
        found.judge(story).into_iter().map(|breach: Breach| Violation { breach, story: story.clone() })
    });
    let breaches: Vec<Violation> = breaches.collect();
    world.told().violations.extend(breaches);
}

/// Real pictures and films. Short ones come more often: each has to be processed, too.
async fn samples(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let short = media::short_video(folder).await?;
    let padded = |megabytes: usize| -> anyhow::Result<Media> {
        let bytes = media::padded(&short.bytes, megabytes * 1_000_000).context("a film without room")?;
        Ok(Media { name: format!("short-{megabytes}.mp4"), bytes: bytes.into() })
    };
    let mut samples = vec![
        Sample { media: padded(2)?, weight: 6 },
        Sample { media: padded(9)?, weight: 5 },
        Sample { media: short.clone(), weight: 3 },
        Sample { media: media::small_picture(folder).await?, weight: 6 },
    ];
    for (name, weight) in [
        ("friends-9x16-derived.jpg", 3),
        ("picosdeeuropa-9x16-derived.jpg", 2),
        ("chelsea.png", 2),
        ("seeding_by_Clements_Engelhardt.jpg", 1),
        ("bigbuckbunny.mp4", 1),
        ("bigbuckbunny-9x16-derived.mp4", 1),
    ] {
        samples.push(Sample { media: media::sample(name)?, weight });
    }
    Ok(samples)
}
