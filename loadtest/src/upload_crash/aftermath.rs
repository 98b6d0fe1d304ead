//! After the last kill: waits until everything is processed, reads every original back, and looks at what is left in the
//! database and in the store.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::{HeaderValue, Request};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::judge::{Asset, Found, ReadBack};
use super::story::{Ended, Story};
use super::talk::{self, Sending};
use super::world::World;
use crate::upload::system::{Database, System};

const BETWEEN_LOOKS: Duration = Duration::from_secs(3);
/// Looks between two lines about it.
const TOLD_EVERY: u32 = 10;

const ASSETS: &str = "\
select a.id, a.title, a.status, a.bytes, encode(a.sha256, 'hex') as sha256, \
(select coalesce(json_agg(json_build_object('kind', j.kind, 'state', j.state, \
'done', (select count(*) from job_attempt t where t.job_id = j.id and t.outcome = 'done'), \
'lost', (select count(*) from job_attempt t where t.job_id = j.id and t.outcome = 'lost'))), '[]') \
from job j where j.asset_id = a.id) as stages, \
(select coalesce(json_agg(r.name || '.' || r.format order by r.name, r.format), '[]') \
from rendition r where r.asset_id = a.id) as renditions, \
(select count(*) from storage_object o where o.asset_id = a.id and o.state = 'live') as objects, \
(select count(*) from outbox e where e.aggregate = 'asset/' || a.id and e.event_type like '%.AssetProcessed') \
as processed_events, extract(epoch from a.updated_at - a.created_at)::float8 as seconds from asset a";

/// What must be zero when nothing is under way. An upload whose client has left waits for its expiry and is not stuck.
const LEFT: &str = "\
select (select count(*) from job where state in ('queued', 'running', 'retry_wait')) as \"open jobs\", \
(select count(*) from upload where state in ('received', 'verified')) as \"uploads that are whole and no asset\", \
(select count(*) from upload where declared_bytes = durable_bytes and state in ('created', 'receiving', 'paused') \
and dialect = 'tus') as \"uploads of tus that are whole and not received\", \
(select count(*) from outbox where published_at is null) as \"unpublished events\", \
(select count(*) from asset where status = 'processing') as \"assets in processing\"";

/// Stages that were given up, whose owners may have them tried again.
const DEAD: &str = "\
select j.asset_id, j.kind, j.error_code, a.owner from job j join asset a on a.id = j.asset_id where j.state = 'dead'";

/// How the run ended, beside its uploads.
#[derive(Debug)]
pub(super) struct Aftermath {
    pub(super) found: Found,
    /// What was left, by what it is; all should be zero.
    pub(super) left: BTreeMap<String, u64>,
    /// Stages that their owners had to have tried again, by the cause.
    pub(super) retried: BTreeMap<String, u64>,
    /// What the last look of the reconciler counted.
    pub(super) reconciled: Value,
}

#[derive(Deserialize)]
struct Dead {
    asset_id: String,
    kind: String,
    error_code: Option<String>,
    owner: String,
}

async fn wait_until_processed(
    world: &World,
    system: &System,
    longest: Duration,
) -> anyhow::Result<(BTreeMap<String, u64>, BTreeMap<String, u64>)> {
    let (deadline, mut retried) = (Instant::now() + longest, BTreeMap::new());
    let mut looks = 0_u32;
    loop {
        for dead in system.database.rows::<Dead>(DEAD).await? {
            let cause = format!("{}: {}", dead.kind, dead.error_code.clone().unwrap_or_default());
            // The owner's own remedy. Done twice it is refused, which is as well.
            let path = format!("/v1/assets/{}/stages/{}/retry", dead.asset_id, dead.kind);
            let bearer = system.issuer.bearer(&dead.owner)?;
            let reply = talk::exchange(world.service, Request::post(path), &bearer, Sending::none()).await;
            if reply.is_ok_and(|reply| reply.status.is_success()) {
                *retried.entry(cause).or_default() += 1;
            }
        }
        let left = left(system.database).await?;
        if left.values().all(|count| *count == 0) || Instant::now() > deadline {
            return Ok((left, retried));
        }
        if looks.is_multiple_of(TOLD_EVERY) {
            tell(world, &left);
        }
        looks = looks.wrapping_add(1);
        sleep(BETWEEN_LOOKS).await;
    }
}

fn tell(world: &World, left: &BTreeMap<String, u64>) {
    let open: Vec<String> =
        left.iter().filter(|(_, count)| **count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    eprintln!("{:>7.1} s  waiting: {}", world.seconds(), open.join(", "));
}

async fn left(database: Database) -> anyhow::Result<BTreeMap<String, u64>> {
    database.rows(LEFT).await?.into_iter().next().context("no counts")
}

/// Assets that wait for a worker, or are with one.
pub(super) async fn waiting(database: Database) -> anyhow::Result<u64> {
    left(database).await?.get("assets in processing").copied().context("no count")
}

/// Everything there is, with every original read back.
pub(super) async fn look(
    world: &World,
    system: &System,
    stories: &[Story],
    orphan_age: Duration,
    longest: Duration,
) -> anyhow::Result<Aftermath> {
    let (left, retried) = wait_until_processed(world, system, longest).await?;
    let mut found = Found::default();
    for asset in system.database.rows::<Asset>(ASSETS).await? {
        let title = asset.title.clone().unwrap_or_default();
        found.assets.entry(title).or_default().push(asset);
    }
    found.learn(stories);
    for story in stories {
        let (Some(Ended::Finished(id)), Some(bearer)) = (&story.ended, world.bearers.get(story.owner)) else {
            continue;
        };
        found.originals.insert(id.clone(), read_back(world, id, bearer).await?);
    }
    // Whatever the last crash has left is old enough by then.
    sleep(orphan_age).await;
    system.reconcile(false).await?;
    let reconciled = system.reconcile(true).await?;
    Ok(Aftermath { found, left, retried, reconciled })
}

/// The original of an asset, as its owner gets it.
async fn read_back(world: &World, id: &str, bearer: &HeaderValue) -> anyhow::Result<ReadBack> {
    let get = async |path: &str| {
        let reply = talk::exchange(world.gateway, Request::get(path), bearer, Sending::none()).await;
        reply.map_err(|failure| anyhow::anyhow!("GET {path}: {}", failure.label()))
    };
    let asset = get(&format!("/v1/assets/{id}")).await?;
    let asset: Value = serde_json::from_slice(&asset.body).unwrap_or_default();
    let Some(url) = asset.get("original_url").and_then(Value::as_str) else {
        return Ok(ReadBack { status: 404, bytes: 0, sha256: String::new() });
    };
    Ok(ReadBack::of(&get(url).await?))
}
