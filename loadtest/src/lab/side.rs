//! Who is measured: where it listens, what it is asked, and whose processor time is its own.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use super::arrivals::{Ask, Kind, Pace};
use super::results::Role;

/// Makes the request for what is asked.
pub(super) type Make = Arc<dyn Fn(Ask) -> anyhow::Result<Request<Full<Bytes>>> + Send + Sync>;

/// A server and what it is asked.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) addr: SocketAddr,
    pub(super) make: Make,
    /// Whether an answer of this status is a good one.
    pub(super) good: fn(StatusCode) -> bool,
}

/// One side of a comparison.
#[derive(Clone)]
pub(super) struct Side {
    /// As in tables and baselines; unique in its scenario.
    pub(super) name: String,
    pub(super) role: Role,
    /// What decides its figures, in a word or two.
    pub(super) limit: String,
    pub(super) target: Target,
    /// Changes what is read, while readers are many; none where nothing can be changed.
    pub(super) writes: Option<Target>,
    /// Processes of its own, and of the stores behind it.
    pub(super) app: Vec<u32>,
    pub(super) stores: Vec<u32>,
    /// Kinds in which it is measured.
    pub(super) kinds: &'static [Kind],
    /// Requests a second at most, for what would drown at the rate of the others.
    pub(super) most_per_sec: Option<f64>,
}

/// Sides that are compared.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Kinds that make sense.
    pub(super) kinds: &'static [Kind],
    pub(super) sides: Vec<Side>,
    pub(super) paces: Paces,
    /// Known things that there are, each asked for once before it is taken for known.
    pub(super) known: u64,
}

/// How requests come, by kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paces {
    pub(super) cold: Pace,
    pub(super) warm: Pace,
    pub(super) contended: Pace,
}

impl Paces {
    pub(super) fn of(&self, kind: Kind) -> Pace {
        match kind {
            Kind::Cold => self.cold,
            Kind::Warm => self.warm,
            Kind::Contended => self.contended,
        }
    }
}

impl Side {
    /// How requests come to this side.
    pub(super) fn pace(&self, pace: Pace) -> Pace {
        match (pace, self.most_per_sec) {
            (Pace::Rate(rate), Some(most)) => Pace::Rate(rate.min(most)),
            (pace, _) => pace,
        }
    }
}

/// A request with a JSON body and these fields beside `Host`.
pub(super) fn send(
    addr: SocketAddr,
    method: &str,
    path: &str,
    fields: &HeaderMap,
    body: &Value,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, addr.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
    request.headers_mut().extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(request)
}

/// A GET with these fields beside `Host`.
pub(super) fn get(addr: SocketAddr, path: &str, fields: &HeaderMap) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::get(path).header(header::HOST, addr.to_string()).body(Full::default())?;
    request.headers_mut().extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(request)
}
