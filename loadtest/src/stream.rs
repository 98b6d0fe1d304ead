//! Large bodies down and up, with and without a proxy between.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::gateway::{Gateway, Setup};
use crate::origin::Origin;
use crate::process::{Process, cpu_time, forget_peak, peak_bytes, resident_bytes};
use crate::report::{Report, Table, mebibytes};
use crate::stats::median;

mod nginx;

use nginx::Nginx;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The gateway program.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    gateway: PathBuf,
    /// nginx, for comparison; left out when there is none.
    #[arg(long, value_name = "FILE", default_value = "nginx")]
    nginx: PathBuf,
    /// Size of a body.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..))]
    mebibytes: u64,
    /// How often each is measured; figures are medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How much the gateway may grow while a body passes, in MiB.
    #[arg(long, default_value_t = 16)]
    memory_slack_mib: u64,
}

const PIECE: Bytes = Bytes::from_static(&[b'.'; 64 * 1024]);

/// Which way the body goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Down,
    UpSized,
    UpChunked,
}

const DIRECTIONS: [(Direction, &str); 3] = [
    (Direction::Down, "down"),
    (Direction::UpSized, "up, announced length"),
    (Direction::UpChunked, "up, chunked"),
];

/// What a body passes on its way.
struct Way<'p> {
    name: &'static str,
    addr: SocketAddr,
    process: Option<&'p Process>,
}

/// Figures of one way and direction, one of each a round.
#[derive(Default)]
struct Figures {
    mib_per_second: Vec<f64>,
    peak: Vec<u64>,
    growth: Vec<u64>,
    cpu_seconds: Vec<f64>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let folder = tempfile::tempdir()?;
    let origin = Origin::start(folder.path(), "origin", Duration::ZERO).await?;
    let setup = Setup::catch_all(vec![origin.addr()], false, 0);
    let gateway = Gateway::start(&args.gateway, folder.path(), &setup).await?;
    let unbuffered = Nginx::start(&args.nginx, folder.path(), origin.addr(), false).await?;
    let buffered = Nginx::start(&args.nginx, folder.path(), origin.addr(), true).await?;

    let mut ways = vec![
        Way { name: "straight", addr: origin.addr(), process: None },
        Way { name: "gateway", addr: gateway.addr, process: Some(&gateway.process) },
    ];
    for (name, nginx) in [("nginx, buffering off", &unbuffered), ("nginx, buffering on", &buffered)] {
        match nginx {
            Some(nginx) => ways.push(Way { name, addr: nginx.addr, process: Some(&nginx.process) }),
            None => eprintln!("{name}: not measured, there is no {}", args.nginx.display()),
        }
    }
    let title = format!("{} MiB, one body at a time, medians of {} rounds", args.mebibytes, args.rounds);
    let mut table = Table::new(
        &title,
        &["body", "way", "MiB/s", "of straight", "peak memory", "growth", "CPU of the proxy"],
    );
    for (direction, label) in DIRECTIONS {
        measure(&args, direction, label, &ways, &mut table, &mut report).await?;
    }
    table.print();
    Ok(report)
}

/// All ways in turn, round by round, so that a change of the machine's mood meets all of them.
async fn measure(
    args: &Args,
    direction: Direction,
    label: &str,
    ways: &[Way<'_>],
    table: &mut Table,
    report: &mut Report,
) -> anyhow::Result<()> {
    let bytes = args.mebibytes * 1024 * 1024;
    let mut figures: Vec<Figures> = ways.iter().map(|_| Figures::default()).collect();
    for _ in 0..args.rounds {
        for (way, figures) in ways.iter().zip(&mut figures) {
            pass(way, direction, bytes, figures).await.with_context(|| format!("{label}, {}", way.name))?;
        }
    }
    let mut straight = 0.0;
    for (way, mut figures) in ways.iter().zip(figures) {
        let rate = median(&mut figures.mib_per_second);
        let growth = median(&mut figures.growth);
        let mut cells = vec![label.to_owned(), way.name.to_owned(), format!("{rate:.0}")];
        if way.process.is_some() {
            cells.push(format!("{:.0} %", rate / straight * 100.0));
            cells.extend([mebibytes(median(&mut figures.peak)), mebibytes(growth)]);
            cells.push(format!("{:.2} s", median(&mut figures.cpu_seconds)));
        } else {
            straight = rate;
            cells.extend(vec!["–".to_owned(); 4]);
        }
        table.row(&cells);
        if way.name == "gateway" {
            let slack = args.memory_slack_mib * 1024 * 1024;
            let what = format!("{label}: the gateway grows by at most {}", mebibytes(slack));
            report.expect(what, growth <= slack);
        }
    }
    Ok(())
}

async fn pass(way: &Way<'_>, direction: Direction, bytes: u64, figures: &mut Figures) -> anyhow::Result<()> {
    let pid = way.process.map(Process::pid);
    let cpu_before = pid.map(cpu_time).transpose()?.unwrap_or_default();
    let before = pid.map(resident_bytes).transpose()?.unwrap_or_default();
    pid.map(forget_peak).transpose()?;
    let started = Instant::now();
    transfer(way.addr, direction, bytes).await?;
    let took = started.elapsed();
    let peak = pid.map(peak_bytes).transpose()?.unwrap_or_default();
    let cpu = pid.map(cpu_time).transpose()?.unwrap_or_default();
    figures.mib_per_second.push(bytes as f64 / (1024.0 * 1024.0) / took.as_secs_f64());
    figures.peak.push(peak);
    figures.growth.push(peak.saturating_sub(before));
    figures.cpu_seconds.push(cpu.saturating_sub(cpu_before).as_secs_f64());
    Ok(())
}

/// One body over a connection of its own.
async fn transfer(addr: SocketAddr, direction: Direction, bytes: u64) -> anyhow::Result<()> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().header(http::header::HOST, addr.to_string());
    request = match direction {
        Direction::Down => request.uri(format!("/bytes/{bytes}")),
        Direction::UpSized => request.method(Method::POST).uri("/sink").header("content-length", bytes),
        Direction::UpChunked => request.method(Method::POST).uri("/sink"),
    };
    let left = if direction == Direction::Down { 0 } else { bytes };
    let pieces = stream::unfold(left, |left| async move {
        let next = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE.len());
        (next > 0).then(|| (Ok::<_, std::io::Error>(Frame::data(PIECE.slice(..next))), left - next as u64))
    });
    let body = match direction {
        Direction::Down => http_body_util::Empty::new().map_err(|never| match never {}).boxed(),
        _ => BodyExt::boxed(StreamBody::new(pieces)),
    };
    let response = sender.send_request(request.body(body)?).await?;
    anyhow::ensure!(response.status() == 200, "answered {}", response.status());
    let arrived = match direction {
        Direction::Down => drain(response).await?,
        _ => String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?.parse()?,
    };
    anyhow::ensure!(arrived == bytes, "{arrived} bytes of {bytes} arrived");
    Ok(())
}

async fn drain(response: Response<Incoming>) -> anyhow::Result<u64> {
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}
