//! Asking the upstream for all who want the same: the whole, or whether what is stored still holds.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use coherence::clock;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_cache::{
    Arrival, Audience, CacheStatus, Epoch, Forward, Handling, KeyRef, NotStored, RequestDirectives,
    RequestView, ResponseView, Reuse, Stored, Terms, Times, decide, reuse, validate,
};
use problem::{Problem, registry};
use tracing::Instrument as _;

use super::answer::Caching;
use super::asked::Asked;
use super::flights::Lead;
use super::{reply, sabotage};
use crate::compress;
use crate::forward::body::{GatewayBody, TakenIn, take_in};
use crate::forward::{self, Addressed, Arrived, Asker, Received};
use crate::metrics::CacheResult;

/// How long requests for what could not be stored do not wait for one another.
const UNCACHEABLE_FOR: std::time::Duration = std::time::Duration::from_secs(10);

/// Conditions and ranges of a client are judged against what is stored, once it is.
const FOR_THE_CACHE: [header::HeaderName; 4] =
    [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_RANGE, header::RANGE];

/// Fields about one exchange, which nobody else is to be told of.
const OF_THIS_EXCHANGE: [&str; 8] = [
    "server-timing",
    "x-process-time",
    "x-request-id",
    "ratelimit",
    "ratelimit-policy",
    "traceparent",
    "tracestate",
    "traceresponse",
];

/// A fetch for one who is answered with it.
pub(super) struct Fetch {
    /// What is to be validated.
    pub(super) stored: Option<Arc<Stored>>,
    /// Why what is stored does not do.
    pub(super) reason: Forward,
    pub(super) detail: Option<&'static str>,
    /// Whether what is stored does if the fetch fails.
    pub(super) if_error: bool,
    /// Whether somebody else's fetch was waited for.
    pub(super) waited: bool,
}

/// What a fetch brought.
enum Brought {
    /// An answer to keep, or one that was kept before and holds.
    Storable {
        stored: Arc<Stored>,
        status: StatusCode,
        /// What was said of this exchange alone.
        aside: HeaderMap,
    },
    /// An answer that only passes.
    Passing { received: Box<Received>, asker: Asker, why: NotStored },
}

impl Fetch {
    /// Fetches, keeps what may be kept, and answers. Those who wait go on when `lead` is dropped.
    pub(super) async fn run(
        self,
        caching: &Caching<'_>,
        arrived: Arrived,
        lead: Lead,
    ) -> Result<Response<GatewayBody>, Problem> {
        let asking = Asking::of(&arrived);
        let brought = Box::pin(fetch(caching, arrived, self.stored.as_deref(), &asking)).await;
        let now = clock::now();
        let asked = asking.asked(caching);
        match brought {
            Ok((Brought::Storable { stored, status, aside }, epoch)) => {
                let key = key_of(&asked, &stored);
                let kept = keep(caching, &key, epoch, &stored);
                if stored.terms().audience == Audience::Principal {
                    // Others need not wait for what is not theirs.
                    caching.cache.store.mark_uncacheable(&asked.shared, now + UNCACHEABLE_FOR);
                }
                drop(lead);
                let result = match (status, &kept) {
                    (StatusCode::NOT_MODIFIED, _) => CacheResult::Revalidated,
                    (_, Ok(())) => CacheResult::Miss,
                    (_, Err(_)) => CacheResult::Uncacheable,
                };
                caching.count(result);
                let mut response = reply::from_stored(caching, &asked, &key, &stored, now).await;
                response.headers_mut().extend(aside);
                // It is as old as this exchange, and an Age would say that it is not of it (RFC 9111 §5.1).
                if response.headers().get(header::AGE).is_some_and(|age| age == "0") {
                    response.headers_mut().remove(header::AGE);
                }
                let differs = status != response.status();
                let handling = Handling::Forwarded {
                    reason: self.reason,
                    status: differs.then_some(status),
                    stored: kept.is_ok(),
                    collapsed: self.waited.then_some(false),
                };
                let ttl = kept.is_ok().then(|| stored.terms().ttl_seconds(stored.resident(now)));
                let detail = kept.err().map(NotStored::detail).or(self.detail);
                caching.finish(&mut response, &CacheStatus { handling, ttl, detail });
                Ok(response)
            }
            Ok((Brought::Passing { received, asker, why }, _)) => {
                if self.serves_instead(received.parts.status) {
                    drop(lead);
                    return self.answer_stale(caching, &asked, now).await;
                }
                if is_lasting(why, received.parts.status) {
                    caching.cache.store.mark_uncacheable(&asked.shared, now + UNCACHEABLE_FOR);
                }
                drop(lead);
                caching.count(CacheResult::Uncacheable);
                let status =
                    CacheStatus { detail: Some(why.detail()), ..CacheStatus::forwarded(self.reason) };
                let mut response = received.deliver(caching.route, &asker);
                caching.finish(&mut response, &status);
                Ok(response)
            }
            Err(problem) => {
                drop(lead);
                if self.serves_instead(StatusCode::BAD_GATEWAY) {
                    return self.answer_stale(caching, &asked, now).await;
                }
                Err(problem)
            }
        }
    }

