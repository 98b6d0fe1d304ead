//! The gateway itself, before an origin that is none of ours.

use std::sync::Arc;

use http::HeaderMap;

use super::{Staged, rates};
use crate::lab::arrivals::{Ask, Kind};
use crate::lab::side::{Scenario, Side, get};
use crate::lab::site::{Cold, Site, Wanted};
use crate::lab::world::{Part, World};
use crate::peers::{Peer, Workload};

/// What the peers are set before as well.
const BYTES: usize = 2_048;
const FRONTS: [(Peer, &str); 4] = [
    (Peer::Nginx, "its worker"),
    (Peer::NginxLock, "its worker, one fetch at a time"),
    (Peer::Varnish, "its threads"),
    (Peer::Haproxy, "its thread"),
];

/// Answers that may be kept for an hour.
pub(super) async fn kept(site: &mut Site) -> anyhow::Result<Staged> {
    let mut wanted = fronts(Workload::Hot2k);
    for (peer, limit) in
        [(Peer::CeilingActix, "actix-web and the kernel"), (Peer::CeilingNginx, "a file and the kernel")]
    {
        wanted.push(Wanted {
            peer,
            cold: Cold::Numbered,
            warm: Workload::Hot2k,
            limit,
            kinds: &Kind::ALL,
            most_per_sec: None,
        });
    }
    staged(site, "gateway", &Kind::ALL, &format!("/kept/{BYTES}"), &wanted).await
}

/// Answers that nobody may keep: all of them are cold, however often they are asked for.
pub(super) async fn passed(site: &mut Site) -> anyhow::Result<Staged> {
    staged(site, "pass", &[Kind::Cold], &format!("/pass/{BYTES}"), &fronts(Workload::Pass)).await
}

fn fronts(warm: Workload) -> Vec<Wanted> {
    let wanted = |(peer, limit)| Wanted {
        peer,
        cold: Cold::Numbered,
        warm,
        limit,
        kinds: &Kind::ALL,
        most_per_sec: None,
    };
    FRONTS.into_iter().map(wanted).collect()
}

async fn staged(
    site: &mut Site,
    name: &'static str,
    kinds: &'static [Kind],
    path: &str,
    wanted: &[Wanted],
) -> anyhow::Result<Staged> {
    let (origin, behind) = site.origin().await?;
    let world = World::start(&site.folder, &site.programs, Part::Origin(origin)).await?;
    let (door, path) = (world.door, path.to_owned());
    let make = Arc::new(move |ask| match ask {
        Ask::Fresh(number) => get(door, &format!("{path}?n={number}"), &HeaderMap::new()),
        _ => get(door, &path, &HeaderMap::new()),
    });
    let mut ours = world.side("the kernel: two reads and two writes", make, None);
    ours.stores = behind;
    let constant = site.constant(&ours).await?;
    let (peers, sides): (Vec<_>, Vec<Side>) = site.peers(wanted).await?.into_iter().unzip();
    let sides = [ours, constant].into_iter().chain(sides).collect();
    let scenario = Scenario { name, kinds, sides, paces: rates(500.0, 1_000.0, 500.0), known: 1 };
    Ok(Staged { scenario, world, peers })
}
