//! An upstream with one instance: nothing can be retried elsewhere, so what counts is that clients are told the truth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Client, Outcome};
use crate::gateway::{BODY_LIMIT_BYTES, Common, Gateway, Setup};
use crate::load::{Kind, Sample, by_label, request};
use crate::origin::{Fault, Mode, Origin, Records};
use crate::report::{Report, Table, counts, millis};

/// Requests in each fault, half of them POST.
const REQUESTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(10);
/// A single instance is not ejected, so it serves as soon as it can.
const LONGEST_RETURN: Duration = Duration::from_secs(2);

const FAULTS: [(&str, Fault, &str); 6] = [
    ("killed", Fault::Killed, "503 upstream_unavailable"),
    ("paused", Fault::Paused, "504 gateway_timeout"),
    ("too slow", Fault::Mode(Mode::Slow), "504 gateway_timeout"),
    ("garbage", Fault::Mode(Mode::Garbage), "502 bad_gateway"),
    ("closes without an answer", Fault::Mode(Mode::Silent), "502 bad_gateway"),
    ("cut short", Fault::Mode(Mode::Cut), "200 cut short"),
];

pub(super) async fn run(common: &Common, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut origin = Origin::start(folder.path(), "origin", Duration::ZERO).await?;
    let setup = Setup::catch_all(vec![origin.addr()], false, BODY_LIMIT_BYTES);
    let gateway = Gateway::start(&common.gateway, folder.path(), &setup).await?;
    let client = Arc::new(Client::new(gateway.addr));

    let mut table = Table::new(
        "One instance",
        &["fault", "expected", "GET", "POST", "POSTs done twice", "200 again after"],
    );
    for (name, fault, expected) in FAULTS {
        // Connections that the gateway keeps, so that the fault meets them.
        ask(&client).await;
        origin.hurt(fault).await?;
        sleep(Duration::from_millis(300)).await;
        let samples = ask(&client).await;
        origin.heal(fault).await?;
        let again = until_ok(&client).await;

        let of = |kind| by_label(samples.iter().filter(|sample| sample.kind == kind));
        let (gets, posts) = (of(Kind::Get), of(Kind::Post));
        let records = origin.records()?;
        let doubled = doubled(&samples, &records);
        note(report, name, expected, &gets, &posts);
        report.expect(format!("one instance {name}: no POST done twice ({doubled})"), doubled == 0);
        report.expect(
            format!("one instance {name}: 200 within {} of recovery", millis(LONGEST_RETURN)),
            again.is_some_and(|again| again <= LONGEST_RETURN),
        );
        if fault == Fault::Killed {
            let told = samples.iter().all(|sample| match &sample.reply.outcome {
                Outcome::Answered(answer) => answer.has_retry_after,
                _ => false,
            });
            report.expect("one instance killed: every 503 has Retry-After", told);
        }
        table.row(&[
            name.to_owned(),
            expected.to_owned(),
            counts(&gets),
            counts(&posts),
            doubled.to_string(),
            again.map_or_else(|| "never".to_owned(), millis),
        ]);
    }
    table.print();
    Ok(())
}

fn note(
    report: &mut Report,
    name: &str,
    expected: &str,
    gets: &BTreeMap<String, u64>,
    posts: &BTreeMap<String, u64>,
) {
    for (kind, labels) in [("GET", gets), ("POST", posts)] {
        report.expect(
            format!("one instance {name}: every {kind} ends with {expected}"),
            labels.keys().all(|label| label == expected),
        );
    }
}

fn doubled(samples: &[Sample], records: &Records) -> usize {
    samples.iter().filter(|sample| records.effects.get(&sample.id).is_some_and(|count| *count > 1)).count()
}

async fn ask(client: &Arc<Client>) -> Vec<Sample> {
    let mut requests = JoinSet::new();
    for sequence in 0..REQUESTS {
        let client = Arc::clone(client);
        let kind = if sequence % 2 == 0 { Kind::Get } else { Kind::Post };
        requests.spawn(async move { request(&client, kind, Instant::now()).await });
        sleep(PAUSE).await;
    }
    requests.join_all().await
}

async fn until_ok(client: &Client) -> Option<Duration> {
    let healed = Instant::now();
    while healed.elapsed() < Duration::from_secs(10) {
        if request(client, Kind::Get, Instant::now()).await.reply.outcome.is_ok() {
            return Some(healed.elapsed());
        }
        sleep(Duration::from_millis(10)).await;
    }
    None
}