    /// Whether what is stored is answered in place of an error (RFC 5861 §4).
    fn serves_instead(&self, status: StatusCode) -> bool {
        self.if_error && self.stored.is_some() && matches!(status.as_u16(), 500 | 502 | 503 | 504)
    }

    async fn answer_stale(
        self,
        caching: &Caching<'_>,
        asked: &Asked<'_>,
        now: clock::Instant,
    ) -> Result<Response<GatewayBody>, Problem> {
        let Some(stored) = self.stored.filter(|stored| caching.is_current(stored, now)) else {
            return Err(Problem::new(&registry::BAD_GATEWAY));
        };
        caching.count(CacheResult::HitStale);
        let mut response = reply::from_stored(caching, asked, &asked.shared, &stored, now).await;
        let ttl = Some(stored.terms().ttl_seconds(stored.resident(now)));
        let status = CacheStatus { ttl, detail: Some("if-error"), ..CacheStatus::forwarded(self.reason) };
        caching.finish(&mut response, &status);
        Ok(response)
    }
}

/// Validates what was just answered stale, for those who come next (RFC 5861 §3).
pub(super) fn in_background(caching: &Caching<'_>, arrived: &Arrived, lead: Lead, stored: Arc<Stored>) {
    let arrived = arrived.again();
    let generation = Rc::clone(caching.generation);
    let (cache, tracker) = (Arc::clone(caching.cache), Arc::clone(caching.tracker));
    let (route, principal) = (Arc::clone(caching.route), caching.principal.cloned());
    let client = caching.client.clone();
    let Addressed { host, secure } = &caching.addressed;
    let addressed = Addressed { host: host.clone().into_owned().into(), secure: *secure };
    let observed = caching.observed.in_background();
    let span = observed.span.clone();
    let work = async move {
        let caching = Caching {
            generation: &generation,
            cache: &cache,
            tracker: &tracker,
            route: &route,
            principal: principal.as_ref(),
            client: &client,
            observed: &observed,
            addressed,
        };
        let asking = Asking::of(&arrived);
        let brought = Box::pin(fetch(&caching, arrived, Some(&stored), &asking)).await;
        let asked = asking.asked(&caching);
        match brought {
            Ok((Brought::Storable { stored, .. }, epoch)) => {
                // What was overtaken is fetched by whoever wants it next.
                let _ = keep(&caching, &key_of(&asked, &stored), epoch, &stored);
            }
            // What is stored serves until its time is up.
            Ok((Brought::Passing { .. }, _)) => {}
            Err(problem) => tracing::debug!(code = problem.kind().code, "a stale answer was not validated"),
        }
        drop(lead);
    };
    drop(tokio::task::spawn_local(work.instrument(span)));
}

/// What is left of a request when it has been sent.
struct Asking {
    parts: Parts,
    target: String,
}

impl Asking {
    fn of(arrived: &Arrived) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = arrived.parts.method.clone();
        parts.headers = arrived.parts.headers.clone();
        Self { parts, target: arrived.target().into_owned() }
    }

    fn asked<'r>(&'r self, caching: &'r Caching<'_>) -> Asked<'r> {
        let asker = caching.principal.map(Into::into);
        Asked::read(&self.parts.method, &self.parts.headers, &caching.addressed, &self.target, asker)
    }
}

