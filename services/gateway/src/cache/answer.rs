//! The way of a request through the cache: look up, and if need be wait for a fetch or make one.

use std::sync::Arc;
use std::time::Duration;

use coherence::Tracker;
use coherence::clock::{self, Instant};
use http::{Method, Response, header};
use http_cache::{CacheStatus, Forward, KeyRef, NotStored, RequestDirectives, Stored};
use http_edge::ClientConnection;
use identity::Principal;
use problem::{Problem, registry};
use telemetry::deadline;
use telemetry::request::Part;
use tokio::time::timeout;

use super::asked::Asked;
use super::flights::Turn;
use super::judge::is_current;
use super::lookup::{Found, look_up, sets_conditions_for_origin};
use super::{Cache, invalidate, reply};
use crate::forward::body::GatewayBody;
use crate::forward::{self, Addressed, Arrived, Length, boxed};
use crate::metrics::CacheResult;
use crate::observe::Observation;
use crate::problems::NOT_CACHED;
use crate::route::Route;
use crate::worker::Generation;

/// How often a request waits for somebody else's fetch. What is overtaken by a write each time is fetched by everybody.
const MOST_WAITS: u32 = 2;

/// A request, and all that its answer may depend on.
pub(crate) struct Caching<'a> {
    pub(crate) generation: &'a std::rc::Rc<Generation>,
    pub(crate) cache: &'a Arc<Cache>,
    pub(crate) tracker: &'a Arc<Tracker>,
    pub(crate) route: &'a Arc<Route>,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) client: &'a ClientConnection,
    pub(crate) observed: &'a Observation,
    /// Scheme and host, as the upstream is told of them.
    pub(crate) addressed: Addressed<'a>,
}

/// Answers a request of a route that is cached.
pub(crate) async fn answer(caching: Caching<'_>, arrived: Arrived) -> Result<Response<GatewayBody>, Problem> {
    if let Some(reason) = passes(&arrived) {
        if reason != Bypass::Method && RequestDirectives::parse(&arrived.parts.headers).only_if_cached {
            return Err(Problem::new(&NOT_CACHED));
        }
        return boxed(caching.pass(arrived, reason)).await;
    }
    let mut waits = 0;
    let mut waited_for = None;
    loop {
        let now = clock::now();
        let target = arrived.target();
        let asked = caching.asked(&arrived, &target);
        let (key, found) = caching.look_up(&asked, now);
        let (stored, reason, detail, if_error) = match found {
            Found::Usable(stored) => {
                let result = if waits > 0 { CacheResult::Collapsed } else { CacheResult::Hit };
                caching.count(result);
                return Ok(reply::hit(&caching, &asked, &key, &stored, now, waited_for).await);
            }
            Found::WhileRevalidated(stored) => {
                caching.count(CacheResult::HitStale);
                let response = reply::hit(&caching, &asked, &key, &stored, now, None).await;
                let turn = caching.cache.flights.take(key.to_key());
                drop(asked);
                if let Turn::Lead(lead) = turn {
                    super::fetch::in_background(&caching, &arrived, lead, stored);
                }
                return Ok(response);
            }
            Found::Stale { stored, reason, detail, if_error } => (Some(stored), reason, detail, if_error),
            Found::Nothing(reason) => (None, reason, None, false),
            Found::Uncacheable if asked.directives.only_if_cached => {
                return Err(Problem::new(&NOT_CACHED));
            }
            Found::Uncacheable => {
                drop(asked);
                return boxed(caching.pass(arrived, Bypass::Uncacheable)).await;
            }
        };
        if asked.directives.only_if_cached {
            return Err(Problem::new(&NOT_CACHED));
        }
        let bypass = match (caching.tracker.begin(now), asked.method == Method::GET) {
            (None, _) => Some(Bypass::NoLease),
            (_, false) => Some(Bypass::Head),
            // The whole is wanted by nobody yet, and may be large.
            _ if stored.is_none() && asked.headers.contains_key(header::RANGE) => Some(Bypass::Range),
            _ if asked.directives.no_store => Some(Bypass::NoStore),
            _ => None,
        };
        let flight = key.to_key();
        drop((asked, key));
        drop(target);
        if let Some(bypass) = bypass {
            return boxed(caching.pass(arrived, bypass)).await;
        }
        match caching.cache.flights.take(flight) {
            Turn::Lead(lead) => {
                let fetch = super::fetch::Fetch { stored, reason, detail, if_error, waited: waits > 0 };
                return boxed(fetch.run(&caching, arrived, lead)).await;
            }
            Turn::Follow(follow) if waits < MOST_WAITS => {
                waits += 1;
                waited_for = Some(reason);
                let patience = caching.patience(&arrived);
                let _waiting = caching.observed.stats.enter(Part::CacheWait);
                if boxed(timeout(patience, follow.landed())).await.is_err() {
                    let detail = format!("no answer within {} ms", patience.as_millis());
                    return Err(Problem::new(&registry::GATEWAY_TIMEOUT).detail(detail));
                }
            }
            Turn::Follow(_) => return boxed(caching.pass(arrived, Bypass::Overtaken)).await,
        }
    }
}

