//! What can be measured, by name.

mod catalog;
mod crowd;
mod gateway;
mod packages;
mod stories;
mod uploads;

use super::arrivals::Pace;
use super::results::{Fact, Measured};
use super::rounds;
use super::side::{Paces, Scenario};
use super::site::Site;
use super::world::World;
use crate::peers::Started;

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Name {
    /// Answers from the gateway's memory, beside nginx, Varnish and HAProxy.
    Gateway,
    /// Answers of which nobody may keep anything, forwarded by the gateway and by the same peers.
    Pass,
    /// A page of 20 animals of the demo herd.
    Catalog,
    /// The feed of a gym of 100 stories; cold is another viewer each time.
    Stories,
    /// People at that gym, who think for one to three seconds and look at the feed three times of four.
    Users,
    /// A page of 20 of 200,000 packages.
    Packages,
    /// Uploads of 9 and 100 MB, by one person and by five at once.
    Uploads,
    /// WebSockets at one gym: what each costs and how soon all are told.
    Crowd,
}

/// What a scenario found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) measured: Vec<Measured>,
    pub(super) facts: Vec<Fact>,
    /// Expectations that did not hold, in words.
    pub(super) broken: Vec<String>,
}

/// A scenario that is ready to be measured, with all that has to live as long.
struct Staged {
    scenario: Scenario,
    world: World,
    peers: Vec<Started>,
}

impl Name {
    pub(super) fn all() -> &'static [Self] {
        <Self as clap::ValueEnum>::value_variants()
    }

    /// As in arguments and tables.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Pass => "pass",
            Self::Catalog => "catalog",
            Self::Stories => "stories",
            Self::Users => "users",
            Self::Packages => "packages",
            Self::Uploads => "uploads",
            Self::Crowd => "crowd",
        }
    }

    /// Whether figures under this name are its own: those of uploads have a size in theirs.
    pub(super) fn has(self, scenario: &str) -> bool {
        self.label() == scenario || (self == Self::Uploads && scenario.starts_with("upload-"))
    }

    /// Starts everything, measures, and ends everything.
    ///
    /// # Errors
    /// When something does not start or does not answer at all.
    pub(super) async fn run(
        self,
        site: &mut Site,
        is_quick: bool,
        tell: &dyn Fn(&str),
    ) -> anyhow::Result<Found> {
        tell(&format!("{}: starting", self.label()));
        let staged = match self {
            Self::Gateway => gateway::kept(site).await?,
            Self::Pass => gateway::passed(site).await?,
            Self::Catalog => catalog::list(site, is_quick).await?,
            Self::Stories => stories::feed(site).await?,
            Self::Users => stories::users(site, is_quick).await?,
            Self::Packages => packages::list(site, is_quick).await?,
            Self::Uploads => return uploads::run(site, is_quick, tell).await,
            Self::Crowd => return crowd::run(site, is_quick).await,
        };
        let measured = rounds::run(&staged.scenario, &site.effort, tell).await;
        let Staged { world, peers, .. } = staged;
        for peer in peers {
            peer.stop().await?;
        }
        world.stop().await?;
        Ok(Found { measured: measured?, ..Found::default() })
    }
}

/// So many requests a second of each kind.
fn rates(cold: f64, warm: f64, contended: f64) -> Paces {
    Paces { cold: Pace::Rate(cold), warm: Pace::Rate(warm), contended: Pace::Rate(contended) }
}
