//! Forwarding: one request, one upstream, nothing held in between unless its route says so.
//!
//! The order is fixed: host, path, route, quota of the address, token, quota of the principal, size; only then is a connection
//! taken. A refusal therefore costs the upstream nothing.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode, Version};
use http_edge::ClientConnection;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use identity::Principal;
use load_balance::Outcome;
use problem::{Problem, registry};
use telemetry::deadline;

pub(crate) mod body;
mod headers;
mod peer;
pub(crate) mod pool;
mod request;
mod response;
mod send;
mod tunnel;

pub(crate) use headers::{Addressed, LastDescription, holds_fields_back, is_rewritten};
pub(crate) use peer::Network;
pub(crate) use pool::Pool;

use crate::cache::{self, Caching};
use crate::compress::{self, Asked};
use crate::config::AuthPolicy;
use crate::docs;
use crate::door;
use crate::gateway::Gateway;
use crate::limits::{InFlight, Stage};
use crate::observe::Observation;
use crate::problems::{AMBIGUOUS_MESSAGE, LOOP_DETECTED, MISDIRECTED, REQUEST_STALLED};
use crate::route::Route;
use crate::routing::Matched;
use crate::worker::Generation;
use body::{Carried, GatewayBody, RequestBody, SpoolError, Spooled, spool};
pub(crate) use request::Length;
use request::{Outbound, Passage, is_idempotent};
pub(crate) use response::{Asker, Received};
use send::{Sending, too_large};

/// A message that has been here more often than this goes round in circles; fewer may be gateways of one name in a row.
const MOST_VISITS: usize = 8;

/// Answers one request: with a page of the gateway's own, or with what an upstream says.
pub(crate) async fn answer(
    generation: &Rc<Generation>,
    mut request: Request<Incoming>,
    client: &ClientConnection,
    observed: &mut Observation,
) -> Result<Response<GatewayBody>, Problem> {
    let gateway = &*generation.gateway;
    let in_flight = gateway.concurrency.enter()?;
    let on_upgrade =
        request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (mut parts, incoming) = request.into_parts();
    let host = request::check_host(&parts)?;
    check_way(&parts, client, gateway.is_trusted(client.peer().ip()))?;
    if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
        return Ok(capabilities());
    }
    let path = request::normal_path(&parts.uri)?.into_owned();
    if gateway.docs_enabled
        && docs::pages::is_page(&path)
        && let Some(page) =
            boxed(docs::pages::respond(&gateway.docs, &parts.method, &path, &parts.headers)).await
    {
        return page.map(|page| page.map(GatewayBody::from));
    }
    let route = find_route(gateway, &parts.method, &path)?;
    observed.name_route(&route.name);
    let address = client.peer().ip();
    let principal = admit(gateway, route, &parts.headers, address, observed).await?;
    let length = Length::of(&parts.headers, &incoming);
    if let (Length::Bytes(bytes), Some(limit)) = (length, route.body_limit)
        && bytes > limit
    {
        return Err(too_large(limit));
    }
    if let Some(answer) = count_forwards(&mut parts) {
        return Ok(answer);
    }
    if route.compress {
        compress::check_conditions(&parts.headers)?;
    }
    if let Some(formats) = &route.formats {
        formats.settle(&parts.method, &mut parts.headers);
    }
    let arrived = Arrived {
        parts,
        incoming: Some(incoming),
        length,
        on_upgrade,
        host,
        path,
        in_flight: Some(in_flight),
    };
    match (&gateway.cache, gateway.tracker(route)) {
        (Some(cache), Some(tracker)) if route.cache => {
            let host = arrived.host.clone();
            let trusted = gateway.is_trusted(address);
            let secure = client.is_secure();
            let addressed = Addressed::read(&arrived.parts.headers, trusted, host.as_deref(), secure);
            let caching = Caching {
                generation,
                cache,
                tracker,
                route,
                principal: principal.as_ref(),
                client,
                observed,
                addressed,
            };
            cache::answer(caching, arrived).await
        }
        _ => boxed(pass_on(generation, route, arrived, client, observed)).await,
    }
}

/// A request that may be forwarded.
pub(crate) struct Arrived {
    pub(crate) parts: Parts,
    /// Its body; `None` for a request that the gateway makes itself.
    pub(crate) incoming: Option<Incoming>,
    pub(crate) length: Length,
    pub(crate) on_upgrade: Option<OnUpgrade>,
    pub(crate) host: Option<String>,
    /// In its normal form.
    pub(crate) path: String,
    /// Its place among the requests under way.
    pub(crate) in_flight: Option<InFlight>,
}

/// Forwards the request and passes the answer on.
pub(crate) async fn pass_on(
    generation: &Generation,
    route: &Route,
    arrived: Arrived,
    client: &ClientConnection,
    observed: &Observation,
) -> Result<Response<GatewayBody>, Problem> {
    exchange(generation, route, arrived, client, observed).await?.pass_on(route)
}

