//! Feeds of 25, 100 and 500 stories beside the service that they replace. What one client gets again and again any load generator
//! can measure, for which this holds a system ready; what another viewer gets each time is measured here, since no path can say who
//! asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio::task::JoinSet;

use super::Programs;
use super::cpu::{Snapshot, listeners};
use super::data::{self, Data, SHAPES};
use super::system::System;
use crate::freshness::pool::Pool;
use crate::report::{Report, Table, millis};
use crate::stats::{median, percentile};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    /// Hold the system ready for a load generator, print what it has to know, and measure nothing; ends with the interrupt key.
    #[arg(long)]
    serve: bool,
    /// Formats that pictures are in, each in five sizes: with 1, a story has as many addresses as in the reference.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    formats: u8,
    /// Requests of a measurement, each of another viewer.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Clients at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    clients: Vec<usize>,
    /// A reference to measure beside it, when one runs: where it listens, and the path below which it has `/feed?gym_id=&user_id=&limit=`.
    #[arg(long, value_name = "ADDR/FORM")]
    peer: Option<String>,
    /// The ports of its stores, whose processor time is told beside its own.
    #[arg(long, value_delimiter = ',')]
    peer_stores: Vec<u16>,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest that clients of `--serve` are waited for.
const LONGEST_SERVICE: Duration = Duration::from_secs(24 * 3600);

/// One way to a feed.
struct Way {
    name: String,
    addr: SocketAddr,
    /// Whose time is its own, and whose stands behind it.
    own: Vec<u32>,
    behind: Vec<u32>,
    asks: Asks,
}

/// Who asks by a way.
enum Asks {
    /// A member by a token: another one each time, from these on.
    Members { next: AtomicUsize, each_once: bool },
    /// Anybody, by a number in the address.
    Numbers(String),
}

/// What one measurement gave.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    own_10k: f64,
    behind_10k: f64,
    p50: Duration,
    p99: Duration,
    bytes: usize,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let cells = args.clients.len() * args.rounds * args.requests;
    // The gateway and the service each need viewers whom neither knows; and each cell is warmed by one in twenty.
    let lookers = if args.serve { 0 } else { 2 * (cells + cells / 20 + args.clients.len() * args.rounds) };
    let data = data::make(args.seed, &SHAPES, lookers, args.formats.into());
    let system = System::start(&args.programs, &data.sql).await?;
    let bearer = system.issuer.bearer(&data.member)?;
    tell(&system, &data, &bearer)?;
    let mut report = Report::default();
    if args.serve {
        tokio::time::sleep(LONGEST_SERVICE).await;
    } else {
        measure(&args, &system, &data, &mut report).await?;
    }
    system.stop().await?;
    Ok(report)
}

/// What a load generator has to know.
fn tell(system: &System, data: &Data, bearer: &HeaderValue) -> anyhow::Result<()> {
    println!("Authorization: {}", bearer.to_str()?);
    for (name, addr) in [
        ("gateway", system.door),
        ("service", system.service_addr),
        ("service that keeps nothing", system.forgetful_addr),
        ("postgres", system.database),
        ("redis", system.memory),
    ] {
        println!("{name}: {addr}");
    }
    for (gym, shape) in data.gyms.iter().zip(SHAPES) {
        // With another `budget` it is another address for the gateway, and for the service the same three parts.
        println!("{} stories: /v1/gyms/{gym}/stories/feed?limit=500", shape.stories);
    }
    Ok(())
}

