//! Uploads of large videos, one at a time and hundreds at once, by every way that clients have: how long the answer takes and
//! what of it is waiting, beside what the link needs and what others do.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::freshness::stores::Durability;
use crate::origin::Origin;
use crate::report::Report;

pub(crate) mod config;
pub(crate) mod issuer;
pub(crate) mod media;
pub(crate) mod peers;
pub(crate) mod pieces;
pub(crate) mod send;
pub(crate) mod system;

pub(crate) mod cases;
mod disk;
mod figures;
pub(crate) mod gauge;
pub(crate) mod measure;
mod tables;
mod timing;
mod wire;

use cases::{Case, MB, Way};
use config::Buffering;
use figures::Figures;
use measure::{Bench, Round};
use peers::Peer;
use send::Speech;
use system::{Plan, Programs, System};

/// The ways in which the gateway is measured.
const GATEWAYS: [Buffering; 2] = [Buffering::Off, Buffering::Request];

/// What is written to learn how fast the disk is: more than it takes into memory of its own.
const DISK: usize = 5_000 * MB;
const QUICK_DISK: usize = 500 * MB;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    /// How often cases of five uploads are measured; cases of one three times as often, larger ones once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Most uploads at once. 200 of 100 MB need 20 GB of disk for a moment.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    most: u16,
    /// One round, at most five at once.
    #[arg(long)]
    quick: bool,
    /// Hold the system ready for a load generator, print what it has to know, and measure nothing; ends with the interrupt key.
    #[arg(long)]
    serve: bool,
    /// Only ways whose name holds one of these words: `PUT`, `straight`, `tus gateway`, …
    #[arg(long, value_delimiter = ',')]
    ways: Vec<String>,
    /// Where files are made and received: on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", default_value = "target/upload-loadtest")]
    folder: PathBuf,
    /// Writes the tables to this file too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Longest that clients of `--serve` are waited for.
const LONGEST_SERVICE: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let (rounds, most) = if args.quick { (1, 5) } else { (args.rounds.into(), args.most.into()) };
    let cases = cases::cases(rounds, most);
    let plan = Plan {
        durability: Durability::OfMachine,
        gateways: &GATEWAYS,
        workers: 0,
        // Nothing but uploads is to be measured; what they leave is removed by command.
        more: config::settings(&[("INGEST__MAINTENANCE_SECS", "86400")]),
    };
    let system = System::start(&args.folder, &args.programs, plan).await?;
    if args.serve {
        tell(&system)?;
        tokio::time::sleep(LONGEST_SERVICE).await;
        system.stop().await?;
        return Ok(Report::default());
    }
    let folder = system.folder().to_owned();
    let sink = Origin::start(&folder, "sink", Duration::ZERO).await?;
    let nginx = peers::nginx(&folder).await?;
    let tus = peers::tus_server(&folder, &args.folder).await?;

    let mut ways = vec![cases::link(sink.addr())];
    ways.extend(cases::ours(&system, &GATEWAYS));
    let mut peer = |name, process, speech, found: &Option<Peer>| match found {
        Some(found) => ways.push(cases::peer(name, process, speech, found)),
        None => eprintln!("{name}: not measured, it is not installed"),
    };
    peer("PUT nginx WebDAV", "nginx", Speech::Put("/put/{}.mp4".to_owned()), &nginx);
    peer("tus @tus/server", "node", Speech::Tus("/files".to_owned()), &tus);
    ways.retain(|way| {
        args.ways.is_empty() || way.is_link() || args.ways.iter().any(|word| way.name.contains(word))
    });

    let people = cases.iter().map(|case| case.uploads).max().unwrap_or_default();
    let bearers = (0..people).map(|number| system.issuer.bearer(&format!("person-{number}")));
    let bench = Bench { bearers: bearers.collect::<anyhow::Result<_>>()?, system };
    let disk = disk::rate(&folder, if args.quick { QUICK_DISK } else { DISK }).await?;
    let measured = measure(&args, &bench, &cases, &ways).await;
    if measured.is_err() {
        bench.system.keep_logs(&args.folder.join("logs"))?;
    }
    let measured = measured?;

    let text = format!("{}{}", machine(), tables::render(&measured, disk));
    println!("{text}");
    if let Some(file) = &args.report {
        fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let report = tables::judge(&measured);
    drop((nginx, tus, sink));
    bench.system.stop().await?;
    Ok(report)
}

/// What another load generator has to know.
fn tell(system: &System) -> anyhow::Result<()> {
    println!("Authorization: {}", system.issuer.bearer("somebody")?.to_str()?);
    let doors = system.gateways.iter().map(|gateway| gateway.addr);
    let names = ["gateway", "gateway that takes it in first", "service"];
    for (name, addr) in names.iter().zip(doors.chain([system.service_addr])) {
        println!("{name}: {addr}");
    }
    println!("files: PUT /v1/videos; forms: POST /v1/videos/upload");
    Ok(())
}

/// All ways in turn, round by round, so that a change of the machine's mood meets all of them.
async fn measure<'w>(
    args: &Args,
    bench: &Bench,
    cases: &[Case],
    ways: &'w [Way],
) -> anyhow::Result<Vec<tables::Measured<'w>>> {
    let mut measured = Vec::new();
    for case in cases {
        let media = Arc::new(media::video(&args.folder.join("media"), case.bytes).await?);
        let taking: Vec<&Way> = ways.iter().filter(|way| way.takes(*case)).collect();
        let mut rounds: Vec<Vec<Round>> = taking.iter().map(|_| Vec::new()).collect();
        for number in 0..case.rounds {
            eprintln!("{}, round {} of {}", case.label(), number + 1, case.rounds);
            let mut turn: Vec<(&&Way, &mut Vec<Round>)> = taking.iter().zip(&mut rounds).collect();
            let first = number % turn.len().max(1);
            turn.rotate_left(first);
            for (way, rounds) in turn {
                let round = bench.round(*case, way, &media).await;
                rounds.push(round.with_context(|| format!("{}, {}", case.label(), way.name))?);
            }
        }
        let figures = taking.into_iter().zip(rounds).map(|(way, rounds)| (way, Figures::of(*case, &rounds)));
        measured.push((*case, figures.collect()));
    }
    Ok(measured)
}

/// What it was measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    format!("{cores} cores, shared by servers and clients; load at the end {load}.\n")
}
