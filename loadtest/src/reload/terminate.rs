//! SIGTERM: what was accepted is answered, the port closes, the process ends.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::time::sleep;

use super::{Args, CONNECTIONS, start_origins};
use crate::client::{Client, Outcome};
use crate::gateway::{BODY_LIMIT_BYTES, DRAIN, Gateway, Setup};
use crate::load::{Load, Mix, Sample};
use crate::origin::{DRIP, Origin, Records};
use crate::report::{Report, Table, millis};

/// Load before the signal.
const BEFORE: Duration = Duration::from_secs(2);
/// The longest answer that may be under way, and some slack: nothing else is worth waiting for.
const LONGEST_END: Duration = DRIP.saturating_add(Duration::from_secs(2));

pub(super) async fn run(args: &Args, report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new(
        "SIGTERM under load",
        &[
            "round",
            "sent before",
            "sent after",
            "200",
            "other answers",
            "cut short",
            "unanswered, new connection",
            "unanswered, reused connection",
            "of these seen by an origin",
            "refused",
            "moved unsent",
            "ended after",
            "exit",
        ],
    );
    for round in 1..=args.rounds {
        table.row(&one_round(args, round, report).await?);
    }
    table.print();
    Ok(())
}

async fn one_round(args: &Args, round: u32, report: &mut Report) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let origins = start_origins(folder.path(), 2).await?;
    let setup = Setup::catch_all(origins.iter().map(Origin::addr).collect(), false, BODY_LIMIT_BYTES);
    let mut gateway = Gateway::start(&args.common.gateway, folder.path(), &setup).await?;
    let client = Arc::new(Client::new(gateway.addr));
    client.open(CONNECTIONS).await?;
    let load = Load::start(client, args.common.rate, Mix::WithDrips)?;
    sleep(BEFORE).await;
    let at = Instant::now();
    gateway.process.signal(Signal::SIGTERM)?;
    let status = gateway.process.wait(DRAIN + Duration::from_secs(5)).await;
    let took = at.elapsed();
    let samples = load.stop().await;
    let records = origins.iter().map(Origin::records).collect::<anyhow::Result<Vec<_>>>()?;
    let all = Records::joined(&records);

    let ended_well = status.as_ref().is_ok_and(ExitStatus::success);
    report.expect(format!("SIGTERM {round}: ends with 0 within {}", millis(LONGEST_END)), {
        ended_well && took <= LONGEST_END
    });
    let exit = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    Ok(row(round, at, took, exit, &samples, &all, report))
}

fn row(
    round: u32,
    at: Instant,
    took: Duration,
    exit: String,
    samples: &[Sample],
    all: &Records,
    report: &mut Report,
) -> Vec<String> {
    let before = samples.iter().filter(|sample| sample.scheduled < at).count();
    let count =
        |wanted: fn(&Outcome) -> bool| samples.iter().filter(|sample| wanted(&sample.reply.outcome)).count();
    let ok = count(Outcome::is_ok);
    let other = count(|outcome| matches!(outcome, Outcome::Answered(_)) && !outcome.is_ok());
    let cut = count(|outcome| matches!(outcome, Outcome::Cut { .. } | Outcome::TimedOut));
    let on_new = count(|outcome| *outcome == Outcome::Unanswered { reused: false });
    let on_reused = count(|outcome| *outcome == Outcome::Unanswered { reused: true });
    let refused = count(|outcome| *outcome == Outcome::Refused);
    let refused_before = samples
        .iter()
        .filter(|sample| sample.scheduled < at && sample.reply.outcome == Outcome::Refused)
        .count();
    let seen = samples
        .iter()
        .filter(|sample| matches!(sample.reply.outcome, Outcome::Unanswered { .. }))
        .filter(|sample| all.begun.contains_key(&sample.id))
        .count();
    let moved: u32 = samples.iter().map(|sample| sample.reply.moved).sum();
    let failed = other + cut + on_new + on_reused + refused_before;
    report.expect(
        format!("SIGTERM {round}: 0 of {} accepted requests failed ({failed})", samples.len() - refused),
        failed == 0,
    );
    let mut cells = vec![round.to_string(), before.to_string(), (samples.len() - before).to_string()];
    cells.extend([ok, other, cut, on_new, on_reused, seen, refused].iter().map(usize::to_string));
    cells.extend([moved.to_string(), millis(took), exit]);
    cells
}