async fn measure(args: &Args, system: &System, data: &Data, report: &mut Report) -> anyhow::Result<()> {
    let bearers = data.lookers.iter().map(|person| system.issuer.bearer(person));
    let bearers = Arc::new(bearers.collect::<anyhow::Result<Vec<_>>>()?);
    make_known(system.door, &bearers).await?;
    make_known(system.service_addr, &bearers).await?;
    for (place, shape) in SHAPES.iter().enumerate() {
        let gym = data.gyms.get(place).context("no gym")?;
        let ways = ways(args, system, place, bearers.len())?;
        let path = format!("/v1/gyms/{gym}/stories/feed?limit=500");
        let mut found: Vec<(usize, usize, Cell)> = Vec::new();
        for round in 0..args.rounds {
            for clients in &args.clients {
                for turn in 0..ways.len() {
                    // The order turns by one each round, so that a busy spell of the machine falls on all of them.
                    let number = (turn + round) % ways.len();
                    let way = ways.get(number).context("no way")?;
                    let bare = Arc::clone(&bearers);
                    cell(way, &path, &bare, *clients, args.requests / 20 + 1).await?;
                    found.push((number, *clients, cell(way, &path, &bare, *clients, args.requests).await?));
                }
            }
        }
        print(args, &format!("{} stories, another viewer each time", shape.stories), &ways, &found);
        report.expect(format!("feeds of {} stories were measured", shape.stories), !found.is_empty());
    }
    Ok(())
}

/// The ways to the gym in this place; the reference numbers its gyms alike.
fn ways(args: &Args, system: &System, place: usize, viewers: usize) -> anyhow::Result<Vec<Way>> {
    let pid = |pid: Option<u32>| pid.context("a server does not run");
    let stores = system.store_pids();
    let members = |from, each_once| Asks::Members { next: AtomicUsize::new(from), each_once };
    let mut ways = vec![
        Way {
            name: "gateway and service, viewer not known".to_owned(),
            addr: system.door,
            own: vec![pid(system.gateway_pid())?, pid(system.service_pid())?],
            behind: stores.clone(),
            asks: members(0, true),
        },
        Way {
            name: "service alone, viewer not known".to_owned(),
            addr: system.service_addr,
            own: vec![pid(system.service_pid())?],
            behind: stores.clone(),
            asks: members(viewers / 2, true),
        },
        Way {
            name: "service that keeps nothing".to_owned(),
            addr: system.forgetful_addr,
            own: vec![pid(system.forgetful_pid())?],
            behind: stores,
            asks: members(0, false),
        },
    ];
    if let Some(peer) = &args.peer {
        let (addr, form) = peer.split_once('/').context("--peer is ADDR/FORM")?;
        let addr: SocketAddr = addr.parse().context("--peer is ADDR/FORM")?;
        let own = listeners(addr.port());
        anyhow::ensure!(!own.is_empty(), "nobody listens on {addr}");
        ways.push(Way {
            name: format!("reference, {form}"),
            addr,
            own,
            behind: args.peer_stores.iter().flat_map(|port| listeners(*port)).collect(),
            asks: Asks::Numbers(format!("/{form}/feed?gym_id={}&limit=500&user_id=", place + 1)),
        });
    }
    Ok(ways)
}

/// Lets the verifiers see every token once, so that not the check of a signature is measured, which the reference does not have.
async fn make_known(addr: SocketAddr, bearers: &Arc<Vec<HeaderValue>>) -> anyhow::Result<()> {
    let asks = Asks::Members { next: AtomicUsize::new(0), each_once: true };
    let way = Way { name: "tokens".to_owned(), addr, own: Vec::new(), behind: Vec::new(), asks };
    cell(&way, "/v1/follows?limit=1", bearers, 16, bearers.len()).await.map(drop)
}

