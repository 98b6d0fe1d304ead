//! Builds the gateway from its configuration and runs it until it is drained. Tests take the same path.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use http_client::{Client, ClientConfig, HttpError};
use http_server::{HttpConfig, Running, ServerError, Shell};
use identity::Verifier;
use problem::{Problem, registry};
use telemetry::metrics::Metrics;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::config::{Config, ConfigError, Faults, written};
use crate::docs::{self, Docs, DocumentSource};
use crate::forward::{self, Network, Pool};
use crate::metrics::{ConnectionGauge, GatewayMetrics};
use crate::route::{Route, build_router};
use crate::routing::{Matched, Router};
use crate::upstream::Upstream;

const SERVICE: &str = "gateway";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What all workers share. Nothing in it changes while it is in use; another configuration is another `Gateway`.
pub struct Gateway {
    pub(crate) router: Router<Arc<Route>>,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) docs: Docs,
    connections: Vec<ConnectionGauge>,
    trusted: Vec<Network>,
    docs_enabled: bool,
}

/// What one worker has for itself: its connections.
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    pools: Vec<Pool>,
}

/// Why the gateway does not run.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A listener cannot be opened.
    #[error("cannot start the server")]
    Server(#[from] ServerError),
    /// The client for keys and documents cannot be set up.
    #[error("cannot set up the client for keys and documents")]
    Client(#[from] HttpError),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

impl Gateway {
    /// Checks that the parts of a configuration fit together and builds what runs.
    ///
    /// # Errors
    /// [`StartError::Config`] with every fault; [`StartError::Client`] when TLS cannot be set up.
    pub fn build(config: &Config, metrics: &Metrics) -> Result<Arc<Self>, StartError> {
        let mut faults = Faults::default();
        let upstreams: Vec<Arc<Upstream>> = config
            .upstreams
            .iter()
            .map(|(name, upstream)| Arc::new(Upstream::build(name, upstream, &mut faults)))
            .collect();
        let router = build_router(config, &mut faults);
        let trusted = read_trusted(config, &mut faults);
        check_listeners(config, &mut faults);
        for fault in config.identity.iter().flat_map(identity::IdentityConfig::faults) {
            let (path, message) = fault.split_once(": ").unwrap_or(("", &fault));
            faults.add(written("identity", path.split('.')), message);
        }
        let found = faults.into_vec();
        if !found.is_empty() {
            return Err(ConfigError::Faults(found).into());
        }
        let verifier = match &config.identity {
            Some(identity) => Some(Verifier::new(identity, Client::new(ClientConfig::default())?)),
            None => None,
        };
        let metrics = GatewayMetrics::new(metrics);
        let connections = upstreams.iter().map(|upstream| metrics.connections_of(&upstream.name)).collect();
        let docs = build_docs(config, &upstreams);
        Ok(Arc::new(Self {
            router,
            upstreams,
            verifier,
            metrics,
            docs,
            connections,
            trusted,
            docs_enabled: config.docs.enabled,
        }))
    }

    /// Whether this peer may speak for a client behind it.
    pub(crate) fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Registers everything on the public port; called once by each worker, whose connections it creates.
    fn configure(self: &Arc<Self>, app: &mut ServiceConfig) {
        let pools = self
            .upstreams
            .iter()
            .zip(&self.connections)
            .map(|(upstream, gauge)| Pool::new(upstream, gauge))
            .collect();
        app.app_data(Rc::new(Worker { gateway: Arc::clone(self), pools }));
        if self.docs_enabled {
            docs::pages::configure(app);
        }
        app.default_service(web::to(forward::forward));
    }
}

impl Worker {
    /// The state of the worker that has this request.
    pub(crate) fn of(request: &HttpRequest) -> Result<Rc<Self>, Problem> {
        request
            .app_data::<Rc<Self>>()
            .cloned()
            .ok_or_else(|| Problem::new(&registry::INTERNAL).cause("a worker without its state"))
    }

    pub(crate) fn pool(&self, upstream: usize) -> Result<&Pool, Problem> {
        self.pools
            .get(upstream)
            .ok_or_else(|| Problem::new(&registry::INTERNAL).cause("a route without its upstream"))
    }
}

fn read_trusted(config: &Config, faults: &mut Faults) -> Vec<Network> {
    let mut trusted = Vec::new();
    for (index, text) in config.forwarded.trusted.iter().enumerate() {
        match Network::parse(text) {
            Ok(network) => trusted.push(network),
            Err(error) => faults.add(format!("forwarded.trusted[{index}]"), error.to_string()),
        }
    }
    trusted
}

fn check_listeners(config: &Config, faults: &mut Faults) {
    for (key, bind) in [("http.bind", &config.http.bind), ("admin.bind", &config.admin.bind)] {
        let port = bind.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            faults.add(key, format!("`{bind}` must be an address and a port, such as 127.0.0.1:8080"));
        }
    }
    if config.http.bind == config.admin.bind && !config.http.bind.ends_with(":0") {
        faults.add("admin.bind", format!("`{}` is also http.bind", config.admin.bind));
    }
    if config.http.workers == 0 {
        faults.add("http.workers", "must be more than 0");
    }
    if config.telemetry.sample_ratio.is_nan() || !(0.0..=1.0).contains(&config.telemetry.sample_ratio) {
        faults.add("telemetry.sample_ratio", "must be between 0 and 1");
    }
}

fn build_docs(config: &Config, upstreams: &[Arc<Upstream>]) -> Docs {
    let sources = upstreams
        .iter()
        .filter_map(|upstream| {
            let path = upstream.openapi.as_deref()?;
            let instances = upstream.instances.iter();
            let urls = instances.map(|instance| format!("http://{}{path}", instance.authority)).collect();
            Some(DocumentSource { upstream: upstream.name.to_string(), urls })
        })
        .collect();
    // The routes again, as a router of upstreams: what is not forwarded to a service is not part of the API.
    let mut router = Router::default();
    for route in &config.routes {
        let methods: Vec<Method> = route.methods.iter().filter_map(|method| method.parse().ok()).collect();
        for pattern in route.path.as_slice() {
            // Faults were reported when the real router was built from the same patterns.
            let _ = router.add(pattern, &methods, &route.name, &route.upstream);
        }
    }
    let is_reachable = move |upstream: &str, method: &str, path: &str| {
        // A template's variable stands for any one segment.
        let sample: String =
            path.split('/').map(|s| if s.contains('{') { "x" } else { s }).collect::<Vec<_>>().join("/");
        let method = method.parse().unwrap_or(Method::GET);
        matches!(router.find(&method, &sample), Matched::Route(target) if target == upstream)
    };
    Docs::new(&config.docs, sources, Box::new(is_reachable))
}

/// A running gateway.
pub struct App {
    gateway: Arc<Gateway>,
    public: Running,
    admin: Running,
    background: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens both ports and starts the background work. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let metrics = Metrics::new(SERVICE);
        let gateway = Gateway::build(config, &metrics)?;
        let slow_request = Duration::from_millis(config.telemetry.slow_request_ms);
        let shell = |http: HttpConfig| Shell {
            service: SERVICE,
            version: VERSION,
            config: http,
            metrics: metrics.clone(),
            checks: Vec::new(),
            slow_request,
        };
        let admin = HttpConfig { bind: config.admin.bind.clone(), workers: 1, ..config.http.clone() };
        let admin = shell(admin).start(|_app| {})?;
        let workers = Arc::clone(&gateway);
        let public = shell(config.http.clone()).start_without_health(move |app| workers.configure(app))?;
        let mut app = Self { gateway, public, admin, background: Vec::new() };
        app.start_background()?;
        Ok(app)
    }

    fn start_background(&mut self) -> Result<(), StartError> {
        // A service that is down must not be left alone for seconds: its document is wanted as soon as it is back.
        let patient = ClientConfig { max_retries: 0, breaker_failures: 0, ..ClientConfig::default() };
        let client = Client::new(patient)?;
        let gateway = Arc::clone(&self.gateway);
        if self.gateway.docs_enabled {
            self.background.push(tokio::spawn(async move { gateway.docs.keep_fresh(client).await }));
        }
        // `/readyz` has to fail as soon as the public port drains, while the private one still answers.
        let handle = self.admin.handle();
        let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
        self.background.push(tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            handle.drain();
        }));
        Ok(())
    }

    /// The public address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.public.addr
    }

    /// The private address.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr
    }

    /// The public server's handle, to stop it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> http_server::Handle {
        self.public.handle()
    }

    /// Serves until SIGTERM, SIGINT or the handle stops it; drains, then closes the private port.
    ///
    /// # Errors
    /// When a server failed.
    pub async fn until_stopped(self) -> io::Result<()> {
        let admin = self.admin.handle();
        let ended = self.public.until_stopped().await;
        for task in self.background {
            task.abort();
        }
        admin.stop(true).await;
        ended
    }
}
