//! Hostile clients beside a well-behaved one.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::gateway::{BODY_LIMIT_BYTES, Common, Gateway, HEADER_TIMEOUT, Route, Setup};
use crate::load::{Load, Mix, Sample, by_label};
use crate::origin::Origin;
use crate::process::{Process, cpu_time, forget_peak, own_program, peak_bytes, resident_bytes};
use crate::report::{Report, Table, counts, mebibytes, millis};
use crate::stats::Latency;

mod body;
mod churn;
mod fields;
mod raw;
mod reset;
mod scenario;
mod slow;

pub(crate) use scenario::{AbuserArgs, abuser};
use scenario::{Got, Scenario};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Length of the calm before each scenario, and of the scenario.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: u64,
    /// How much larger than before the gateway may be afterwards, in MiB.
    #[arg(long, default_value_t = 32)]
    memory_slack_mib: u64,
    /// Only these, in this order; one that is named twice shows whether memory goes on growing. All unless given.
    #[arg(long, value_enum)]
    only: Vec<Scenario>,
}

const CONNECTIONS: usize = 16;
/// From the end of the abuse to the look at the memory.
const SETTLE: Duration = Duration::from_secs(5);

/// What one scenario did.
struct Outcome {
    scenario: Scenario,
    before: u64,
    peak: u64,
    after: u64,
    calm: Latency,
    abused: Latency,
    /// Processor time of the gateway while it was abused.
    cpu: Duration,
    lost: BTreeMap<String, u64>,
    got: Got,
    /// Requests of the abuser that reached the origin.
    let_through: u64,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let folder = tempfile::tempdir()?;
    let origin = Origin::start(folder.path(), "origin", Duration::ZERO).await?;
    let mut setup = Setup::catch_all(vec![origin.addr()], false, BODY_LIMIT_BYTES);
    setup.routes.push(Route {
        name: "held".to_owned(),
        path: format!("{}*", body::HELD),
        upstream: "origins",
        body_limit_bytes: BODY_LIMIT_BYTES,
        takes_in: true,
    });
    let gateway = Gateway::start(&args.common.gateway, folder.path(), &setup).await?;
    let mut outcomes = Vec::new();
    let scenarios = if args.only.is_empty() { &Scenario::ALL } else { args.only.as_slice() };
    for scenario in scenarios {
        eprintln!("{scenario}");
        outcomes.push(suffer(&args, *scenario, &gateway, &origin).await?);
    }
    show(&args, &outcomes, &mut report);
    Ok(report)
}

/// A calm stretch, the abuse, and a while to settle; the well-behaved client goes on through all of it.
async fn suffer(
    args: &Args,
    scenario: Scenario,
    gateway: &Gateway,
    origin: &Origin,
) -> anyhow::Result<Outcome> {
    let pid = gateway.process.pid();
    let length = Duration::from_secs(args.seconds);
    let client = Arc::new(Client::new(gateway.addr));
    client.open(CONNECTIONS).await?;
    let load = Load::start(client, args.common.rate, Mix::Gets)?;
    sleep(Duration::from_secs(2)).await;
    let calm = Instant::now();
    sleep(length).await;
    let (before, cpu_before) = (resident_bytes(pid)?, cpu_time(pid)?);
    forget_peak(pid)?;
    let let_through_before = let_through(origin)?;
    let abuse = Instant::now();
    let got = set_abuser_on(gateway, scenario, length).await?;
    let over = Instant::now();
    let cpu = cpu_time(pid)?.saturating_sub(cpu_before);
    let peak = peak_bytes(pid)?;
    sleep(SETTLE).await;
    let after = resident_bytes(pid)?;
    let samples = load.stop().await;
    let lost: Vec<&Sample> = samples.iter().filter(|sample| !sample.reply.outcome.is_ok()).collect();
    Ok(Outcome {
        scenario,
        before,
        peak,
        after,
        calm: Latency::of(&samples, calm, abuse),
        abused: Latency::of(&samples, abuse, over),
        cpu,
        lost: by_label(lost),
        got,
        let_through: let_through(origin)? - let_through_before,
    })
}

