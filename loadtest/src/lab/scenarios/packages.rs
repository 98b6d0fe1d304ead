//! A page of the desk's list. Cold is the page before another instant each time.

use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::json;

use super::{Staged, rates};
use crate::freshness::dice::Dice;
use crate::lab::arrivals::{Ask, Kind};
use crate::lab::side::{Scenario, Side, Target, get, send};
use crate::lab::site::{Cold, Site, Wanted};
use crate::lab::world::{Part, World};
use crate::packages::data;
use crate::peers::{Peer, Workload};

const PAGE: &str = "/v1/packages?limit=20";
/// As many as the yardstick has.
const PACKAGES: u32 = 200_000;
const FEW_PACKAGES: u32 = 5_000;
/// Seconds among whose packages pages begin: of the newest 5,000, as those of the yardstick do; or of a few, of all but the last.
const STRETCH_SECS: u64 = 5_000 * 300;
const SHORT_STRETCH_SECS: u64 = 4_000 * 300;

/// The list, by somebody who works at the desk.
pub(super) async fn list(site: &mut Site, is_quick: bool) -> anyhow::Result<Staged> {
    let (packages, stretch) =
        if is_quick { (FEW_PACKAGES, SHORT_STRETCH_SECS) } else { (PACKAGES, STRETCH_SECS) };
    let data = data::make(packages, Dice::new(site.effort.seed, "packages data", 0).uuid());
    let world = World::start(&site.folder, &site.programs, Part::Packages(data.sql)).await?;
    let (door, fields) = (world.door, world.fields(&data.operator)?);
    let (asked, now): (HeaderMap, DateTime<Utc>) = (fields.clone(), SystemTime::now().into());
    let make = Arc::new(move |ask| match ask {
        Ask::Fresh(number) => {
            get(door, &format!("{PAGE}&created_to={}", instant(now, number, stretch)), &asked)
        }
        _ => get(door, PAGE, &asked),
    });
    let write = Arc::new(move |ask| {
        let (Ask::Known(number) | Ask::Fresh(number) | Ask::Detail(number)) = ask;
        let guide = format!("LAB{}", letters(number));
        let body = json!({"guide_number": guide, "name": "Ana Garcia", "phone": format!("+57310{:07}", number % 10_000_000)});
        send(door, "POST", "/v1/announcements", &fields, &body)
    });
    let writes = Target { addr: door, make: write, good: |status| status.is_success() };
    let ours = world.side("writing JSON and two statements, cold; the kernel, warm", make, Some(writes));
    let constant = site.constant(&ours).await?;
    let wanted = [Wanted {
        peer: Peer::PackagesAfter,
        cold: Cold::By(Workload::PackagesFirstCold),
        warm: Workload::PackagesFirstWarm,
        limit: "Python and OFFSET; nothing is written to it",
        kinds: &Kind::ALL,
        most_per_sec: Some(100.0),
    }];
    let (peers, sides): (Vec<_>, Vec<Side>) = site.peers(&wanted).await?.into_iter().unzip();
    let sides = [ours, constant].into_iter().chain(sides).collect();
    let scenario =
        Scenario { name: "packages", kinds: &Kind::ALL, sides, paces: rates(150.0, 500.0, 150.0), known: 1 };
    Ok(Staged { scenario, world, peers })
}

/// An instant of the stretch before `now`; no two numbers have the same.
fn instant(now: DateTime<Utc>, number: u64, stretch_secs: u64) -> String {
    // Coprime to the stretch, so that pages lie all over it before any comes near another.
    let secs = number.wrapping_mul(7_919) % stretch_secs;
    let back = TimeDelta::seconds(i64::try_from(secs).unwrap_or_default())
        + TimeDelta::microseconds(i64::try_from(number % 1_000_000).unwrap_or_default());
    (now - back).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A number in letters, for a guide number that is read as nothing else.
fn letters(mut number: u64) -> String {
    const LETTERS: [char; 16] =
        ['A', 'C', 'D', 'E', 'F', 'H', 'J', 'K', 'M', 'N', 'P', 'R', 'T', 'V', 'W', 'X'];
    let mut text = String::new();
    for _ in 0..8 {
        text.extend(usize::try_from(number % 16).ok().and_then(|at| LETTERS.get(at)));
        number /= 16;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_cold_pages_are_the_same_and_all_lie_among_the_packages() {
        let now: DateTime<Utc> = "2026-11-29T09:00:00Z".parse().unwrap();
        let instants: HashSet<String> =
            (0..50_000).map(|number| instant(now, number, SHORT_STRETCH_SECS)).collect();
        assert_eq!(instants.len(), 50_000);
        for text in instants {
            let at: DateTime<Utc> = text.parse().unwrap();
            assert!((now - at).num_seconds() <= i64::try_from(SHORT_STRETCH_SECS).unwrap());
        }
    }

    #[test]
    fn numbers_of_parcels_differ() {
        assert_eq!(letters(0), "AAAAAAAA");
        assert_eq!((0..10_000).map(letters).collect::<HashSet<_>>().len(), 10_000);
    }
}