/// What an answer is kept under: who may have it is for its terms to say.
fn key_of<'r>(asked: &Asked<'r>, stored: &Stored) -> KeyRef<'r> {
    match stored.terms().audience {
        Audience::Shared => asked.shared.clone(),
        // Whoever is not known gets no such terms.
        Audience::Principal => asked.own().unwrap_or_else(|| asked.shared.clone()),
    }
}

/// Sends the request, and takes in what may be kept.
async fn fetch(
    caching: &Caching<'_>,
    mut arrived: Arrived,
    stored: Option<&Stored>,
    asking: &Asking,
) -> Result<(Brought, Option<Epoch>), Problem> {
    let started = clock::now();
    let asked = asking.asked(caching);
    // Both before the request is sent: what is written from now on makes the answer one that is not kept.
    let epoch = caching.cache.store.epoch(&asked.shared);
    let moment = caching.tracker.begin(started);
    let headers = &mut arrived.parts.headers;
    for name in FOR_THE_CACHE {
        headers.remove(name);
    }
    let before = stored.map(|stored| (stored, stored.headers()));
    let conditional = before.as_ref().is_some_and(|(_, stored)| validate::make_conditional(headers, stored));
    let sent =
        forward::exchange(caching.generation, caching.route, arrived, caching.client, caching.observed)
            .await?;
    let times = Times { received: SystemTime::now(), delay: clock::now().saturating_sub(started) };
    let moment = if sabotage::stores_late() { caching.tracker.begin(clock::now()) } else { moment };
    let epoch = moment.map(|_under_lease| epoch);
    let (mut received, asker) = sent.receive(caching.route)?;
    let status = received.parts.status;
    let exchange = Exchange { caching, request: &asking.parts.headers, times };
    if status == StatusCode::NOT_MODIFIED
        && conditional
        && let Some((stored, fields)) = before
    {
        if !validate::identifies(&received.parts.headers, &fields) {
            // Whoever comes next asks without it.
            caching.cache.store.invalidate(&asked.shared);
            let cause = "a 304 about another version than was asked for";
            return Err(Problem::new(&registry::BAD_GATEWAY).cause(cause.to_owned()));
        }
        let aside = set_aside(&mut received.parts.headers);
        let merged = validate::merge(&fields, &received.parts.headers, &stored.terms().omit);
        let brought = exchange.refresh(stored, &merged, moment);
        return Ok((Brought::Storable { stored: brought, status, aside }, epoch));
    }
    let brought = exchange.take(received, asker, moment).await?;
    Ok((brought, epoch))
}

/// One exchange with the upstream, to judge its answer by.
struct Exchange<'a> {
    caching: &'a Caching<'a>,
    request: &'a HeaderMap,
    times: Times,
}

