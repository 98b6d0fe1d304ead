//! A page of the herd. Cold is another filter each time, which leaves out next to nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::{Staged, rates};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::lab::arrivals::{Ask, Kind};
use crate::lab::drive::{probe, until_answered};
use crate::lab::side::{Scenario, Side, Target, get, send};
use crate::lab::site::{Cold, Site, Wanted};
use crate::lab::world::{Part, World};
use crate::peers::{Peer, Workload};

const PAGE: &str = "/v1/animals?limit=20";
/// Animals of a quick run; a bulk has a thousand at most.
const FEW_ANIMALS: u32 = 1_000;
/// Pages of the peer, and how many lengths they have.
const PAGES: u64 = 240;
const LIMITS: u64 = 5;

/// The list of animals, by the administrator.
pub(super) async fn list(site: &mut Site, is_quick: bool) -> anyhow::Result<Staged> {
    let part = Part::Catalog { has_herd: !is_quick };
    let world = World::start(&site.folder, &site.programs, part).await?;
    let (door, fields) = (world.door, world.administrator().await?);
    if is_quick {
        few(door, &fields, &mut Dice::new(site.effort.seed, "few animals", 0)).await?;
    }
    let asked = fields.clone();
    let make = Arc::new(move |ask| match ask {
        Ask::Fresh(number) => get(door, &format!("{PAGE}&weight_g%5Bgte%5D={number}"), &asked),
        _ => get(door, PAGE, &asked),
    });
    let mut ours = world.side("its one statement and JSON, cold; the kernel, warm", make, None);
    let first: Value =
        serde_json::from_slice(&until_answered(&Pool::new(door), &ours.target, Ask::Known(0)).await?)?;
    let id = first.pointer("/items/0/id").and_then(Value::as_str).context("no animal")?;
    let path = format!("/v1/animals/{id}");
    let mut changing = fields;
    changing.insert(header::IF_MATCH, HeaderValue::from_static("*"));
    let write = Arc::new(move |ask| {
        let (Ask::Known(number) | Ask::Fresh(number) | Ask::Detail(number)) = ask;
        // Some weight of a grown animal, another one than before.
        send(door, "PATCH", &path, &changing, &json!({"weight_g": 300_000 + number % 400_000}))
    });
    ours.writes = Some(Target { addr: door, make: write, good: |status| status.is_success() });
    let constant = site.constant(&ours).await?;
    let wanted = [Wanted {
        peer: Peer::CatalogAfter,
        cold: Cold::Path(another_page),
        warm: Workload::CatalogList,
        limit: "Python; nothing is written to it",
        kinds: &Kind::ALL,
        most_per_sec: Some(100.0),
    }];
    let (peers, sides): (Vec<_>, Vec<Side>) = site.peers(&wanted).await?.into_iter().unzip();
    let sides = [ours, constant].into_iter().chain(sides).collect();
    let scenario =
        Scenario { name: "catalog", kinds: &Kind::ALL, sides, paces: rates(150.0, 500.0, 150.0), known: 1 };
    Ok(Staged { scenario, world, peers })
}

/// Some animals, for who does not want to wait for the herd.
async fn few(door: SocketAddr, fields: &HeaderMap, dice: &mut Dice) -> anyhow::Result<()> {
    let (species, breed) = (dice.uuid(), dice.uuid());
    let animals: Vec<Value> = (1..=FEW_ANIMALS)
        .map(|number| {
            json!({
                "record": format!("LAB-{number:06}"), "sex": if number % 2 == 0 { "female" } else { "male" },
                "birth_date": "2020-02-01", "weight_g": 300_000 + number, "breed_id": breed,
            })
        })
        .collect();
    let steps = [
        ("/v1/species", json!({"id": species, "name": "cattle"})),
        ("/v1/breeds", json!({"id": breed, "name": "some breed", "species_id": species})),
        ("/v1/animals/bulk", json!({"items": animals})),
    ];
    let pool = Pool::new(door);
    for (path, body) in steps {
        let fields = fields.clone();
        let make = Arc::new(move |_| send(door, "POST", path, &fields, &body));
        let target = Target { addr: door, make, good: |status| status.is_success() };
        probe(&pool, &target, Ask::Known(0)).await?;
    }
    Ok(())
}

/// More pages than the peer keeps, asked for one after the other, so that it has dropped each when it comes again; none lies deep.
fn another_page(number: u64) -> String {
    format!("/animals?page={}&limit={}", 2 + number % PAGES, 20 + number / PAGES % LIMITS)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_peer_has_forgotten_a_page_when_it_comes_again() {
        let round: HashSet<String> = (0..PAGES * LIMITS).map(another_page).collect();
        // It keeps a thousand.
        assert!(round.len() > 1_000);
        assert_eq!(another_page(PAGES * LIMITS), another_page(0));
    }
}