/// An upstream's answer, before anything was made of it.
pub(crate) struct Exchanged {
    answer: Response<Incoming>,
    carried: Carried,
    asker: Asker,
    /// The protocols the client asked to be upgraded to.
    upgrade: Option<(HeaderValue, OnUpgrade)>,
}

impl Exchanged {
    /// The answer as the client gets it; its body streams.
    pub(crate) fn pass_on(self, route: &Route) -> Result<Response<GatewayBody>, Problem> {
        if self.answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return switch(route, self.answer, self.carried, self.upgrade);
        }
        let unread = !self.carried.request.is_complete();
        let received = Received::take(route, self.answer, self.carried)?;
        let mut response = received.deliver(route, &self.asker);
        if unread {
            // The upstream did not want the rest of the body; the client is not to send it all for nothing.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// The answer's head, rid of what was for this hop only, and its body.
    pub(crate) fn receive(self, route: &Route) -> Result<(Received, Asker), Problem> {
        Ok((Received::take(route, self.answer, self.carried)?, self.asker))
    }
}

/// Sends the request to the route's upstream and waits for the head of the answer.
pub(crate) async fn exchange(
    generation: &Generation,
    route: &Route,
    arrived: Arrived,
    client: &ClientConnection,
    observed: &Observation,
) -> Result<Exchanged, Problem> {
    let Arrived { parts, incoming, length, on_upgrade, host, path, in_flight } = arrived;
    let expects_continue = request::expects_continue(&parts, length)?;
    let upgrade = request::wanted_upgrade(&parts, route, length);
    let on_upgrade = on_upgrade.filter(|_| upgrade.is_some());
    let asker = Asker {
        method: parts.method.clone(),
        codings: (route.compress && upgrade.is_none()).then(|| Asked::from_headers(&parts.headers)),
        takes_trailers: parts.version == Version::HTTP_2 || headers::takes_trailers(&parts.headers),
    };
    let body = match (length, incoming) {
        (Length::Absent, _) | (_, None) => PassedBody::None,
        (_, Some(incoming)) if route.buffering.of_requests() => {
            PassedBody::Spooled(boxed(take_in(incoming, route)).await?)
        }
        (Length::Bytes(bytes), Some(incoming)) => PassedBody::Streamed(incoming, Some(bytes)),
        (Length::Unknown, Some(incoming)) => PassedBody::Streamed(incoming, None),
    };
    let passage = Passage {
        route,
        host: host.as_deref(),
        // What was taken in has a length now.
        length: match &body {
            PassedBody::Spooled(spooled) => Length::Bytes(spooled.length()),
            _ => length,
        },
        expects_continue: expects_continue && matches!(body, PassedBody::Streamed(..)),
        upgrade: upgrade.as_ref(),
        version: parts.version,
        peer: client.peer().ip(),
        peer_trusted: generation.gateway.is_trusted(client.peer().ip()),
        secure: client.is_secure(),
        last_description: &generation.last_description,
    };
    let asked = deadline::parse(parts.headers.get_all(deadline::HEADER).iter().map(HeaderValue::as_bytes));
    let timeout = asked.map_or(route.timeout, |asked| asked.min(route.timeout));
    let target = request::upstream_target(&parts.uri, &path)?;
    let mut fields = parts.headers;
    passage.upstream_fields(&mut fields, observed);
    let outbound = Outbound { method: parts.method, target, fields };
    let body = match body {
        PassedBody::None => RequestBody::empty(),
        PassedBody::Spooled(spooled) => RequestBody::spooled(spooled),
        PassedBody::Streamed(incoming, announced) => {
            RequestBody::streamed(incoming, announced, route.body_limit)
        }
    };
    let sending = Sending {
        generation,
        route,
        passage: &passage,
        client,
        timeout,
        repeatable: length == Length::Absent && is_idempotent(&asker.method),
    };
    let sent = sending.send(outbound, body, observed).await?;
    let outcome = match sent.answer.status() {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Outcome::Failed
        }
        _ => Outcome::Answered,
    };
    let carried = Carried { lease: sent.lease, pick: sent.pick, in_flight, request: sent.progress, outcome };
    Ok(Exchanged { answer: sent.answer, carried, asker, upgrade: upgrade.zip(on_upgrade) })
}

enum PassedBody {
    None,
    Streamed(Incoming, Option<u64>),
    Spooled(Spooled),
}

async fn take_in(incoming: Incoming, route: &Route) -> Result<Spooled, Problem> {
    spool(incoming, route.body_limit, route.timeout, route.min_body_rate).await.map_err(|error| match error {
        SpoolError::Body(fault) => send::body_problem(fault, route),
        SpoolError::Stalled => Problem::new(&REQUEST_STALLED),
        SpoolError::File(error) => Problem::new(&registry::UNAVAILABLE).cause(error),
    })
}