/// So many requests by so many clients, each with the next viewer.
async fn cell(
    way: &Way,
    path: &str,
    bearers: &Arc<Vec<HeaderValue>>,
    clients: usize,
    requests: usize,
) -> anyhow::Result<Cell> {
    let first = match &way.asks {
        Asks::Members { next, each_once } => {
            let first = next.fetch_add(requests, Ordering::Relaxed);
            anyhow::ensure!(!each_once || first + requests <= bearers.len(), "there are too few viewers");
            first
        }
        Asks::Numbers(_) => unknown_number(),
    };
    let (pool, given) = (Arc::new(Pool::new(way.addr)), Arc::new(AtomicUsize::new(0)));
    let numbered = match &way.asks {
        Asks::Numbers(prefix) => Some(prefix.clone()),
        Asks::Members { .. } => None,
    };
    let (own, behind) = (Snapshot::of(&way.own), Snapshot::of(&way.behind));
    let mut tasks: JoinSet<anyhow::Result<(Vec<Duration>, usize)>> = JoinSet::new();
    for _ in 0..clients {
        let (pool, given, bearers) = (Arc::clone(&pool), Arc::clone(&given), Arc::clone(bearers));
        let (path, numbered, addr) = (path.to_owned(), numbered.clone(), way.addr);
        tasks.spawn(async move {
            let (mut times, mut bytes) = (Vec::new(), 0);
            loop {
                let turn = given.fetch_add(1, Ordering::Relaxed);
                if turn >= requests {
                    return Ok((times, bytes));
                }
                let viewer = first + turn;
                let target =
                    numbered.as_ref().map_or_else(|| path.clone(), |prefix| format!("{prefix}{viewer}"));
                let mut request = Request::get(target).header(header::HOST, addr.to_string());
                if numbered.is_none() {
                    let bearer = bearers.get(viewer % bearers.len().max(1)).context("no viewer")?;
                    request = request.header(header::AUTHORIZATION, bearer);
                }
                let began = Instant::now();
                let reply = pool.exchange(request.body(Full::<Bytes>::default())?, PATIENCE).await;
                let reply = reply.map_err(|failure| anyhow::anyhow!("{addr}: {}", failure.label()))?;
                times.push(began.elapsed());
                anyhow::ensure!(reply.status == 200, "{addr} answered {}", reply.status);
                bytes = reply.body.len();
            }
        });
    }
    let (mut times, mut bytes) = (Vec::new(), 0);
    while let Some(ended) = tasks.join_next().await {
        let (some, last) = ended??;
        times.extend(some);
        bytes = bytes.max(last);
    }
    let used = |before: &Snapshot, pids: &[u32]| Snapshot::of(pids).since(before).as_secs_f64();
    let each = 1e4 / times.len().max(1) as f64;
    times.sort();
    Ok(Cell {
        own_10k: used(&own, &way.own) * each,
        behind_10k: used(&behind, &way.behind) * each,
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        bytes,
    })
}

/// A number from which on the reference knows nobody: of a moment that does not come again.
fn unknown_number() -> usize {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    usize::try_from(since.as_millis() % 1_000_000_000).unwrap_or_default() + 1_000_000
}

fn print(args: &Args, title: &str, ways: &[Way], found: &[(usize, usize, Cell)]) {
    let mut table = Table::new(
        &format!("{title} (medians of {} rounds)", args.rounds),
        &["way", "clients", "CPU s/10k", "stores, CPU s/10k", "p50", "p99", "bytes"],
    );
    for (number, way) in ways.iter().enumerate() {
        for clients in &args.clients {
            let cells = found.iter().filter(|(one, some, _)| *one == number && some == clients);
            let cells: Vec<Cell> = cells.map(|(_, _, cell)| *cell).collect();
            let figure = |of: fn(&Cell) -> f64| median(&mut cells.iter().map(of).collect::<Vec<_>>());
            let time = |of: fn(&Cell) -> Duration| median(&mut cells.iter().map(of).collect::<Vec<_>>());
            table.row(&[
                way.name.clone(),
                clients.to_string(),
                format!("{:.2}", figure(|cell| cell.own_10k)),
                format!("{:.2}", figure(|cell| cell.behind_10k)),
                millis(time(|cell| cell.p50)),
                millis(time(|cell| cell.p99)),
                cells.first().map_or(0, |cell| cell.bytes).to_string(),
            ]);
        }
    }
    table.print();
}
