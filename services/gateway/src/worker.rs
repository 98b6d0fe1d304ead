//! One worker thread of the public port: its connections to upstreams, and the way every request takes.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Response, Version};
use http_edge::{ClientConnection, Handler, PlainHead, ReadyAnswer, Refusal};
use hyper::body::{Body as _, Incoming};
use problem::{Problem, registry};
use telemetry::request::{self as record, RequestStats};
use tracing::Instrument as _;

use crate::at_once;
use crate::forward::body::GatewayBody;
use crate::forward::{self, LastDescription, Pool};
use crate::gateway::Gateway;
use crate::observe::{Observation, Observer, RouteSeries, new_request_id};
use crate::problems;
use crate::route::Route;

/// Room for more fields than that is not kept.
const MOST_FIELDS_KEPT: usize = 256;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What one worker has for itself.
pub(crate) struct Worker {
    /// Replaced as a whole when the configuration is read again.
    gateway: Arc<ArcSwap<Gateway>>,
    current: RefCell<Rc<Generation>>,
    /// Room for the fields of a request that is answered at once.
    fields: Cell<HeaderMap>,
}

/// One configuration, and this worker's connections under it. Requests keep the one they began with.
pub(crate) struct Generation {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) last_description: LastDescription,
    observer: Rc<Observer>,
    pools: Vec<Rc<Pool>>,
    /// What is counted of routes that are cached, by their place in the configuration.
    series: RefCell<Vec<Option<Rc<RouteSeries>>>>,
}

impl Generation {
    fn new(gateway: &Arc<Gateway>, previous: Option<&Self>) -> Rc<Self> {
        let pools = gateway.upstreams.iter().map(|upstream| {
            let gauge = gateway.metrics.connections_of(&upstream.name);
            let before = previous.and_then(|previous| {
                previous.pools.iter().find(|pool| pool.upstream().name == upstream.name)
            });
            match before {
                Some(pool) if Arc::ptr_eq(pool.upstream(), upstream) => Rc::clone(pool),
                Some(pool) => Rc::new(pool.succeed(upstream, &gauge)),
                None => Rc::new(Pool::new(upstream, &gauge)),
            }
        });
        let pools = pools.collect();
        let observer = Observer::new(gateway.requests.clone(), gateway.slow_request, gateway.sample_ratio);
        Rc::new(Self {
            gateway: Arc::clone(gateway),
            observer: Rc::new(observer),
            pools,
            series: RefCell::default(),
            last_description: LastDescription::default(),
        })
    }

    /// What is counted of a route that is cached.
    pub(crate) fn series(&self, route: &Route) -> Rc<RouteSeries> {
        let mut all = self.series.borrow_mut();
        if let Some(Some(known)) = all.get(route.index) {
            return Rc::clone(known);
        }
        let series = Rc::new(RouteSeries::new(self.gateway.metrics.cache.of_route(&route.name)));
        if all.len() <= route.index {
            all.resize(route.index + 1, None);
        }
        if let Some(place) = all.get_mut(route.index) {
            *place = Some(Rc::clone(&series));
        }
        series
    }

    pub(crate) fn observer(&self) -> &Rc<Observer> {
        &self.observer
    }

    pub(crate) fn pool(&self, upstream: usize) -> Result<&Pool, Problem> {
        self.pools
            .get(upstream)
            .map(Rc::as_ref)
            .ok_or_else(|| Problem::new(&registry::INTERNAL).cause("a route without its upstream"))
    }

    /// Closes connections to upstreams that nobody will use again.
    pub(crate) fn sweep(&self) {
        for pool in &self.pools {
            pool.sweep();
        }
    }
}

impl Worker {
    pub(crate) fn new(gateway: Arc<ArcSwap<Gateway>>) -> Rc<Self> {
        gateway.load().stalls.observe_worker();
        let current = RefCell::new(Generation::new(&gateway.load_full(), None));
        let worker = Rc::new(Self { gateway, current, fields: Cell::default() });
        // Not kept: it lives as long as the thread's runtime.
        drop(tokio::task::spawn_local(sweep_now_and_then(Rc::downgrade(&worker))));
        worker
    }

    fn generation(&self) -> Rc<Generation> {
        let newest = self.gateway.load();
        let mut current = self.current.borrow_mut();
        if !Arc::ptr_eq(&newest, &current.gateway) {
            let next = Generation::new(&newest, Some(&current));
            *current = next;
        }
        Rc::clone(&current)
    }
}

async fn sweep_now_and_then(worker: std::rc::Weak<Worker>) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let Some(worker) = worker.upgrade() else { return };
        worker.generation().sweep();
    }
}

impl Handler for Worker {
    type Body = GatewayBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
        client: ClientConnection,
    ) -> Response<GatewayBody> {
        let generation = self.generation();
        let mut observed = Observation::begin(&generation.observer, &request, &client);
        let gateway = Arc::clone(&generation.gateway);
        let version = request.version();
        let has_body = !request.body().is_end_stream();
        let cors = gateway.cors.as_ref();
        // Before anything else: a browser sends it without a token, and its answer is complete.
        let preflight = cors.and_then(|cors| cors.preflight(request.method(), request.headers()));
        let asked = cors.filter(|_| preflight.is_none()).map(|cors| (cors, request.headers().clone()));
        let stats = Arc::clone(&observed.stats);
        let span = observed.span.clone();
        let watched = gateway.stalls.request(observed.method(), &generation.observer.unmatched, async {
            let answer = match preflight {
                Some(preflight) => Ok(preflight.map(|()| GatewayBody::Empty)),
                None => forward::answer(&generation, request, &client, &mut observed).await,
            };
            let mut response = answer.unwrap_or_else(|problem| {
                gateway.metrics.rejected(problem.kind().code);
                let mut refused = problem.to_http().map(GatewayBody::from);
                if has_body {
                    // What is left of the body is not read.
                    refused.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                refused
            });
            match version {
                Version::HTTP_2 => drop(response.headers_mut().remove(header::CONNECTION)),
                // A client of 1.0 may take a persistent connection for one that ends (RFC 9112 §9.3).
                Version::HTTP_10 => drop(response.headers_mut().insert(header::CONNECTION, CLOSE)),
                _ => {}
            }
            if let Some((cors, asked)) = &asked {
                cors.decorate(asked, response.headers_mut());
            }
            observed.finish(&mut response);
            response
        });
        // It is large, and the server underneath keeps room for one on every connection.
        let answering = Box::pin(record::scope(stats, watched));
        if span.is_disabled() { answering.await } else { answering.instrument(span).await }
    }

    fn answer_at_once(&self, head: &PlainHead<'_>, answer: &mut ReadyAnswer) -> bool {
        let mut fields = self.fields.take();
        let answered = at_once::answer(&self.generation(), head, &mut fields, answer).is_some();
        if fields.capacity() <= MOST_FIELDS_KEPT {
            fields.clear();
            self.fields.set(fields);
        }
        answered
    }

    fn refuse(&self, refusal: Refusal, client: SocketAddr) -> Response<Bytes> {
        let gateway = self.gateway.load();
        gateway.metrics.refused(refusal.name());
        let problem = problems::of_refusal(refusal);
        let request_id = new_request_id();
        tracing::info!(
            target: "access",
            status = problem.kind().status,
            code = problem.kind().code,
            rule = refusal.rule(),
            reason = refusal.name(),
            client = %client.ip(),
            request_id = request_id.as_str(),
            "refused"
        );
        let stats = RequestStats::new(None, request_id);
        record::sync_scope(stats, || problem.to_http())
    }
}