/// Ends HTTP on both connections. A 101 that was not asked for, or is for something else, is an upstream's mistake.
fn switch(
    route: &Route,
    mut answer: Response<Incoming>,
    mut carried: Carried,
    asked: Option<(HeaderValue, OnUpgrade)>,
) -> Result<Response<GatewayBody>, Problem> {
    let bad = |cause: &str| Problem::new(&registry::BAD_GATEWAY).cause(cause.to_owned());
    let Some((wanted, client)) = asked else { return Err(bad("an unasked 101")) };
    let chosen =
        answer.headers().get(header::UPGRADE).cloned().ok_or_else(|| bad("a 101 without Upgrade"))?;
    let was_offered = |chosen: &str| {
        let wanted = wanted.to_str().unwrap_or_default();
        wanted.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case(chosen))
    };
    if !chosen.to_str().is_ok_and(|chosen| was_offered(chosen.trim())) {
        return Err(bad("a 101 to another protocol"));
    }
    let upstream = hyper::upgrade::on(&mut answer);
    // A tunnel may live for days; it must not hold a place among requests.
    carried.in_flight = None;
    tunnel::open(client, upstream, carried, route.longest_pause);
    let (parts, _no_body) = answer.into_parts();
    let mut fields = parts.headers;
    headers::strip_response(&mut fields);
    headers::add_via(&mut fields, parts.version);
    fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    fields.insert(header::UPGRADE, chosen);
    let mut response = Response::new(GatewayBody::Empty);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = fields;
    Ok(response)
}

async fn admit(
    gateway: &Gateway,
    route: &Route,
    fields: &HeaderMap,
    address: std::net::IpAddr,
    observed: &mut Observation,
) -> Result<Option<Principal>, Problem> {
    if route.auth == AuthPolicy::None && route.rate_limits.is_empty() {
        return Ok(None);
    }
    if !route.rate_limits.is_empty() {
        gateway.rate_limits.charge(route, Stage::BeforeToken, address, None, &mut observed.quotas)?;
    }
    let principal = boxed(door::admit(gateway.verifier.as_ref(), route.auth, fields)).await?;
    if let Some(principal) = &principal {
        observed.stats.set_principal(&principal.subject);
    }
    if !route.rate_limits.is_empty() {
        let stage = Stage::AfterToken;
        gateway.rate_limits.charge(route, stage, address, principal.as_ref(), &mut observed.quotas)?;
    }
    Ok(principal)
}

/// What most requests do not need must not make the future of every request larger.
pub(crate) fn boxed<'f, F: Future + 'f>(rare: F) -> Pin<Box<dyn Future<Output = F::Output> + 'f>> {
    Box::pin(rare)
}

fn find_route<'g>(gateway: &'g Gateway, method: &Method, path: &str) -> Result<&'g Arc<Route>, Problem> {
    match *method {
        Method::CONNECT => {
            return Err(Problem::new(&registry::NOT_IMPLEMENTED).detail("CONNECT is not served here"));
        }
        Method::TRACE => {
            return Err(Problem::new(&registry::METHOD_NOT_ALLOWED).detail("TRACE is never forwarded"));
        }
        _ => {}
    }
    match gateway.router.find(method, path) {
        Matched::Route(route) => Ok(route),
        Matched::NotFound => Err(Problem::new(&registry::NOT_FOUND).detail("no route has this path")),
        Matched::MethodNotAllowed(methods) => {
            let mut allow: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            if allow.contains(&"GET") && !allow.contains(&"HEAD") {
                allow.push("HEAD");
            }
            Err(Problem::new(&registry::METHOD_NOT_ALLOWED).header("Allow", allow.join(", ")))
        }
    }
}

/// `Max-Forwards` of OPTIONS (RFC 9110 §7.6.2): counted down, and at zero the gateway is the one that is asked.
fn count_forwards(parts: &mut Parts) -> Option<Response<GatewayBody>> {
    if parts.method != Method::OPTIONS {
        return None;
    }
    let left: u64 = parts.headers.get(header::MAX_FORWARDS)?.to_str().ok()?.parse().ok()?;
    match left.checked_sub(1) {
        None => Some(capabilities()),
        Some(left) => {
            parts.headers.insert(header::MAX_FORWARDS, HeaderValue::from(left));
            None
        }
    }
}

/// What the gateway itself says to OPTIONS.
fn capabilities() -> Response<GatewayBody> {
    let mut response = Response::new(GatewayBody::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    response.headers_mut().insert(header::ALLOW, methods);
    response
}

/// Whether a message has been here too often.
pub(crate) fn goes_round(fields: &HeaderMap) -> bool {
    fields.contains_key(header::VIA) && headers::visits(fields) > MOST_VISITS
}

/// Refuses what must not go on whatever its route (RFC 9110 §7.4, §7.6).
fn check_way(parts: &Parts, client: &ClientConnection, trusted: bool) -> Result<(), Problem> {
    if !client.is_secure() && !trusted && parts.uri.scheme() == Some(&Scheme::HTTPS) {
        return Err(Problem::new(&MISDIRECTED));
    }
    if parts.version == Version::HTTP_2 && headers::has_padded_value(&parts.headers) {
        return Err(Problem::new(&AMBIGUOUS_MESSAGE).detail("a field value begins or ends with whitespace"));
    }
    if goes_round(&parts.headers) {
        return Err(Problem::new(&LOOP_DETECTED));
    }
    Ok(())
}
