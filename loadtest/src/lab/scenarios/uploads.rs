//! Uploads by one person and by five at once (U-A18). Nothing of a file is known before it comes, so one at a time is cold, five at once are
//! contended, and there is no warm. Users upload one after the other: the rate is what comes of it, and not chosen.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use super::Found;
use crate::freshness::dice::Dice;
use crate::freshness::stores::Durability;
use crate::lab::arrivals::Kind;
use crate::lab::measure::{Latencies, Round};
use crate::lab::results::{Fact, Figures, Role};
use crate::lab::rounds::summary;
use crate::lab::site::Site;
use crate::origin::Origin;
use crate::peers::{Peer, Started, Workload};
use crate::stats::median;
use crate::upload::cases::{self, Case, MB, Segments, Way};
use crate::upload::config::{self, Buffering};
use crate::upload::gauge::Watched;
use crate::upload::measure::{Bench, Round as Uploaded};
use crate::upload::media::{self, Media};
use crate::upload::send::Speech;
use crate::upload::system::{Plan, Programs, System};

/// Through the gateway, by bare bytes and by tus.
const OURS: [&str; 2] = ["PUT gateway", "tus gateway"];
/// Uploads at once, and what that is a case of.
const CROWDS: [(usize, Kind); 2] = [(1, Kind::Cold), (5, Kind::Contended)];
/// Uploads of a round where they come one by one.
const ONE_BY_ONE: usize = 3;
const PEERS: [Peer; 3] = [Peer::UploadNginx, Peer::UploadFastapi, Peer::UploadTus];
/// As the requests of peers have it, where each upload needs a name of its own.
const ANY_NAME: &str = "{rand:0-999999999999}";

/// One way and what is known of it.
struct Taken<'s> {
    way: Way,
    role: Role,
    limit: &'static str,
    peer: Option<&'s Started>,
    rounds: Vec<Round>,
    /// Of each upload: what of it was waiting for the answer.
    waiting: Vec<f64>,
}

pub(super) async fn run(site: &mut Site, is_quick: bool, tell: &dyn Fn(&str)) -> anyhow::Result<Found> {
    let plan = Plan {
        durability: Durability::OfMachine,
        gateways: &[Buffering::Off],
        workers: 0,
        // Nothing but uploads is to be measured; what they leave is removed by command.
        more: config::settings(&[("INGEST__MAINTENANCE_SECS", "86400")]),
    };
    let folder = site.folder.join("uploads");
    let system = System::start(&folder, &Programs::below(&site.programs), plan).await?;
    let sink = Origin::start(system.folder(), "sink", Duration::ZERO).await?;
    let bearers = (0..5).map(|number| system.issuer.bearer(&format!("person-{number}")));
    let bench = Bench { bearers: bearers.collect::<anyhow::Result<_>>()?, system };
    let mut peers = Vec::new();
    for peer in PEERS {
        peers.extend(site.start(peer).await);
    }
    let sizes: &[(usize, Workload, &'static str)] = match is_quick {
        true => &[(9 * MB, Workload::Upload9m, "upload-9m")],
        false => {
            &[(9 * MB, Workload::Upload9m, "upload-9m"), (100 * MB, Workload::Upload100m, "upload-100m")]
        }
    };
    let mut found = Found::default();
    for (bytes, workload, scenario) in sizes {
        let film = media::video(&folder.join("media"), *bytes).await?;
        for (uploads, kind) in CROWDS.into_iter().filter(|(_, kind)| site.effort.kinds.contains(kind)) {
            let case =
                Case { bytes: *bytes, uploads, rounds: site.effort.rounds, segments: Segments::Loopback };
            let mut taken = ways(&bench, &sink, &peers, *workload);
            let mut marks = Dice::new(site.effort.seed, scenario, uploads);
            for round in 0..case.rounds {
                tell(&format!("{scenario}, {}, round {} of {}", kind.label(), round + 1, case.rounds));
                let film = another(&film, &mut marks);
                turn(&bench, case, round, &mut taken, &film).await.with_context(|| case.label())?;
            }
            for one in taken {
                one.tell(scenario, kind, uploads, &mut found)?;
            }
        }
    }
    for peer in peers {
        peer.stop().await?;
    }
    bench.system.stop().await?;
    Ok(found)
}

/// All ways in turn; one more is first each round, so that none always comes after the same one.
async fn turn(
    bench: &Bench,
    case: Case,
    round: usize,
    taken: &mut [Taken<'_>],
    film: &Media,
) -> anyhow::Result<()> {
    let film = Arc::new(film.clone());
    // One upload is one figure, so there are several of it.
    let often = if case.uploads == 1 { ONE_BY_ONE } else { 1 };
    let first = round % taken.len().max(1);
    taken.rotate_left(first);
    for one in taken.iter_mut() {
        let mut uploaded = Vec::new();
        for _ in 0..often {
            let way = &one.way;
            uploaded.push(bench.round(case, way, &film).await.with_context(|| way.name.clone())?);
            one.peer.map_or(Ok(()), Started::empty)?;
        }
        one.note(&uploaded)?;
    }
    taken.rotate_right(first);
    Ok(())
}

/// The same film with another digest, as long as before or a few bytes longer: nobody has sent it yet.
fn another(film: &Media, dice: &mut Dice) -> Media {
    let mut mark = [0; 16];
    for (place, byte) in mark.iter_mut().zip(dice.uuid().bytes()) {
        *place = byte;
    }
    Media { name: film.name.clone(), bytes: Bytes::from(media::marked(&film.bytes, &mark)) }
}

fn ways<'s>(bench: &Bench, sink: &Origin, peers: &'s [Started], workload: Workload) -> Vec<Taken<'s>> {
    let taken =
        |way, role, limit, peer| Taken { way, role, limit, peer, rounds: Vec::new(), waiting: Vec::new() };
    let ours = cases::ours(&bench.system, &[Buffering::Off])
        .into_iter()
        .filter(|way| OURS.contains(&way.name.as_str()));
    let mut ways: Vec<Taken<'s>> =
        ours.map(|way| taken(way, Role::Ours, "hashing, and the disk's sync", None)).collect();
    let mut link = cases::link(sink.addr());
    link.watched.push(Watched { name: "sink", pid: sink.pid() });
    ways.push(taken(link, Role::Ceiling, "the kernel's copying", None));
    for peer in peers {
        let Some(ask) = peer.ask(workload) else { continue };
        let speech = match ask.speech(&mut Dice::new(0, "upload", 0)) {
            Some(Speech::Put(_)) => Speech::Put(ask.pattern.replace(ANY_NAME, "{}")),
            Some(speech) => speech,
            None => continue,
        };
        let watched = peer.pids().into_iter().map(|pid| Watched { name: "peer", pid }).collect();
        let way = cases::other(&peer.peer().name(), peer.addr(), speech, watched);
        ways.push(taken(way, Role::Peer, "it syncs nothing and hashes nothing", Some(peer)));
    }
    ways
}

