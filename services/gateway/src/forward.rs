//! Forwarding: one request, one upstream, nothing held in between.
//!
//! The order is fixed: framing and host, path, route, token, size; only then is a connection taken. A refusal therefore
//! costs the upstream nothing.

use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use hyper::body::Incoming;
use problem::{Problem, registry};
use telemetry::{propagation, request as record};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, field};

mod body;
mod headers;
mod peer;
mod pool;
mod request;
mod response;

pub(crate) use peer::Network;
pub(crate) use pool::Pool;

use crate::app::Worker;
use crate::compress;
use crate::door;
use crate::problems::{AMBIGUOUS_TARGET, REQUEST_STALLED, UPSTREAM_UNAVAILABLE};
use crate::route::Route;
use crate::routing::{Matched, normalise};
use body::{BodyFault, Progress, RequestBody};
use pool::{ConnectError, Lease};
use request::{Exchange, Length};

/// Why there is no answer of an upstream.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no connection")]
    Connect(#[from] ConnectError),
    #[error("the exchange with the upstream failed")]
    Exchange(#[source] hyper::Error),
    #[error("the request body cannot be passed on")]
    Body(#[from] BodyFault),
    #[error("no answer in time")]
    Timeout,
    #[error("the client stopped sending")]
    ClientStalled,
    #[error("the request cannot be written")]
    Request(Problem),
}

/// Answers everything that the gateway does not answer itself.
pub(crate) async fn forward(client: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let worker = Worker::of(&client)?;
    let result = route_and_send(&worker, &client, payload).await;
    if let Err(problem) = &result {
        worker.gateway.metrics.rejected(problem.kind().code);
    }
    result
}

async fn route_and_send(
    worker: &Worker,
    client: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let host = request::check_host(client)?;
    let length = request::check_length(client.headers())?;
    let path = normalise(client.uri().path())
        .map_err(|fault| Problem::new(&AMBIGUOUS_TARGET).detail(fault.to_string()))?;
    let route = find_route(worker, client.method(), &path)?;
    http_server::name_route(client, route.name.as_str());

    let principal = door::admit(worker.gateway.verifier.as_ref(), route.auth, client.headers()).await?;
    if let Some(principal) = &principal {
        record::with_current(|stats| stats.set_principal(&principal.subject));
    }
    if let (Length::Bytes(bytes), Some(limit)) = (length, route.body_limit)
        && bytes > limit
    {
        return Err(too_large(limit));
    }
    if route.compress {
        compress::check_conditions(client.headers())?;
    }

    let peer = client.peer_addr().map(|peer| peer.ip());
    let exchange = Exchange {
        client,
        route,
        path: &path,
        length,
        peer,
        peer_trusted: peer.is_some_and(|peer| worker.gateway.is_trusted(peer)),
        request_id: record::with_current(|stats| stats.request_id().to_owned()),
    };
    let pool = worker.pool(route.upstream)?;
    send_observed(worker, pool, &exchange, host.as_deref(), payload).await
}

fn find_route<'w>(worker: &'w Worker, method: &Method, path: &str) -> Result<&'w Route, Problem> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(
            Problem::new(&registry::METHOD_NOT_ALLOWED).detail(format!("{method} is never forwarded"))
        );
    }
    match worker.gateway.router.find(method, path) {
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

async fn send_observed(
    worker: &Worker,
    pool: &Pool,
    exchange: &Exchange<'_>,
    host: Option<&str>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let method = exchange.client.method().as_str();
    let span = tracing::info_span!(
        "upstream",
        otel.name = %format_args!("{method} {}", exchange.route.name),
        otel.kind = "client",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.response.status_code = field::Empty,
        url.path = exchange.path,
        server.address = field::Empty,
        server.port = field::Empty,
        error.type = field::Empty,
        aldia.upstream = &*pool.upstream().name,
    );
    let started = Instant::now();
    let sent = send(worker, pool, exchange, host, payload).instrument(span.clone()).await;
    let took = started.elapsed();
    record::with_current(|stats| stats.record_upstream(took));
    let status = sent.as_ref().ok().map(|(answer, _, _)| answer.status().as_u16());
    worker.gateway.metrics.upstream_answered(&pool.upstream().name, status, took);
    match sent {
        Ok((answer, lease, progress)) => {
            span.record("http.response.status_code", answer.status().as_u16());
            if answer.status().is_server_error() {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", answer.status().as_u16());
            }
            response::respond(exchange, answer, lease, progress)
        }
        Err(failure) => {
            let problem = to_problem(exchange.route, failure);
            span.record("otel.status_code", "ERROR");
            span.record("error.type", problem.kind().code);
            Err(problem)
        }
    }
}

async fn send(
    worker: &Worker,
    pool: &Pool,
    exchange: &Exchange<'_>,
    host: Option<&str>,
    payload: web::Payload,
) -> Result<(hyper::Response<Incoming>, Lease, Rc<Progress>), Failure> {
    let build = |body| {
        let mut trace = Vec::with_capacity(3);
        propagation::inject(&mut |name, value| trace.push((name, value)));
        exchange.build(host, trace, body).map_err(Failure::Request)
    };
    let mut lease = pool.lease(false).await?;
    let body = match exchange.length {
        Length::Absent => RequestBody::empty(),
        Length::Bytes(bytes) => RequestBody::new(payload, Some(bytes), exchange.route.body_limit),
        Length::Chunked => RequestBody::new(payload, None, exchange.route.body_limit),
    };
    let mut progress = body.progress();
    let mut request = build(body)?;
    let mut last_try = false;
    loop {
        let instance = lease.instance().clone();
        Span::current().record("server.address", instance.host.as_str()).record("server.port", instance.port);
        request.headers_mut().insert(hyper::header::HOST, exchange.host_for(&instance, host));
        let reused = lease.is_reused();
        let Some(sender) = lease.sender() else { return Err(Failure::Timeout) };
        let mut failed =
            match answered(sender.try_send_request(request), &progress, exchange.route.timeout).await? {
                Ok(answer) => return Ok((answer, lease, progress)),
                Err(failed) => failed,
            };
        if let Some(fault) = progress.fault() {
            return Err(fault.into());
        }
        // An idle connection may have been closed just as it was taken. What was not sent can be sent again; what may
        // have arrived only when doing it twice is the same as doing it once.
        request = match failed.take_message() {
            Some(unsent) if !last_try => {
                worker.gateway.metrics.retried("unsent");
                unsent
            }
            None if !last_try && reused && exchange.is_repeatable() => {
                worker.gateway.metrics.retried("closed");
                let body = RequestBody::empty();
                progress = body.progress();
                build(body)?
            }
            _ => return Err(Failure::Exchange(failed.into_error())),
        };
        last_try = true;
        lease = pool.lease(true).await?;
    }
}

/// Waits for the head of the answer, `longest` after the last piece of the request went out.
async fn answered<F: Future>(
    exchange: F,
    progress: &Progress,
    longest: Duration,
) -> Result<F::Output, Failure> {
    let mut exchange = std::pin::pin!(exchange);
    loop {
        let deadline = progress.last_step() + longest;
        if let Ok(output) = timeout_at(deadline, &mut exchange).await {
            return Ok(output);
        }
        if progress.last_step() + longest > Instant::now() {
            continue;
        }
        return Err(if progress.waits_for_client() { Failure::ClientStalled } else { Failure::Timeout });
    }
}

fn to_problem(route: &Route, failure: Failure) -> Problem {
    match failure {
        Failure::Connect(error) => Problem::new(&UPSTREAM_UNAVAILABLE).cause(error),
        Failure::Exchange(error) => Problem::new(&registry::BAD_GATEWAY).cause(error),
        Failure::Timeout => Problem::new(&registry::GATEWAY_TIMEOUT)
            .detail(format!("no answer within {} ms", route.timeout.as_millis())),
        Failure::ClientStalled => Problem::new(&REQUEST_STALLED),
        Failure::Body(BodyFault::TooLarge) => too_large(route.body_limit.unwrap_or(0)),
        Failure::Body(BodyFault::Broken) => {
            Problem::new(&registry::MALFORMED_REQUEST).detail("the body of the request is broken")
        }
        Failure::Request(problem) => problem,
    }
}

fn too_large(limit: u64) -> Problem {
    Problem::new(&registry::PAYLOAD_TOO_LARGE).detail(format!("the body may have {limit} bytes here"))
}