impl Exchange<'_> {
    fn terms(&self, status: StatusCode, headers: &HeaderMap) -> Result<Terms, NotStored> {
        let request = RequestView {
            method: &Method::GET,
            headers: self.request,
            principal: self.caching.principal.is_some(),
        };
        let options = self.caching.cache.options(self.caching.route);
        let terms = decide(&options, request, ResponseView { status, headers }, self.times)?;
        // What depends on what the gateway writes does not depend on what the client wrote.
        let rewritten = |name: &header::HeaderName| forward::is_rewritten(name.as_str());
        if terms.vary.names().iter().any(rewritten) { Err(NotStored::VaryAny) } else { Ok(terms) }
    }

    /// What a 304 makes of what was stored (RFC 9111 §4.3.4).
    fn refresh(&self, stored: &Stored, merged: &HeaderMap, moment: Option<coherence::Moment>) -> Arc<Stored> {
        // If it may not be kept any more, it still answers who asked for it.
        let terms = self.terms(stored.status(), merged).unwrap_or_else(|_not_kept| Terms {
            lifetime: std::time::Duration::ZERO,
            always_validate: true,
            ..stored.terms().clone()
        });
        let seal = self.seal(moment, &terms);
        Arc::new(stored.refreshed(merged, terms, clock::now(), seal))
    }

    /// Takes an answer in if it may be kept.
    async fn take(
        &self,
        received: Received,
        asker: Asker,
        moment: Option<coherence::Moment>,
    ) -> Result<Brought, Problem> {
        let passing = |received, why| Brought::Passing { received: Box::new(received), asker, why };
        let status = received.parts.status;
        let terms = match self.terms(status, &received.parts.headers) {
            Ok(terms) => terms,
            Err(why) => return Ok(passing(received, why)),
        };
        let limit = self.caching.cache.max_object_bytes;
        if received.announced.is_some_and(|bytes| usize::try_from(bytes).is_ok_and(|bytes| bytes > limit)) {
            return Ok(passing(received, NotStored::TooLarge));
        }
        if announces_events(&received.parts.headers) {
            return Ok(passing(received, NotStored::Streaming));
        }
        let Received { mut parts, announced, body } = received;
        let arrived_at = clock::now();
        let body = match take_in(body, limit).await {
            Ok(TakenIn::Whole(body)) => body,
            Ok(TakenIn::TooLarge(body)) => {
                return Ok(passing(Received { parts, announced, body }, NotStored::TooLarge));
            }
            Ok(TakenIn::Streaming(body)) => {
                return Ok(passing(Received { parts, announced, body }, NotStored::Streaming));
            }
            Err(error) => return Err(Problem::new(&registry::BAD_GATEWAY).cause(error)),
        };
        let aside = set_aside(&mut parts.headers);
        let variant = terms.vary.variant(self.request);
        let seal = self.seal(moment, &terms);
        let length = u64::try_from(body.len()).ok();
        let codable = self.caching.route.compress && compress::is_candidate(status, &parts.headers, length);
        let stored = Stored::new(Arrival {
            status,
            headers: &parts.headers,
            body,
            terms,
            variant,
            received: arrived_at,
            seal,
            codable,
        });
        Ok(Brought::Storable { stored: Arc::new(stored), status, aside })
    }

    fn seal(&self, moment: Option<coherence::Moment>, terms: &Terms) -> Option<coherence::Seal> {
        let groups: Vec<&str> = terms.groups.iter().map(String::as_str).collect();
        self.caching.tracker.admit(moment?, &groups)
    }
}

/// Keeps an answer, unless a write has overtaken it.
fn keep(
    caching: &Caching<'_>,
    key: &KeyRef<'_>,
    epoch: Option<Epoch>,
    stored: &Arc<Stored>,
) -> Result<(), NotStored> {
    let epoch = epoch.ok_or(NotStored::NoLease)?;
    if stored.seal().is_none() {
        return Err(NotStored::Invalidated);
    }
    let now = clock::now();
    let live = |other: &Stored| {
        let as_it_is = reuse(other.terms(), other.resident(now), &RequestDirectives::default());
        let dead = Reuse::Stale {
            allowed_by_client: false,
            allowed_while_revalidate: false,
            allowed_if_error: false,
        };
        caching.is_current(other, now) && as_it_is != dead
    };
    let displaced = caching.cache.store.put(key, epoch, Arc::clone(stored), live)?;
    for _ in 0..displaced {
        caching.generation.gateway.metrics.cache.variant_capped();
    }
    Ok(())
}

/// Whether each piece is meant to be seen when it comes.
fn announces_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

/// Takes out what was said of this exchange alone.
fn set_aside(headers: &mut HeaderMap) -> HeaderMap {
    let mut aside = HeaderMap::new();
    for name in OF_THIS_EXCHANGE.map(header::HeaderName::from_static) {
        if let header::Entry::Occupied(entry) = headers.entry(&name) {
            for value in entry.remove_entry_mult().1 {
                aside.append(&name, value);
            }
        }
    }
    aside
}

/// Whether the next answer for the same address will hardly be kept either.
fn is_lasting(why: NotStored, status: StatusCode) -> bool {
    let passing = matches!(
        why,
        NotStored::RequestNoStore | NotStored::Invalidated | NotStored::NoLease | NotStored::Streaming
    );
    // An error goes by; then what comes is kept again.
    !passing && (status.is_success() || status.is_redirection())
}

impl Arrived {
    /// The same request once more, of the gateway's own accord.
    fn again(&self) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        // Also where a HEAD was answered: the whole is stored.
        parts.method = Method::GET;
        parts.uri = self.parts.uri.clone();
        parts.version = self.parts.version;
        parts.headers = self.parts.headers.clone();
        Self {
            parts,
            incoming: None,
            length: forward::Length::Absent,
            on_upgrade: None,
            host: self.host.clone(),
            path: self.path.clone(),
            in_flight: None,
        }
    }
}