/// Requests of abusers that reached the origin so far.
fn let_through(origin: &Origin) -> anyhow::Result<u64> {
    let begun = origin.records()?.begun;
    Ok(begun.iter().filter(|(id, _)| **id >= raw::FIRST_ID).map(|(_, count)| count).sum())
}

/// The abuser is a process of its own that steps back for all others at once, as one on another machine would not have to: its own
/// work must not be taken for what it does to the gateway. Niceness is not enough for that: a nice process goes on to the end of its slice,
/// milliseconds, before the gateway may begin.
async fn set_abuser_on(gateway: &Gateway, scenario: Scenario, length: Duration) -> anyhow::Result<Got> {
    let mut command = Command::new("chrt");
    command
        .args(["--idle", "0"])
        .arg(own_program()?)
        .arg("abuser")
        .args(["--target", &gateway.addr.to_string()])
        .args(["--scenario", &scenario.to_string()])
        .args(["--seconds", &length.as_secs().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = Process::spawn("the abuser", &mut command)?;
    let (_stdin, mut stdout) = process.take_pipes()?;
    let mut said = String::new();
    // A gateway that answers slowly makes the abuser slow, too; it has to end at some time.
    let longest = length + Duration::from_secs(120);
    timeout(longest, stdout.read_to_string(&mut said)).await.context("the abuser does not end")??;
    anyhow::ensure!(process.wait(SETTLE).await?.success(), "the abuser failed");
    serde_json::from_str(&said).with_context(|| format!("the abuser said {said}"))
}

fn show(args: &Args, outcomes: &[Outcome], report: &mut Report) {
    let slack = args.memory_slack_mib * 1024 * 1024;
    let mut memory = Table::new("Resident memory of the gateway", &["scenario", "before", "peak", "after"]);
    let mut latency = Table::new(
        &format!("A well-behaved client at {} requests/s (medians of windows of 1 s)", args.common.rate),
        &[
            "scenario",
            "p50 calm",
            "p50 abused",
            "p99 calm",
            "p99 abused",
            "ratio",
            "longest calm",
            "longest abused",
            "not 200",
            "gateway CPU",
        ],
    );
    let mut abusers =
        Table::new("What the abuser got", &["scenario", "got", "largest", "requests let through"]);
    for outcome in outcomes {
        let name = outcome.scenario.to_string();
        let (calm, abused) = (&outcome.calm, &outcome.abused);
        let ratio = abused.p99.as_secs_f64() / calm.p99.as_secs_f64().max(1e-9);
        let sizes = [outcome.before, outcome.peak, outcome.after].map(mebibytes);
        memory.row(&[vec![name.clone()], sizes.to_vec()].concat());
        latency.row(&[
            name.clone(),
            millis(calm.p50),
            millis(abused.p50),
            millis(calm.p99),
            millis(abused.p99),
            format!("{ratio:.2}"),
            millis(calm.max),
            millis(abused.max),
            counts(&outcome.lost),
            format!("{:.2} s", outcome.cpu.as_secs_f64()),
        ]);
        let largest: Vec<String> =
            outcome.got.largest.iter().map(|(what, value)| format!("{value} {what}")).collect();
        let largest = largest.join(", ");
        abusers.row(&[name.clone(), counts(&outcome.got.counts), largest, outcome.let_through.to_string()]);
        report.expect(
            format!("{name}: memory afterwards within {} of before", mebibytes(slack)),
            outcome.after <= outcome.before + slack,
        );
        report.expect(format!("{name}: p99 of others at most 2 × that of calm"), ratio <= 2.0);
        report.expect(format!("{name}: every request of others answered 200"), outcome.lost.is_empty());
        for (what, holds) in outcome.scenario.judge(&outcome.got, HEADER_TIMEOUT) {
            report.expect(format!("{name}: {what}"), holds);
        }
    }
    memory.print();
    latency.print();
    abusers.print();
}
