//! The short way of a request: from its head in the connection's buffer to an answer from memory, without a task, a body or a map of
//! the answer's fields.
//!
//! Nothing is decided here. Each step asks what the long way ([`forward::answer`], then the cache) asks at the same place, and
//! where that would wait, refuse or write anything else than an answer from memory, the request takes the long way from its
//! beginning. Hence the order: nothing is spent or counted before the answer is certain.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Instant;

use http::{HeaderMap, StatusCode, header};
use http_edge::{PlainHead, ReadyAnswer};

use crate::cache::Asking;
use crate::cors::Cors;
use crate::forward::{self, Addressed};
use crate::metrics::CacheResult;
use crate::observe::Brief;
use crate::routing::{Matched, normalise};
use crate::worker::Generation;
use crate::{compress, docs, door};

/// Answers a plain request, if its answer lies in memory; `fields` is room for those of the request.
pub(crate) fn answer(
    generation: &Rc<Generation>,
    head: &PlainHead<'_>,
    fields: &mut HeaderMap,
    answer: &mut ReadyAnswer,
) -> Option<()> {
    let started = Instant::now();
    let gateway = &*generation.gateway;
    let cache = gateway.cache.as_ref().filter(|_| !gateway.concurrency.is_full())?;
    let path = head.target().split_once('?').map_or(head.target(), |(path, _query)| path);
    // What has another normal form is written anew for the upstream, and looked up as that.
    let Ok(Cow::Borrowed(path)) = normalise(path) else { return None };
    if gateway.docs_enabled && docs::pages::is_page(path) {
        return None;
    }
    let Matched::Route(route) = gateway.router.find(head.method(), path) else { return None };
    let tracker = gateway.tracker(route).filter(|_| route.cache)?;
    head.read_fields(fields)?;
    if forward::goes_round(fields) {
        return None;
    }
    let verified = door::recall(gateway.verifier.as_ref(), route.auth, fields)?;
    if route.compress {
        compress::check_conditions(fields).ok()?;
    }
    if let Some(formats) = &route.formats {
        formats.settle(head.method(), fields);
    }
    let fields = &*fields;
    let address = head.peer().ip();
    let host = fields.get(header::HOST)?.to_str().ok()?;
    let asking = Asking {
        method: head.method(),
        fields,
        target: head.target(),
        addressed: Addressed::read(fields, gateway.is_trusted(address), Some(host), head.is_secure()),
        asker: verified.as_deref().map(Into::into),
    };
    let hit = cache.hit(tracker, route, &asking)?;
    let cors = gateway.cors.as_ref().filter(|cors| cors.is_on());
    let governed = gateway.is_governed(route);
    let wire = hit.wire(governed, cors.is_some())?;
    answer.begin(wire.status())?;
    let principal = verified.as_deref().map(|verified| &verified.principal);
    let mut told = HeaderMap::new();
    if !gateway.rate_limits.charge_at_once(route, address, principal, &mut told) {
        return None;
    }

    // From here on it is answered.
    wire.write_fields(!governed, hit.now(), answer.lines());
    if !hit.says_date() {
        answer.date();
    }
    let status_at = answer.lines().len() + b"cache-status: ".len();
    answer.lines().extend_from_slice(b"cache-status: ");
    hit.status().write_to(answer.lines());
    let cache_status = status_at..answer.lines().len();
    answer.lines().extend_from_slice(b"\r\n");
    if let Some(cors) = cors {
        permit(cors, fields, hit.varies_by_origin(), &mut told);
    }
    for (name, value) in &told {
        answer.field(name.as_str(), value.as_bytes());
    }
    let series = generation.series(route);
    series.cache.count(CacheResult::Hit);
    gateway.metrics.cache.answered_at_once();
    let brief = Brief {
        observer: generation.observer(),
        head,
        fields,
        route: &route.name,
        series: &series,
        principal,
        started,
    };
    // A 304 has no more of what is stored than what caches go by.
    let says_version = hit.says_version() && wire.status() != StatusCode::NOT_MODIFIED;
    brief.finish(wire.status().as_u16(), wire.length(), says_version, cache_status, answer);
    // What is encrypted is sent from memory, so it needs no file.
    let file = if head.is_secure() { None } else { cache.file(&hit, &wire) };
    match file {
        Some(file) => answer.end_with_file(wire.body(), file),
        None => answer.end(wire.body()),
    }
    Some(())
}

/// Adds what pages of other origins are told, to fields of an answer whose others are written already.
fn permit(cors: &Cors, request: &HeaderMap, varies_by_origin: bool, told: &mut HeaderMap) {
    cors.decorate(request, told);
    if varies_by_origin {
        told.remove(header::VARY);
    }
}