impl Taken<'_> {
    /// One round more.
    fn note(&mut self, uploaded: &[Uploaded]) -> anyhow::Result<()> {
        let mut latencies = Latencies::new()?;
        for sent in uploaded.iter().flat_map(Uploaded::good) {
            latencies.add(sent.total);
            self.waiting.push(sent.waiting.as_secs_f64() / sent.total.as_secs_f64().max(1e-9));
        }
        let attempts: usize = uploaded.iter().map(Uploaded::attempts).sum();
        let wall: Duration = uploaded.iter().map(|one| one.wall).sum();
        let cpu: Duration = uploaded.iter().flat_map(|one| &one.uses).map(|one| one.cpu).sum();
        let mut figures = Figures {
            requests: attempts as u64,
            good: latencies.count(),
            achieved_per_sec: latencies.count() as f64 / wall.as_secs_f64().max(1e-9),
            app_cpu_10k: cpu.as_secs_f64() * 1e4 / attempts.max(1) as f64,
            p50_us: latencies.at(0.5),
            p95_us: latencies.at(0.95),
            p99_us: latencies.at(0.99),
            max_us: latencies.at(1.0),
            ..Figures::default()
        };
        for one in uploaded {
            let refused = one.sent.iter().filter(|sent| !sent.status.is_success());
            let refused = refused.map(|sent| sent.status.as_u16().to_string());
            for what in refused.chain(one.failed.iter().cloned()) {
                *figures.errors.entry(what).or_default() += 1;
            }
        }
        self.rounds.push(Round { figures, latencies, seconds: Vec::new() });
        Ok(())
    }

    /// What came of all rounds; of ours also what k6 calls waiting.
    fn tell(mut self, scenario: &str, kind: Kind, uploads: usize, found: &mut Found) -> anyhow::Result<()> {
        let side = (self.way.name.as_str(), self.role, self.limit.to_owned());
        found.measured.push(summary(scenario, kind, side, &self.rounds)?);
        if self.role == Role::Ours {
            found.facts.push(Fact {
                scenario: scenario.to_owned(),
                what: format!("{} × {uploads}: waiting for the answer, part of the whole", self.way.name),
                value: format!("{:.0} %", 100.0 * median(&mut self.waiting)),
            });
        }
        Ok(())
    }
}
