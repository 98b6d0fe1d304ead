//! The feed of a gym, by one viewer again and again, by another one each time, and by people who think.

use std::sync::Arc;

use anyhow::Context as _;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::{Staged, rates};
use crate::freshness::pool::Pool;
use crate::lab::arrivals::{Ask, Kind, Pace};
use crate::lab::drive::until_answered;
use crate::lab::side::{Make, Paces, Scenario, Side, Target, get, send};
use crate::lab::site::{Cold, Site, Wanted};
use crate::lab::world::{Part, World};
use crate::peers::{Peer, Workload};
use crate::stories::data::{self, Data, SHAPES};

/// The gym of 100 stories, by its place among the shapes.
const GYM: usize = 1;
const PEOPLE: u64 = 200;
const FEW_PEOPLE: u64 = 40;
const EMOJIS: [&str; 3] = ["💪", "🔥", "👏"];
/// Viewers that are made at most, for the database has to be loaded with them.
const MOST_VIEWERS: u64 = 60_000;

/// The gym with those who look at it.
struct Gym {
    world: World,
    data: Data,
    path: String,
}

/// One viewer, or another one each time.
pub(super) async fn feed(site: &mut Site) -> anyhow::Result<Staged> {
    let paces = rates(150.0, 500.0, 150.0);
    let gym = Gym::start(site, site.effort.fresh_needed(&paces) + 1).await?;
    let ours = gym.side(1).await?;
    let constant = site.constant(&ours).await?;
    let wanted = [
        Wanted {
            peer: Peer::StoriesAfter,
            cold: Cold::By(Workload::Feed100Cold),
            warm: Workload::Feed100Warm,
            limit: "Python; nothing is written to it",
            kinds: &Kind::ALL,
            most_per_sec: Some(60.0),
        },
        Wanted {
            peer: Peer::StoriesBefore,
            cold: Cold::By(Workload::Feed100Cold),
            warm: Workload::Feed100Cold,
            limit: "Python and 201 statements; it keeps nothing",
            kinds: &[Kind::Cold],
            most_per_sec: Some(4.0),
        },
    ];
    let (peers, sides): (Vec<_>, Vec<Side>) = site.peers(&wanted).await?.into_iter().unzip();
    let sides = [ours, constant].into_iter().chain(sides).collect();
    let scenario = Scenario { name: "stories", kinds: &Kind::ALL, sides, paces, known: 1 };
    Ok(Staged { scenario, world: gym.world, peers: peers.into_iter().collect() })
}

/// People who think between two looks; cold, each look is that of somebody new.
pub(super) async fn users(site: &mut Site, is_quick: bool) -> anyhow::Result<Staged> {
    let people = if is_quick { FEW_PEOPLE } else { PEOPLE };
    let pace = Pace::People(people);
    let paces = Paces { cold: pace, warm: pace, contended: pace };
    let gym = Gym::start(site, site.effort.fresh_needed(&paces) + people).await?;
    let ours = gym.side(people).await?;
    let sides = vec![site.constant(&ours).await?];
    let sides = [ours].into_iter().chain(sides).collect();
    let scenario = Scenario { name: "users", kinds: &Kind::ALL, sides, paces, known: people };
    Ok(Staged { scenario, world: gym.world, peers: Vec::new() })
}

impl Gym {
    async fn start(site: &Site, viewers: u64) -> anyhow::Result<Self> {
        anyhow::ensure!(
            viewers <= MOST_VIEWERS,
            "{viewers} viewers are needed, and at most {MOST_VIEWERS} are made: fewer rounds or seconds"
        );
        let data = data::make(site.effort.seed, &SHAPES, usize::try_from(viewers)?, 1);
        let world = World::start(&site.folder, &site.programs, Part::Stories(data.sql.clone())).await?;
        let gym = data.gyms.get(GYM).context("no gym")?;
        let path = format!("/v1/gyms/{gym}");
        Ok(Self { world, data, path })
    }

    /// The first `known` viewers are known; every other one is asked for once.
    async fn side(&self, known: u64) -> anyhow::Result<Side> {
        let bearers = self.data.lookers.iter().map(|person| self.world.issuer.bearer(person));
        let bearers: Vec<HeaderValue> = bearers.collect::<anyhow::Result<_>>()?;
        let (door, gym, feed) =
            (self.world.door, self.path.clone(), format!("{}/stories/feed?limit=500", self.path));
        let make: Make = Arc::new(move |ask| {
            let (viewer, path) = match ask {
                Ask::Known(number) => (number, &feed),
                Ask::Detail(number) => (number, &gym),
                Ask::Fresh(number) => (known - 1 + number, &feed),
            };
            let bearer = usize::try_from(viewer)
                .ok()
                .and_then(|viewer| bearers.get(viewer))
                .context("no viewer is left")?;
            get(door, path, &HeaderMap::from_iter([(header::AUTHORIZATION, bearer.clone())]))
        });
        let mut side = self.world.side("the viewer's statement and JSON, cold; the kernel, warm", make, None);
        let feed = until_answered(&Pool::new(door), &side.target, Ask::Known(0)).await?;
        let feed: Value = serde_json::from_slice(&feed)?;
        let story =
            feed.pointer("/user_stories/0/stories/0/id").and_then(Value::as_str).context("no story")?;
        let (path, fields) = (format!("/v1/stories/{story}/reaction"), self.world.fields(&self.data.member)?);
        let write = Arc::new(move |ask| {
            let (Ask::Known(number) | Ask::Fresh(number) | Ask::Detail(number)) = ask;
            let emoji = EMOJIS.get(usize::try_from(number % 3)?).context("no emoji")?;
            send(door, "PUT", &path, &fields, &json!({"emoji": emoji}))
        });
        side.writes = Some(Target { addr: door, make: write, good: |status| status.is_success() });
        Ok(side)
    }
}