/// Why a request is forwarded without the cache taking part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bypass {
    /// It may change something.
    Method,
    /// It has a body, or asks for another protocol.
    NotPlain,
    /// It sets conditions that are for the origin to judge.
    Conditions,
    /// What it asks for could not be stored a moment ago.
    Uncacheable,
    /// Only the head is asked for, and nothing is stored.
    Head,
    /// Only a part is asked for, and nothing is stored.
    Range,
    /// It must not be stored.
    NoStore,
    /// There is no lease.
    NoLease,
    /// Writes have overtaken each fetch it waited for.
    Overtaken,
}

impl Bypass {
    /// The word for it in `Cache-Status; detail` and in metrics.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::NotPlain => "not-plain",
            Self::Conditions => "conditions",
            Self::Uncacheable => "uncacheable",
            Self::Head => "head",
            Self::Range => "range",
            Self::NoStore => NotStored::RequestNoStore.detail(),
            Self::NoLease => NotStored::NoLease.detail(),
            Self::Overtaken => "overtaken",
        }
    }

    fn forward(self) -> Forward {
        match self {
            Self::Method => Forward::Method,
            Self::Head | Self::Range | Self::Overtaken | Self::NoStore => Forward::Miss,
            Self::NotPlain | Self::Conditions | Self::Uncacheable | Self::NoLease => Forward::Bypass,
        }
    }
}

/// Whether the cache has no part in a request, and why.
fn passes(arrived: &Arrived) -> Option<Bypass> {
    let headers = &arrived.parts.headers;
    match arrived.parts.method {
        Method::GET | Method::HEAD => {}
        _ => return Some(Bypass::Method),
    }
    // A field that is held back here selects nothing there, whatever it says.
    let held_back = forward::holds_fields_back(headers);
    if arrived.length != Length::Absent || arrived.on_upgrade.is_some() || held_back {
        return Some(Bypass::NotPlain);
    }
    sets_conditions_for_origin(headers).then_some(Bypass::Conditions)
}

impl Caching<'_> {
    pub(super) fn asked<'r>(&'r self, arrived: &'r Arrived, target: &'r str) -> Asked<'r> {
        let asker = self.principal.map(Into::into);
        Asked::read(&arrived.parts.method, &arrived.parts.headers, &self.addressed, target, asker)
    }

    /// What is stored for a request, and under which key; where nothing is, the key it would be fetched for.
    pub(super) fn look_up<'r>(&self, asked: &Asked<'r>, now: Instant) -> (KeyRef<'r>, Found) {
        look_up(self.cache, self.tracker, asked, now)
    }

    pub(super) fn is_current(&self, stored: &Stored, now: Instant) -> bool {
        is_current(stored, self.tracker, now)
    }

    /// Forwards a request that the cache has no answer for and keeps none of.
    pub(super) async fn pass(
        &self,
        arrived: Arrived,
        bypass: Bypass,
    ) -> Result<Response<GatewayBody>, Problem> {
        let change = invalidate::Change::of(&arrived, self);
        let confirmed = invalidate::Head::of(&arrived, self);
        let passed = forward::pass_on(self.generation, self.route, arrived, self.client, self.observed).await;
        let mut response = passed?;
        if let Some(change) = change {
            change.apply(self, &response);
        }
        if let Some(stored) = confirmed {
            stored.confirm(&response);
        }
        let counted =
            if bypass == Bypass::Uncacheable { CacheResult::Uncacheable } else { CacheResult::Bypass };
        self.count(counted);
        if counted == CacheResult::Bypass {
            self.generation.gateway.metrics.cache.bypassed(bypass.detail());
        }
        let status =
            CacheStatus { detail: Some(bypass.detail()), ..CacheStatus::forwarded(bypass.forward()) };
        self.finish(&mut response, &status);
        Ok(response)
    }

    /// Says what the cache did, and takes out what is meant for it alone.
    pub(super) fn finish(&self, response: &mut Response<GatewayBody>, status: &CacheStatus<'_>) {
        let fields = response.headers_mut();
        if self.generation.gateway.is_governed(self.route) {
            // What a cache that hears of every write may keep, one that does not may not.
            for name in &self.cache.coding_here.targeted {
                fields.remove(name);
            }
        }
        status.append_to(fields);
    }

    pub(super) fn count(&self, result: CacheResult) {
        self.generation.series(self.route).cache.count(result);
    }

    /// How long to wait for somebody else's fetch: as long as for one's own.
    fn patience(&self, arrived: &Arrived) -> Duration {
        let lines = arrived.parts.headers.get_all(deadline::HEADER).iter();
        let asked = deadline::parse(lines.map(http::HeaderValue::as_bytes));
        asked.map_or(self.route.timeout, |asked| asked.min(self.route.timeout))
    }
}

impl Arrived {
    /// Path and query in their normal form.
    pub(super) fn target(&self) -> std::borrow::Cow<'_, str> {
        let uri = &self.parts.uri;
        match (uri.path() == self.path, uri.path_and_query(), uri.query()) {
            (true, Some(target), _) => target.as_str().into(),
            (_, _, Some(query)) => format!("{}?{query}", self.path).into(),
            (_, _, None) => self.path.as_str().into(),
        }
    }
}
