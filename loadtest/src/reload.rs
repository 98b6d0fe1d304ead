//! SIGHUP and SIGTERM while requests are under way.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::client::Client;
use crate::gateway::{BODY_LIMIT_BYTES, Common, Gateway, Route, Setup};
use crate::load::{Load, Mix, Sample, by_label};
use crate::origin::Origin;
use crate::report::{Report, Table, counts, millis};

mod terminate;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// How long SIGHUPs are sent, one about every second.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(6..))]
    seconds: u64,
    /// How often a gateway is started and gets SIGTERM.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

const CONNECTIONS: usize = 32;
/// From SIGHUP until the new file is in force.
const LONGEST_RELOAD: Duration = Duration::from_secs(2);
/// From one SIGHUP to the next.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let mut report = Report::default();
    hang_up(&args, &mut report).await?;
    terminate::run(&args, &mut report).await?;
    Ok(report)
}

/// What is changed in the file, in turn.
#[derive(Clone, Copy, Debug)]
enum Change {
    AddRoute,
    AddInstance,
    RemoveInstance,
    /// A file that is no configuration: the old one stays in force.
    Break,
}

const CHANGES: [Change; 4] = [Change::AddRoute, Change::AddInstance, Change::RemoveInstance, Change::Break];

struct Reload {
    change: Change,
    at: Instant,
    in_force_after: Option<Duration>,
}

async fn hang_up(args: &Args, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let origins = start_origins(folder.path(), 3).await?;
    let instances: Vec<_> = origins.iter().map(Origin::addr).collect();
    let two = instances.iter().take(2).copied().collect();
    let mut setup = Setup::catch_all(two, true, BODY_LIMIT_BYTES);
    // No route for `/added-N/…` is there until it is added.
    if let Some(route) = setup.routes.first_mut() {
        route.path = "/work/*".to_owned();
    }
    setup.routes.push(route("drip".to_owned(), "/drip/*".to_owned()));

    let mut gateway = Gateway::start(&args.common.gateway, folder.path(), &setup).await?;
    let client = Arc::new(Client::new(gateway.addr));
    client.open(CONNECTIONS).await?;
    let load = Load::start(Arc::clone(&client), args.common.rate, Mix::WithDrips)?;
    sleep(INTERVAL).await;
    let mut reloads = Vec::new();
    let end = Instant::now() + Duration::from_secs(args.seconds);
    for (count, change) in CHANGES.iter().cycle().enumerate() {
        if Instant::now() >= end {
            break;
        }
        let added = format!("added-{count}");
        match change {
            Change::AddRoute => setup.routes.push(route(added.clone(), format!("/{added}/*"))),
            Change::AddInstance => set_instances(&mut setup, &instances),
            Change::RemoveInstance => {
                set_instances(&mut setup, instances.get(..2).unwrap_or_default());
            }
            Change::Break => gateway.rewrite_text("[http]\nbind = \"127.0.0.1:0\"\nno_such_key = 1\n")?,
        }
        if !matches!(change, Change::Break) {
            gateway.rewrite(&setup)?;
        }
        let at = Instant::now();
        gateway.process.signal(Signal::SIGHUP)?;
        let in_force_after = until_in_force(*change, at, &client, &added, &origins).await?;
        reloads.push(Reload { change: *change, at, in_force_after });
        sleep(INTERVAL).await;
        anyhow::ensure!(!gateway.process.has_ended(), "the gateway ended upon SIGHUP");
    }
    let samples = load.stop().await;
    show(&reloads, &samples, report);
    Ok(())
}

fn show(reloads: &[Reload], samples: &[Sample], report: &mut Report) {
    let mut table = Table::new(
        "SIGHUP under load",
        &["change", "in force after", "requests until the next", "outcomes", "failed"],
    );
    for (index, reload) in reloads.iter().enumerate() {
        // What was under way when the signal came belongs to it, as far as it was due in the second before.
        let from = reload.at - INTERVAL;
        let to = reloads.get(index + 1).map(|next| next.at);
        let own: Vec<&Sample> = samples
            .iter()
            .filter(|sample| sample.scheduled >= from && to.is_none_or(|to| sample.scheduled < to))
            .collect();
        let failed = own.iter().filter(|sample| !sample.reply.outcome.is_ok()).count();
        let in_force = match (reload.change, reload.in_force_after) {
            (Change::Break, _) => "refused".to_owned(),
            (_, Some(after)) => millis(after),
            (_, None) => "never".to_owned(),
        };
        if !matches!(reload.change, Change::Break | Change::RemoveInstance) {
            report.expect(
                format!("SIGHUP {index}, {:?}: in force within {}", reload.change, millis(LONGEST_RELOAD)),
                reload.in_force_after.is_some_and(|after| after <= LONGEST_RELOAD),
            );
        }
        table.row(&[
            format!("{:?}", reload.change),
            in_force,
            own.len().to_string(),
            counts(&by_label(own)),
            failed.to_string(),
        ]);
    }
    table.print();
    let failed = samples.iter().filter(|sample| !sample.reply.outcome.is_ok()).count();
    report.expect(format!("SIGHUP: 0 of {} requests failed ({failed})", samples.len()), failed == 0);
}

/// Watches for what the change brings; for one that brings nothing to see, waits a moment.
async fn until_in_force(
    change: Change,
    at: Instant,
    client: &Client,
    added: &str,
    origins: &[Origin],
) -> anyhow::Result<Option<Duration>> {
    let seen = |origin: &Origin| origin.records().map(|records| records.begun.len());
    let third_before = origins.get(2).map(seen).transpose()?;
    while at.elapsed() < Duration::from_secs(5) {
        let in_force = match change {
            Change::AddRoute => client.get(&format!("/{added}/work/0")).await.outcome.is_ok(),
            Change::AddInstance => origins.get(2).map(seen).transpose()? > third_before,
            Change::RemoveInstance => {
                // In force when the removed instance gets nothing for a while; the instant is that of the look before.
                let before = origins.get(2).map(seen).transpose()?;
                let looked_at = at.elapsed();
                sleep(Duration::from_millis(200)).await;
                if origins.get(2).map(seen).transpose()? == before {
                    return Ok(Some(looked_at));
                }
                false
            }
            Change::Break => return Ok(None),
        };
        if in_force {
            return Ok(Some(at.elapsed()));
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(None)
}

fn set_instances(setup: &mut Setup, instances: &[std::net::SocketAddr]) {
    if let Some(upstream) = setup.upstreams.first_mut() {
        upstream.instances = instances.to_vec();
    }
}

fn route(name: String, path: String) -> Route {
    Route { name, path, upstream: "origins", body_limit_bytes: BODY_LIMIT_BYTES, takes_in: false }
}

async fn start_origins(folder: &Path, count: usize) -> anyhow::Result<Vec<Origin>> {
    let mut origins = Vec::new();
    for index in 0..count {
        let name = format!("origin-{index}");
        origins.push(Origin::start(folder, &name, Duration::from_millis(2)).await?);
    }
    Ok(origins)
}
