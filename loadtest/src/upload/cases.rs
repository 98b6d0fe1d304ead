//! What is measured: how large, how many at once, and by which way.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::config::Buffering;
use super::gauge::Watched;
use super::peers::Peer;
use super::send::Speech;
use super::system::System;

/// Decimal, as links are: 100 MB in a second is 800 Mbit/s (T20).
pub(crate) const MB: usize = 1_000_000;
/// More at once is for our own service alone.
const FEW: usize = 5;

/// How large the segments are in which a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segments {
    /// Those of the loopback, 64 KiB. Linux lets a sender keep at least ten to thirty segments of its own (`tcp_sndbuf_expand`): the 4 MB that
    /// it has at most. So much of a file is sent, as far as the client can tell, before anybody took it.
    Loopback,
    /// Those of an Ethernet, as any client on another machine sends: what a client's system keeps is in proportion then.
    Ethernet,
}

impl Segments {
    /// Bytes of a segment, where that is to be said (`TCP_MAXSEG`, tcp(7)).
    pub(crate) fn most_bytes(self) -> Option<u32> {
        match self {
            Self::Loopback => None,
            Self::Ethernet => Some(1460),
        }
    }
}

/// So many uploads of this size at once, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) bytes: usize,
    pub(crate) uploads: usize,
    pub(crate) rounds: usize,
    pub(crate) segments: Segments,
}

impl Case {
    /// `100 MB × 5`.
    pub(crate) fn label(self) -> String {
        let segments = match self.segments {
            Segments::Loopback => "",
            Segments::Ethernet => ", segments of 1460 bytes",
        };
        format!("{} MB × {}{segments}", self.bytes / MB, self.uploads)
    }

    pub(crate) fn total_bytes(self) -> usize {
        self.bytes * self.uploads
    }
}

/// The cases. One upload at a time gives one figure a round, so it has more of them.
pub(crate) fn cases(rounds: usize, most: usize) -> Vec<Case> {
    let case = |megabytes, uploads, rounds| {
        let segments = Segments::Loopback;
        Case { bytes: megabytes * MB, uploads, rounds, segments }
    };
    let as_over_ethernet = |case| Case { segments: Segments::Ethernet, ..case };
    let all = [
        case(9, 1, 3 * rounds),
        as_over_ethernet(case(9, 1, 3 * rounds)),
        case(9, 5, rounds),
        as_over_ethernet(case(9, 5, rounds)),
        case(100, 1, 3 * rounds),
        case(100, 5, rounds),
        case(100, 50, 1),
        case(100, 200, 1),
    ];
    all.into_iter().filter(|case| case.uploads <= most).collect()
}

/// What has to be removed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// Assets of ours.
    Assets,
    /// Files in this folder.
    Files(PathBuf),
    Nothing,
}

/// A way for an upload.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) addr: SocketAddr,
    speech: Speech,
    /// The processes that it passes, the one that answers last.
    pub(crate) watched: Vec<Watched>,
    pub(crate) leftover: Leftover,
    /// Most uploads at once.
    most: usize,
    pub(crate) kind: Kind,
}

/// Whose way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The client's own rate: a server that throws everything away.
    Link,
    /// To the service itself.
    Straight,
    /// Through a gateway.
    Through(Buffering),
    Peer,
}

impl Way {
    pub(crate) fn takes(&self, case: Case) -> bool {
        case.uploads <= self.most
    }

    /// The request of the upload of this number.
    pub(crate) fn speech(&self, number: usize) -> Speech {
        match &self.speech {
            Speech::Put(path) => Speech::Put(path.replace("{}", &number.to_string())),
            other => other.clone(),
        }
    }

    pub(crate) fn is_link(&self) -> bool {
        self.kind == Kind::Link
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Straight | Kind::Through(_))
    }

    /// Whether it is the plainest way to us: bare bytes.
    pub(crate) fn is_put(&self) -> bool {
        matches!(self.speech, Speech::Put(_))
    }
}

/// A server that throws everything away, as fast as the link.
pub(crate) fn link(addr: SocketAddr) -> Way {
    Way {
        name: "nothing but the link".to_owned(),
        addr,
        speech: Speech::Put("/sink".to_owned()),
        watched: Vec::new(),
        leftover: Leftover::Nothing,
        most: usize::MAX,
        kind: Kind::Link,
    }
}

/// What others have.
pub(crate) fn peer(name: &str, process: &'static str, speech: Speech, peer: &Peer) -> Way {
    Way {
        name: name.to_owned(),
        addr: peer.addr,
        speech,
        watched: peer.server.pid().map(|pid| Watched { name: process, pid }).into_iter().collect(),
        leftover: Leftover::Files(peer.received.clone()),
        most: FEW,
        kind: Kind::Peer,
    }
}

/// A server of any kind whose leftovers somebody else removes; `watched` are its processes.
pub(crate) fn other(name: &str, addr: SocketAddr, speech: Speech, watched: Vec<Watched>) -> Way {
    let (leftover, most, kind) = (Leftover::Nothing, FEW, Kind::Peer);
    Way { name: name.to_owned(), addr, speech, watched, leftover, most, kind }
}

/// Ours, by bare bytes, forms and tus; straight and through each gateway.
pub(crate) fn ours(system: &System, gateways: &[Buffering]) -> Vec<Way> {
    let speeches = [
        ("PUT", Speech::Put("/v1/videos".to_owned())),
        ("multipart", Speech::Multipart("/v1/videos/upload".to_owned())),
        ("tus", Speech::Tus("/v1/uploads".to_owned())),
    ];
    let service = system.service.pid().map(|pid| Watched { name: "service", pid });
    let way = |place: &str, kind, addr, gateway: Option<Watched>| {
        let watched: Vec<Watched> = gateway.into_iter().chain(service.clone()).collect();
        speeches
            .iter()
            .map(move |(word, speech)| Way {
                name: format!("{word} {place}"),
                addr,
                speech: speech.clone(),
                watched: watched.clone(),
                leftover: Leftover::Assets,
                // Taking everything in first is only measured where it is told to help or to hurt.
                most: if matches!(speech, Speech::Put(_)) && kind != Kind::Through(Buffering::Request) {
                    usize::MAX
                } else {
                    FEW
                },
                kind,
            })
            .collect::<Vec<_>>()
    };
    let mut ways = way("straight", Kind::Straight, system.service_addr, None);
    for (gateway, buffering) in system.gateways.iter().zip(gateways) {
        let place = match buffering {
            Buffering::Off => "gateway",
            Buffering::Request => "gateway that takes it in first",
        };
        let process = gateway.server.pid().map(|pid| Watched { name: "gateway", pid });
        let found = way(place, Kind::Through(*buffering), gateway.addr, process);
        // One word for the switch is enough: it knows nothing of forms.
        let wanted = if *buffering == Buffering::Request { 1 } else { found.len() };
        ways.extend(found.into_iter().take(wanted));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_take_few_at_once_and_a_short_run_has_no_large_cases() {
        let all = cases(2, usize::MAX);
        assert_eq!(all.last().map(|case| case.label()), Some("100 MB × 200".to_owned()));
        assert!(cases(1, 5).iter().all(|case| case.uploads <= 5));
        assert_eq!(all.first().map(|case| case.rounds), Some(6));
    }
}
