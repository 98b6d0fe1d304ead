//! Whether each peer answers what it is asked as it should: status, size, contents, and whether it was known before.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Full;

use super::ask::Ask;
use super::peer::{Kind, Peer};
use super::stage::{Looked, Stage};
use super::started::Started;
use super::workload::Workload;
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Pool, Reply};
use crate::report::{Report, Table};
use crate::upload::cases::Segments;
use crate::upload::media::Media;
use crate::upload::send::Connection;

/// What an answer may take, also in a debug build beside other work.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// Asks a peer for everything that it can be asked, and notes what came.
pub(super) async fn check(
    stage: &Stage,
    started: &Started,
    table: &mut Table,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (pool, mut dice) = (Pool::new(started.addr()), Dice::new(1, "check", 0));
    for &workload in started.peer().workloads() {
        let ask = started.ask(workload).context("a workload that cannot be asked")?;
        let seen = match ask.upload {
            Some(_) => uploaded(started, &ask, &mut dice).await?,
            None => answered(stage, started, &pool, workload, &ask, &mut dice).await?,
        };
        let (peer, workload) = (started.peer().name(), workload.name());
        let verdict = if seen.faults.is_empty() { "ok".to_owned() } else { seen.faults.join("; ") };
        report.expect(format!("{peer} answers {workload}: {verdict}"), seen.faults.is_empty());
        table.row(&[peer, workload, ask.pattern, seen.status, seen.bytes.to_string(), seen.behind, verdict]);
    }
    Ok(())
}

struct Seen {
    status: String,
    bytes: u64,
    /// What those who stand behind have noticed.
    behind: String,
    faults: Vec<String>,
}

/// Asks once so that it may be known, and once more to see.
async fn answered(
    stage: &Stage,
    started: &Started,
    pool: &Pool,
    workload: Workload,
    ask: &Ask,
    dice: &mut Dice,
) -> anyhow::Result<Seen> {
    get(pool, started, ask, dice).await?;
    let before = stage.looked().await?;
    let reply = get(pool, started, ask, dice).await?;
    let noticed = stage.looked().await?.since(before);
    let bytes = reply.body.len() as u64;
    let mut faults = Vec::new();
    if reply.status != ask.status {
        faults.push(format!("not {}", ask.status));
    }
    if !ask.bytes.contains(&bytes) {
        faults.push(format!("not {:?} bytes", ask.bytes));
    }
    if let Some((part, often)) = parts(workload) {
        let found = memchr::memmem::find_iter(&reply.body, part).count();
        if found != often {
            faults.push(format!("{found} parts, not {often}"));
        }
    }
    let cache = reply.header("x-cache");
    faults.extend(misplaced(started.peer(), workload, noticed, cache));
    let behind = match started.peer().kind() {
        Kind::Gateway => format!("origin asked {}×", noticed.asked),
        Kind::Yardstick => {
            format!("Redis found {}, missed {}; X-Cache: {cache}", noticed.found, noticed.missed)
        }
        Kind::Upload | Kind::Ceiling => "–".to_owned(),
    };
    Ok(Seen { status: reply.status.as_u16().to_string(), bytes, behind, faults })
}

async fn get(pool: &Pool, started: &Started, ask: &Ask, dice: &mut Dice) -> anyhow::Result<Reply> {
    let path = ask.path(dice);
    let mut request =
        Request::get(&path).header(HOST, started.addr().to_string()).body(Full::<Bytes>::default())?;
    request.headers_mut().extend(ask.headers.clone());
    let reply = pool.exchange(request, LONGEST_ANSWER).await;
    reply.map_err(|failure| anyhow::anyhow!("{}: GET {path}: {}", started.peer().name(), failure.label()))
}

/// What every answer holds, and how often.
fn parts(workload: Workload) -> Option<(&'static [u8], usize)> {
    match workload {
        Workload::Feed25Warm | Workload::Feed25Cold => Some((b"\"has_viewed\":", 25)),
        Workload::Feed100Warm | Workload::Feed100Cold => Some((b"\"has_viewed\":", 100)),
        Workload::Feed500Warm | Workload::Feed500Cold => Some((b"\"has_viewed\":", 500)),
        Workload::PackagesFirstWarm
        | Workload::PackagesFirstCold
        | Workload::PackagesDeepWarm
        | Workload::PackagesDeepCold => Some((b"\"tracking_number\":", 20)),
        Workload::CatalogList => Some((b"\"breed_id\":", 20)),
        _ => None,
    }
}

/// Whether the answer came from somewhere else than it should.
fn misplaced(peer: Peer, workload: Workload, noticed: Looked, cache: &str) -> Option<String> {
    let cold = matches!(
        workload,
        Workload::Feed25Cold
            | Workload::Feed100Cold
            | Workload::Feed500Cold
            | Workload::PackagesFirstCold
            | Workload::PackagesDeepCold
    );
    let in_redis = if cold { (0, 1, "miss") } else { (1, 0, "hit") };
    let asked = u64::from(workload == Workload::Pass);
    match peer {
        Peer::StoriesBefore => (cache != "none").then(|| "known to somebody".to_owned()),
        Peer::CatalogAfter => (cache != "hit").then(|| "not known to the process".to_owned()),
        Peer::StoriesAfter | Peer::PackagesAfter => {
            ((noticed.found, noticed.missed, cache) != in_redis).then(|| format!("not a {}", in_redis.2))
        }
        _ if peer.kind() == Kind::Gateway => {
            (noticed.asked != asked).then(|| format!("not {asked} requests at the origin"))
        }
        _ => None,
    }
}

/// Sends a file, and looks whether all of it has come.
async fn uploaded(started: &Started, ask: &Ask, dice: &mut Dice) -> anyhow::Result<Seen> {
    let (upload, speech) = ask.upload.zip(ask.speech(dice)).context("an upload without a file")?;
    let media = Media { name: "film.mp4".to_owned(), bytes: vec![7_u8; upload.bytes].into() };
    let sent =
        Connection::open(started.addr(), Segments::Loopback).await?.upload(&speech, &media, None).await?;
    let received = started.received_bytes()?;
    started.empty()?;
    let mut faults = Vec::new();
    if sent.status != ask.status {
        faults.push(format!("not {}", ask.status));
    }
    if !received.contains(&(upload.bytes as u64)) {
        faults.push(format!("files of {received:?} bytes, none of {}", upload.bytes));
    }
    let status = sent.status.as_u16().to_string();
    Ok(Seen { status, bytes: upload.bytes as u64, behind: "a file of that size".to_owned(), faults })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_the_wrong_place_is_a_fault() {
        let asked = |asked| Looked { asked, found: 0, missed: 0 };
        let redis = |found, missed| Looked { asked: 0, found, missed };
        assert_eq!(misplaced(Peer::Nginx, Workload::Hot2k, asked(0), ""), None);
        assert!(misplaced(Peer::Nginx, Workload::Hot2k, asked(1), "").is_some());
        assert_eq!(misplaced(Peer::Varnish, Workload::Pass, asked(1), ""), None);
        assert!(misplaced(Peer::Varnish, Workload::Pass, asked(0), "").is_some());
        assert_eq!(misplaced(Peer::StoriesAfter, Workload::Feed25Warm, redis(1, 0), "hit"), None);
        assert!(misplaced(Peer::StoriesAfter, Workload::Feed25Cold, redis(1, 0), "hit").is_some());
        assert!(misplaced(Peer::PackagesAfter, Workload::PackagesDeepCold, redis(0, 1), "hit").is_some());
        assert!(misplaced(Peer::CatalogAfter, Workload::Catalog304, redis(0, 0), "miss").is_some());
    }
}
