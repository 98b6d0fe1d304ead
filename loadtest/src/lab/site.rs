//! What all scenarios of a run share: where programs are, what they are compared with, and what could not be had.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::arrivals::{Ask, Kind};
use super::drive::until_answered;
use super::results::{LeftOut, Role};
use super::rounds::Effort;
use super::side::{Side, Target, get};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::origin::Origin;
use crate::peers::{self, Outcome, Peer, Stage, Started, Workload};

/// The reference that is always there.
pub(super) const CONSTANT: &str = "constant";
/// The greatest answer that a constant has.
const GREATEST: usize = 1_000_000;

/// A run in progress.
pub(super) struct Site {
    pub(super) programs: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) effort: Effort,
    constant: Origin,
    /// None where no peers are wanted.
    stage: Option<Stage>,
    pub(super) left_out: Vec<LeftOut>,
}

/// How a peer is asked for what it does not know.
#[derive(Clone, Copy)]
pub(super) enum Cold {
    /// By a workload that it has for this.
    By(Workload),
    /// By the warm request with a number behind it: for what keeps answers by address.
    Numbered,
    /// By the path of a number.
    Path(fn(u64) -> String),
}

/// A peer that is wanted, and what it is asked for.
pub(super) struct Wanted {
    pub(super) peer: Peer,
    pub(super) cold: Cold,
    pub(super) warm: Workload,
    pub(super) limit: &'static str,
    pub(super) kinds: &'static [Kind],
    pub(super) most_per_sec: Option<f64>,
}

impl Site {
    pub(super) async fn open(
        programs: &Path,
        folder: &Path,
        effort: Effort,
        with_peers: bool,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let constant = Origin::start(&folder, "constant", Duration::ZERO).await?;
        let stage = if with_peers { Some(Stage::open(&folder.join("peers")).await?) } else { None };
        Ok(Self { programs: programs.to_owned(), folder, effort, constant, stage, left_out: Vec::new() })
    }

    /// Where the origin listens that gateways are compared before: that of the peers, where there are any.
    pub(super) async fn origin(&mut self) -> anyhow::Result<(std::net::SocketAddr, Vec<u32>)> {
        match &mut self.stage {
            Some(stage) => {
                let addr = stage.origin().await?;
                Ok((addr, stage.origin_pid().into_iter().collect()))
            }
            None => Ok((self.constant.addr(), vec![self.constant.pid()])),
        }
    }

    /// A handler that answers as many bytes as this side does, from memory and whoever asks: what no service goes below.
    pub(super) async fn constant(&self, of: &Side) -> anyhow::Result<Side> {
        let body = until_answered(&Pool::new(of.target.addr), &of.target, Ask::Known(0)).await?;
        let (addr, path) = (self.constant.addr(), format!("/kept/{}", body.len().clamp(100, GREATEST)));
        let make = Arc::new(move |_| get(addr, &path, &HeaderMap::new()));
        Ok(Side {
            name: CONSTANT.to_owned(),
            role: Role::Ceiling,
            limit: "the kernel, and this program's own HTTP".to_owned(),
            target: Target { addr, make, good: |status| status == 200 },
            writes: None,
            app: vec![self.constant.pid()],
            stores: Vec::new(),
            kinds: &Kind::ALL,
            most_per_sec: None,
        })
    }

    /// Starts what is wanted and can be had; why the rest cannot is noted and said.
    ///
    /// # Errors
    /// When one that cannot be asked cannot be stopped either.
    pub(super) async fn peers(&mut self, wanted: &[Wanted]) -> anyhow::Result<Vec<(Started, Side)>> {
        let mut started = Vec::new();
        if let Some(stage) = &self.stage {
            // Of what an earlier scenario asked.
            stage.forget().await?;
        }
        for one in wanted {
            let Some(peer) = self.start(one.peer).await else { continue };
            let Some(stage) = &self.stage else { break };
            let behind = match one.peer.kind() {
                peers::Kind::Gateway => stage.origin_pid().into_iter().collect(),
                peers::Kind::Yardstick => stage.store_pids(),
                peers::Kind::Upload | peers::Kind::Ceiling => Vec::new(),
            };
            match side(one, &peer, behind) {
                Some(side) => started.push((peer, side)),
                None => peer.stop().await?,
            }
        }
        Ok(started)
    }

    /// A peer, where it can be had and starts.
    pub(super) async fn start(&mut self, peer: Peer) -> Option<Started> {
        let stage = self.stage.as_mut()?;
        let why = match stage.start(peer).await {
            Ok(Outcome::Started(started)) => return Some(started),
            Ok(Outcome::LeftOut(why)) => why,
            // Its own affair: what is ours is measured all the same.
            Err(error) => format!("{error:#}"),
        };
        eprintln!("{}: not measured: {why}", peer.name());
        self.left_out.push(LeftOut { what: peer.name(), why });
        None
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self.stage {
            Some(stage) => stage.stop().await,
            None => Ok(()),
        }
    }
}

/// A peer as a side; none where it cannot be asked for what is wanted.
fn side(wanted: &Wanted, peer: &Started, stores: Vec<u32>) -> Option<Side> {
    let (addr, warm) = (peer.addr(), peer.ask(wanted.warm)?);
    let cold = match wanted.cold {
        Cold::By(workload) => Some(peer.ask(workload)?),
        Cold::Numbered | Cold::Path(_) => None,
    };
    let path = match wanted.cold {
        Cold::Path(path) => Some(path),
        Cold::By(_) | Cold::Numbered => None,
    };
    let good = if warm.status == 200 { |status| status == 200 } else { |status| status == 304 };
    let make = Arc::new(move |ask| {
        let Ask::Fresh(number) = ask else { return get(addr, &warm.path(&mut numbered(0)), &warm.headers) };
        // By the number alone, so that a crowd asks for one thing.
        match (&cold, path) {
            (Some(cold), _) => get(addr, &cold.path(&mut numbered(number)), &cold.headers),
            (None, Some(path)) => get(addr, &path(number), &warm.headers),
            (None, None) => get(addr, &format!("{}?n={number}", warm.path(&mut numbered(0))), &warm.headers),
        }
    });
    Some(Side {
        name: wanted.peer.name(),
        role: if wanted.peer.kind() == peers::Kind::Ceiling { Role::Ceiling } else { Role::Peer },
        limit: wanted.limit.to_owned(),
        target: Target { addr, make, good },
        writes: None,
        app: peer.pids(),
        stores,
        kinds: wanted.kinds,
        most_per_sec: wanted.most_per_sec,
    })
}

fn numbered(number: u64) -> Dice {
    Dice::new(number, "peer", 0)
}
