//! Sending a request to an upstream: choosing the instance, waiting for the head of the answer, trying again.
//!
//! A request is sent again only when it was not sent, or when doing it twice is the same as doing it once, it has no body, and
//! no answer began. Each try goes to an instance that has not had it, where there is one; all tries but the first come out
//! of the upstream's retry budget, so that a failing upstream does not get more requests for failing.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::{Request, Response, StatusCode};
use http_edge::ClientConnection;
use hyper::body::Incoming;
use load_balance::{NoInstance, Outcome, Pick, RetryPermit};
use problem::{Problem, registry};
use telemetry::deadline;
use telemetry::request::Part;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};

use super::body::{BODY_GRACE, BodyFault, Permission, Progress, RequestBody};
use super::pool::{ConnectError, Lease, Pool};
use super::request::{Outbound, Passage};
use crate::observe::Observation;
use crate::problems::{self, REQUEST_STALLED, UPSTREAM_OVERLOADED, UPSTREAM_UNAVAILABLE};
use crate::route::Route;
use crate::upstream::Upstream;
use crate::upstream::health::log_transition;
use crate::worker::Generation;

const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static(deadline::HEADER);

/// Why there is no answer of an upstream.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no connection")]
    Connect(#[from] ConnectError),
    #[error("no instance")]
    NoInstance(#[from] NoInstance),
    #[error("the exchange with the upstream failed")]
    Exchange(#[source] hyper::Error),
    #[error("the request body cannot be passed on")]
    Body(#[from] BodyFault),
    #[error("no answer in time")]
    Timeout,
    #[error("the client stopped sending")]
    ClientStalled,
}

/// An answer's head, and what its body needs.
pub(crate) struct Sent {
    pub(crate) answer: Response<Incoming>,
    pub(crate) lease: Lease,
    pub(crate) pick: Pick,
    pub(crate) progress: Rc<Progress>,
}

/// One request on its way to an upstream.
pub(crate) struct Sending<'a> {
    pub(crate) generation: &'a Generation,
    pub(crate) route: &'a Route,
    pub(crate) passage: &'a Passage<'a>,
    pub(crate) client: &'a ClientConnection,
    /// Whether it may be sent again when the first may have arrived.
    pub(crate) repeatable: bool,
    /// The route's, or less if the client asked for less. The upstream is told, so that it does not work for nobody.
    pub(crate) timeout: Duration,
}

impl Sending<'_> {
    /// Sends the request until an answer begins or nothing more may be tried.
    pub(crate) async fn send(
        &self,
        outbound: Outbound,
        body: RequestBody,
        observed: &Observation,
    ) -> Result<Sent, Problem> {
        let pool = self.generation.pool(self.route.upstream)?;
        let upstream = Arc::clone(pool.upstream());
        let span = if observed.is_recorded() { self.span(&outbound, &upstream) } else { Span::none() };
        let started = Instant::now();
        let asking = observed.stats.enter(Part::Upstream);
        let count = Cell::new(0);
        let tries = pin!(self.tries(pool, outbound, body, observed, &count));
        let sent = if span.is_disabled() { tries.await } else { tries.instrument(span.clone()).await };
        drop(asking);
        let took = started.elapsed();
        observed.stats.record_call(&upstream.name, count.get(), took);
        let status = sent.as_ref().ok().map(|sent| sent.answer.status().as_u16());
        self.generation.gateway.metrics.upstream_answered(&upstream.name, status, took);
        if let Some(status) = status {
            span.record("http.response.status_code", status);
            if status >= 500 {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", status);
            }
        }
        sent.map_err(|failure| {
            let problem = self.to_problem(failure);
            span.record("otel.status_code", "ERROR");
            span.record("error.type", problem.kind().code);
            problem
        })
    }

    fn span(&self, outbound: &Outbound, upstream: &Upstream) -> Span {
        let method = outbound.method.as_str();
        tracing::info_span!(
            "upstream",
            otel.name = %format_args!("{method} {}", self.route.name),
            otel.kind = "client",
            otel.status_code = field::Empty,
            http.request.method = method,
            http.request.resend_count = field::Empty,
            http.response.status_code = field::Empty,
            url.path = outbound.target.path(),
            server.address = field::Empty,
            server.port = field::Empty,
            error.type = field::Empty,
            aldia.upstream = &*upstream.name,
        )
    }

    async fn tries(
        &self,
        pool: &Pool,
        mut outbound: Outbound,
        mut body: RequestBody,
        observed: &Observation,
        count: &Cell<u64>,
    ) -> Result<Sent, Failure> {
        let upstream = pool.upstream();
        observed.inject(&mut outbound.fields);
        outbound.fields.insert(X_REQUEST_TIMEOUT_MS, deadline::render(self.timeout).into());
        let mut retries = Retries::new(upstream, Instant::now() + self.timeout);
        let permission = self.passage.expects_continue.then(|| body.await_permission());
        let mut progress = body.progress();
        let mut request = outbound.request(self.repeatable && retries.left > 0, body);
        loop {
            count.set(count.get() + 1);
            let (pick, mut lease) = self.connect(pool, &mut retries).await?;
            self.address(&mut request, &lease);
            self.relay_informational(&mut request, permission.clone());
            let reused = lease.is_reused();
            let Some(sender) = lease.sender() else { return Err(Failure::Timeout) };
            let others = retries.knows_another(upstream, pick.index());
            let limit = self.limit(&retries, others);
            let answered = self.answered(sender.try_send_request(request), &progress, limit).await;
            let (failure, unsent) = match answered {
                Ok(Ok(answer)) => {
                    if permission.as_ref().is_some_and(|permission| !permission.is_given()) {
                        progress.cancel();
                    }
                    return Ok(Sent { answer, lease, pick, progress });
                }
                Ok(Err(mut error)) => {
                    let unsent = error.take_message();
                    (progress.fault().map_or(Failure::Exchange(error.into_error()), Failure::Body), unsent)
                }
                Err(failure) => (failure, None),
            };
            if matches!(failure, Failure::ClientStalled | Failure::Body(_)) {
                lease.replace();
                return Err(failure);
            }
            drop(lease);
            if self.was_hurried(&failure, &retries) {
                return Err(failure);
            }
            // An idle connection that was closed just as it was taken says nothing about its instance.
            let went_stale = reused && unsent.is_some();
            if !went_stale {
                self.failed(upstream, &pick, &failure);
            }
            let may_repeat = match failure {
                _ if unsent.is_some() => true,
                // An instance that has not answered in time would only be asked to do the same again.
                Failure::Timeout => self.repeatable && others,
                _ => self.repeatable,
            } && Instant::now() < retries.deadline;
            if !may_repeat || !retries.take(upstream, pick.index(), went_stale) {
                return Err(failure);
            }
            self.count_retry(if unsent.is_some() { "unsent" } else { "unanswered" }, &retries);
            request = unsent.unwrap_or_else(|| {
                let body = RequestBody::empty();
                progress = body.progress();
                let left = retries.deadline.saturating_duration_since(Instant::now());
                outbound.fields.insert(X_REQUEST_TIMEOUT_MS, deadline::render(left).into());
                outbound.request(true, body)
            });
        }
    }

    /// A connection to the best instance; to the next best one when it cannot be reached.
    async fn connect(&self, pool: &Pool, retries: &mut Retries) -> Result<(Pick, Lease), Failure> {
        let upstream = pool.upstream();
        loop {
            let now = std::time::Instant::now();
            let pick = upstream.balancer.pick_reachable(now, &retries.tried, &retries.unreachable)?;
            if retries.unreachable.contains(&pick.index()) {
                return Err(NoInstance::NoneHealthy.into());
            }
            let error = match pool.lease(pick.index(), retries.fresh).await {
                Ok(lease) => return Ok((pick, lease)),
                Err(error) => Failure::from(error),
            };
            self.failed(upstream, &pick, &error);
            // Nothing was sent: asking the next instance costs nobody anything, whatever is left of the retries.
            retries.tried.push(pick.index());
            retries.unreachable.push(pick.index());
            if retries.unreachable.len() >= upstream.instances.len() || Instant::now() >= retries.deadline {
                return Err(error);
            }
            self.count_retry("unconnected", retries);
        }
    }

    /// Tells balancer, log and metrics of a try that got no answer.
    fn failed(&self, upstream: &Upstream, pick: &Pick, failure: &Failure) {
        let transition = pick.report(std::time::Instant::now(), Outcome::Failed);
        if let Some(instance) = upstream.instance(pick.index()) {
            log_transition(upstream, instance, transition, Some(&failure.to_string()));
        }
        let reason = match failure {
            Failure::Connect(_) => "connect",
            Failure::Timeout => "timeout",
            _ => "exchange",
        };
        self.generation.gateway.metrics.upstream_failed(&upstream.name, reason);
    }

    /// Whether it was the client that gave no more time: that says nothing about the instance, or clients could have any
    /// instance ejected.
    fn was_hurried(&self, failure: &Failure, retries: &Retries) -> bool {
        matches!(failure, Failure::Timeout)
            && self.timeout < self.route.timeout
            && Instant::now() >= retries.deadline
    }

    fn count_retry(&self, reason: &'static str, retries: &Retries) {
        self.generation.gateway.metrics.retried(reason);
        Span::current().record("http.request.resend_count", retries.tried.len());
    }

    /// One try's share of the time there is; all of it where no other instance could be asked.
    fn limit(&self, retries: &Retries, others: bool) -> Limit {
        let shared = self.route.try_timeout.filter(|_| self.repeatable && others && retries.left > 0);
        let is_first = retries.tried.is_empty();
        Limit {
            pause: shared.unwrap_or(self.timeout),
            at_most: (shared.is_some() || !is_first).then_some(retries.deadline),
        }
    }

    fn address(&self, request: &mut Request<RequestBody>, lease: &Lease) {
        let instance = lease.instance();
        Span::current().record("server.address", instance.host.as_str()).record("server.port", instance.port);
        request.headers_mut().insert(header::HOST, self.passage.host_for(instance));
    }

    /// Passes 1xx answers on; `100` is what a client that waits for it is waiting for.
    fn relay_informational(&self, request: &mut Request<RequestBody>, permission: Option<Permission>) {
        let client = self.client.informational();
        hyper::ext::on_informational(request, move |answer| {
            if answer.status() == StatusCode::CONTINUE
                && let Some(permission) = &permission
            {
                // The server underneath says 100 itself as soon as the body is asked for.
                permission.give();
                return;
            }
            let mut fields = answer.headers().clone();
            super::headers::strip_response(&mut fields);
            client.send(answer.status(), &fields);
        });
    }

    /// Waits for the head of the answer, as long after the last piece of the request went out as the limit says.
    async fn answered<F: Future>(
        &self,
        exchange: F,
        progress: &Progress,
        limit: Limit,
    ) -> Result<F::Output, Failure> {
        let mut exchange = pin!(exchange);
        loop {
            let mut deadline = progress.last_step() + limit.pause;
            if let Some(at_most) = limit.at_most {
                deadline = deadline.min(at_most);
            }
            let too_slow = self.route.min_body_rate.and_then(|rate| progress.too_slow_at(rate, BODY_GRACE));
            let wake = too_slow.map_or(deadline, |slow| slow.min(deadline));
            if let Ok(output) = timeout_at(wake, &mut exchange).await {
                return Ok(output);
            }
            let now = Instant::now();
            let slow = self.route.min_body_rate.and_then(|rate| progress.too_slow_at(rate, BODY_GRACE));
            if slow.is_some_and(|slow| slow <= now) {
                return Err(Failure::ClientStalled);
            }
            let expired =
                progress.last_step() + limit.pause <= now || limit.at_most.is_some_and(|most| most <= now);
            if expired {
                return Err(if progress.waits_for_client() {
                    Failure::ClientStalled
                } else {
                    Failure::Timeout
                });
            }
        }
    }

    fn to_problem(&self, failure: Failure) -> Problem {
        match failure {
            Failure::Connect(error) => Problem::new(&UPSTREAM_UNAVAILABLE).cause(error),
            Failure::NoInstance(NoInstance::Overloaded) => Problem::new(&UPSTREAM_OVERLOADED),
            Failure::NoInstance(none) => Problem::new(&UPSTREAM_UNAVAILABLE).cause(none),
            Failure::Exchange(error) => Problem::new(&registry::BAD_GATEWAY).cause(error),
            Failure::Timeout => Problem::new(&registry::GATEWAY_TIMEOUT)
                .detail(format!("no answer within {} ms", self.timeout.as_millis())),
            Failure::ClientStalled => Problem::new(&REQUEST_STALLED),
            Failure::Body(fault) => body_problem(fault, self.route),
        }
    }
}

/// How long one try may take.
#[derive(Clone, Copy)]
struct Limit {
    /// After the last piece of the request.
    pause: Duration,
    at_most: Option<Instant>,
}

/// What is left of the retries of one request.
struct Retries {
    left: u32,
    deadline: Instant,
    tried: Vec<usize>,
    /// Those of them that could not be connected to.
    unreachable: Vec<usize>,
    /// Whether only a new connection will do.
    fresh: bool,
    permit: Option<RetryPermit>,
}

impl Retries {
    fn new(upstream: &Upstream, deadline: Instant) -> Self {
        Self {
            left: upstream.retries,
            deadline,
            tried: Vec::new(),
            unreachable: Vec::new(),
            fresh: false,
            permit: None,
        }
    }

    /// Whether there is an instance that has not had the request, after a try at `instance`.
    fn knows_another(&self, upstream: &Upstream, instance: usize) -> bool {
        (0..upstream.instances.len()).any(|other| other != instance && !self.tried.contains(&other))
    }

    /// Whether there may be another try after one at `instance`. One whose connection had only gone stale is free.
    fn take(&mut self, upstream: &Upstream, instance: usize, went_stale: bool) -> bool {
        if went_stale {
            // Only once: the next connection is a new one.
            self.fresh = true;
            return true;
        }
        if self.left == 0 {
            return false;
        }
        self.permit = self.permit.take().or_else(|| upstream.balancer.may_retry());
        if self.permit.is_none() {
            return false;
        }
        self.tried.push(instance);
        self.left -= 1;
        self.fresh = true;
        true
    }
}

/// What a client is told of its body.
pub(crate) fn body_problem(fault: BodyFault, route: &Route) -> Problem {
    match fault {
        BodyFault::TooLarge => too_large(route.body_limit.unwrap_or(0)),
        BodyFault::Refused(refusal) => problems::of_refusal(refusal),
        BodyFault::Broken => {
            Problem::new(&registry::MALFORMED_REQUEST).detail("the body of the request is broken")
        }
        BodyFault::Spool | BodyFault::Unwanted => Problem::new(&registry::UNAVAILABLE).cause(fault),
    }
}

pub(crate) fn too_large(limit: u64) -> Problem {
    Problem::new(&registry::PAYLOAD_TOO_LARGE).detail(format!("the body may have {limit} bytes here"))
}
