//! Instances die, hang and misbehave under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::sleep;

use crate::client::Client;
use crate::gateway::{BODY_LIMIT_BYTES, Common, Gateway, LONGEST_EJECTION, ROUTE_TIMEOUT, Setup};
use crate::load::{Load, Mix};
use crate::origin::{Fault, Mode, Origin};
use crate::report::Report;

mod judge;
mod single;

use judge::{Phase, judge};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Length of each phase; a recovery takes at least as long as an instance may be ejected.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(4..))]
    seconds: u64,
}

/// Instances of the upstream that one of is hurt at a time.
const INSTANCES: usize = 3;
/// What a good answer takes, so that there is always something in flight when an instance is hurt.
const DELAY: Duration = Duration::from_millis(2);
const CONNECTIONS: usize = 32;
/// What was due so shortly before a fault may be met by it, and counts with it.
const IN_FLIGHT: Duration = Duration::from_millis(50);

/// What is done to an instance, and what it excuses.
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// How a GET may end while the fault lasts: what had to be waited for or had begun cannot be retried.
    pub(crate) excused: Option<&'static str>,
    /// From the fault to the last request that the instance gets before it is left alone.
    pub(crate) longest_ejection: Duration,
}

/// Grace for a machine with few cores.
const SLACK: Duration = Duration::from_millis(1500);

const DRILLS: [Drill; 5] = [
    Drill { name: "killed", fault: Fault::Killed, excused: None, longest_ejection: SLACK },
    Drill {
        name: "paused",
        fault: Fault::Paused,
        excused: Some("504 gateway_timeout"),
        longest_ejection: ROUTE_TIMEOUT.saturating_add(SLACK),
    },
    Drill {
        name: "too slow",
        fault: Fault::Mode(Mode::Slow),
        excused: Some("504 gateway_timeout"),
        longest_ejection: ROUTE_TIMEOUT.saturating_add(SLACK),
    },
    Drill { name: "garbage", fault: Fault::Mode(Mode::Garbage), excused: None, longest_ejection: SLACK },
    Drill {
        name: "cut short",
        fault: Fault::Mode(Mode::Cut),
        excused: Some("200 cut short"),
        longest_ejection: SLACK,
    },
];

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let mut report = Report::default();
    several(&args, &mut report).await?;
    single::run(&args.common, &mut report).await?;
    Ok(report)
}

async fn several(args: &Args, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut origins = Vec::new();
    for index in 0..INSTANCES {
        origins.push(Origin::start(folder.path(), &format!("origin-{index}"), DELAY).await?);
    }
    let setup = Setup::catch_all(origins.iter().map(Origin::addr).collect(), true, BODY_LIMIT_BYTES);
    let gateway = Gateway::start(&args.common.gateway, folder.path(), &setup).await?;
    let client = Arc::new(Client::new(gateway.addr));
    client.open(CONNECTIONS).await?;

    let load = Load::start(client, args.common.rate, Mix::GetsAndPosts)?;
    let phases = hurt_in_turn(args, &mut origins).await?;
    let samples = load.stop().await;

    let records = origins.iter().map(Origin::records).collect::<anyhow::Result<Vec<_>>>()?;
    judge(&phases, &samples, &records, report);
    Ok(())
}

async fn hurt_in_turn(args: &Args, origins: &mut [Origin]) -> anyhow::Result<Vec<Phase>> {
    let phase = Duration::from_secs(args.seconds);
    // The last second is looked at by itself, after everything should have happened.
    let recovery = phase.max(LONGEST_EJECTION + Duration::from_secs(4));
    // The start of an upstream may be bumpier than its calm.
    sleep(Duration::from_secs(2)).await;
    let mut phases = Vec::new();
    phases.push(Phase::calm(phase).await);
    for (turn, drill) in DRILLS.iter().enumerate() {
        let bad = turn % origins.len();
        let origin = origins.get_mut(bad).context("there is no such instance")?;
        let start = Instant::now();
        sleep(IN_FLIGHT).await;
        origin.hurt(drill.fault).await?;
        let hurt = Instant::now();
        sleep(phase).await;
        let end = Instant::now();
        origin.heal(drill.fault).await?;
        let healed = Instant::now();
        sleep(recovery).await;
        phases.push(Phase { drill: Some(drill), bad, start, hurt, end, healed, recovered: Instant::now() });
    }
    Ok(phases)
}
