//! The sections of the file. What is said here about a key is its documentation.

use load_balance::{BalanceConfig, HealthConfig, OutlierConfig};
use serde::{Deserialize, Serialize};

/// The private listener. Keep it on loopback or on a network that clients cannot reach: it has no authentication.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Address and port; `127.0.0.1:8090`.
    pub bind: String,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { bind: "127.0.0.1:8090".to_owned() }
    }
}

/// Who may tell us, in `Forwarded` and `X-Forwarded-*`, about the client behind them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardedConfig {
    /// Addresses or networks (`10.0.0.0/8`) of proxies in front of this one. Empty: what a client says about itself
    /// is dropped. Too wide a network here and any client can claim any address.
    pub trusted: Vec<String>,
}

/// The gateway's own pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DocsConfig {
    /// `/openapi.json`, `/docs` and `/problems` on the public port; `true`.
    pub enabled: bool,
    /// The title of the joined document; `aldia`.
    pub title: String,
    /// How often the upstreams' documents are looked at again, in seconds; 30. While one has never been had, it is
    /// asked for every second.
    pub refresh_secs: u64,
}

impl Default for DocsConfig {
    fn default() -> Self {
        Self { enabled: true, title: "aldia".to_owned(), refresh_secs: 30 }
    }
}

/// A set of equal servers that requests can be forwarded to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamConfig {
    /// `http://host:port` of the only instance; short for `instances` with one entry.
    pub url: Option<String>,
    /// `http://host:port` of each instance; the least loaded of those in health gets the next request.
    pub instances: Vec<String>,
    /// Longest wait for a connection, in milliseconds; 1000. Too low and a busy server looks dead, too high and a
    /// dead one holds requests.
    pub connect_timeout_ms: u64,
    /// How long an unused connection may be used again, in milliseconds; 4000. Keep it below the upstream's own
    /// keep-alive, or requests meet connections that are just being closed.
    pub idle_timeout_ms: u64,
    /// Unused connections kept for each instance by each worker; 32. Too low and connections are opened anew under load.
    pub max_idle_per_worker: usize,
    /// Requests one connection may carry before it is closed; 0: no bound. Too low and connections are opened anew under
    /// load, while a bound spreads long-lived connections over instances behind one address.
    pub max_requests_per_connection: u64,
    /// How old a connection may grow, in seconds; 0: no bound.
    pub max_connection_age_secs: u64,
    /// Bytes of a body that the system takes in advance of the instance (`SO_SNDBUF`), 16384 to 67108864; by default as many as it sees
    /// fit, which near by is megabytes for each upload. A bound slows instances that are far away: each gets that much in a round trip.
    pub send_buffer_bytes: Option<usize>,
    /// How often a request may be sent again, to another instance where there is one: when it was not sent, or when it is
    /// idempotent, has no body, and no answer began; 2. Within the retry budget of `balance`.
    pub retries: u32,
    /// Active checks of each instance. Without a `path` there are none.
    pub health: HealthConfig,
    /// When an instance that fails requests is left out for a while.
    pub outlier: OutlierConfig,
    /// How requests are spread, and the circuit breaker.
    pub balance: BalanceConfig,
    /// Where the service has its OpenAPI document, e.g. `/openapi.json`. Without it the service is left out of the
    /// joined document.
    pub openapi: Option<String>,
    /// The `[freshness.<domain>]` under whose lease its answers are kept; none by default: they are kept for as long as they
    /// say themselves, whatever is written meanwhile.
    pub freshness: Option<String>,
    /// How long past its lifetime an answer may be given while it is validated, in seconds, where the answer neither says nor
    /// forbids it (RFC 9111 §4.2.4, an out-of-band contract with whoever runs the upstream); 0: not. Not with `freshness`,
    /// whose answers are never stale.
    pub stale_while_revalidate_secs: u32,
    /// The same in place of an error of the upstream; 0: not.
    pub stale_if_error_secs: u32,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            url: None,
            instances: Vec::new(),
            connect_timeout_ms: 1_000,
            idle_timeout_ms: 4_000,
            max_idle_per_worker: 32,
            max_requests_per_connection: 0,
            max_connection_age_secs: 0,
            send_buffer_bytes: None,
            retries: 2,
            health: HealthConfig::default(),
            outlier: OutlierConfig::default(),
            balance: BalanceConfig::default(),
            openapi: None,
            freshness: None,
            stale_while_revalidate_secs: 0,
            stale_if_error_secs: 0,
        }
    }
}

/// What is asked of a caller before the request is forwarded. The service checks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthPolicy {
    /// A valid bearer token, or 401.
    #[default]
    Required,
    /// None is fine; one that is there must be valid.
    Optional,
    /// Not looked at.
    None,
}

impl AuthPolicy {
    /// The word used in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::None => "none",
        }
    }
}

/// Bounds on the whole gateway.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Requests in flight at once; 2048. Beyond it 503 with `Retry-After`, at once: a request refused early costs little,
    /// one that waits costs memory and everyone's time. 0: no bound.
    pub max_concurrent_requests: usize,
    /// What `Retry-After` says then, in seconds; 1.
    pub retry_after_secs: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { max_concurrent_requests: 2_048, retry_after_secs: 1 }
    }
}

/// Which bodies are taken in before they are passed on (U-A10). Streaming (`off`) needs no memory and has the first byte
/// through first; buffering keeps a slow client from holding an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Buffering {
    /// Both stream.
    #[default]
    Off,
    /// A request's body is complete (in memory to 64 KiB, then in a temporary file) before an upstream is asked. Its trailers
    /// are dropped.
    Request,
    /// Up to 1 MiB of an answer is taken from the upstream ahead of the client.
    Response,
    /// Both.
    Both,
}

impl Buffering {
    /// Whether requests are taken in first.
    #[must_use]
    pub fn of_requests(self) -> bool {
        matches!(self, Self::Request | Self::Both)
    }

    /// Whether answers are read ahead.
    #[must_use]
    pub fn of_responses(self) -> bool {
        matches!(self, Self::Response | Self::Both)
    }

    /// The word used in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Request => "request",
            Self::Response => "response",
            Self::Both => "both",
        }
    }
}

/// One string or a list of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `path = "/v1/animals"`
    One(String),
    /// `path = ["/v1/animals", "/v1/animals/*"]`
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// All of them, in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Which requests go to which upstream, and what is asked of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteConfig {
    /// Unique; used in spans, metrics and logs.
    pub name: String,
    /// Patterns: literal segments, `*` for exactly one segment, and a last `*` for all that follows (at least one
    /// segment). `/v1/animals/*` does not match `/v1/animals`; `/*` matches everything.
    pub path: OneOrMany,
    /// Methods, in capitals; none given means any. `GET` includes `HEAD`.
    pub methods: Vec<String>,
    /// The name of an `[upstream.<name>]`.
    pub upstream: String,
    /// `required` (the default), `optional` or `none`.
    pub auth: AuthPolicy,
    /// Longest wait for the answer to begin, in milliseconds, counted from the last byte of the request that was
    /// passed on; 30000. Then 504.
    pub timeout_ms: u64,
    /// Longest pause inside an answer, in milliseconds; 60000. Then the connection is cut. 0: no bound.
    pub stream_idle_ms: u64,
    /// Largest request body, in bytes; 1048576. Beyond it 413, also when the length was not announced. 0: no bound.
    pub body_limit_bytes: u64,
    /// Longest wait of one try, in milliseconds, for idempotent requests without a body; then another instance is tried, while
    /// `timeout_ms` lasts. 0 (the default): one try has all of it. Too low and slow answers are asked for twice.
    pub try_timeout_ms: u64,
    /// Slowest rate at which a request body may arrive, in bytes a second over the time spent waiting for it, after the
    /// first ten seconds; 256. Then 408. 0: no bound.
    pub min_body_rate: u64,
    /// `off` (the default), `request`, `response` or `both`.
    pub buffering: Buffering,
    /// Protocols a connection may be upgraded to (`Upgrade`), in lower case; `["websocket"]`. Others are forwarded as
    /// ordinary requests.
    pub upgrades: Vec<String>,
    /// Names of `[[rate_limit]]` that count this route's requests; none by default.
    pub rate_limits: Vec<String>,
    /// What one request of this route takes from a quota, in units; 1.
    pub cost: u32,
    /// Whether answers may be compressed here; `true`.
    pub compress: bool,
    /// Whether the upstream sees the `Host` the client sent instead of its own; `false`. The client's is in
    /// `X-Forwarded-Host` in any case.
    pub preserve_host: bool,
    /// Media types that answers to GET come in, the most wanted first; none by default. With some, the service is asked for one
    /// of them, whatever a client writes in `Accept`: of those the client names outright the one it wants most, else the
    /// last. So an address has no more variants than there are types. Only for services that choose between these and no
    /// others.
    pub formats: Vec<String>,
    /// Whether answers may be kept; `true` where there is a `[cache]`.
    pub cache: Option<bool>,
}

impl Default for RouteConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            path: OneOrMany::default(),
            methods: Vec::new(),
            upstream: String::new(),
            auth: AuthPolicy::default(),
            timeout_ms: 30_000,
            stream_idle_ms: 60_000,
            body_limit_bytes: 1_048_576,
            try_timeout_ms: 0,
            min_body_rate: 256,
            buffering: Buffering::default(),
            upgrades: vec!["websocket".to_owned()],
            rate_limits: Vec::new(),
            cost: 1,
            compress: true,
            preserve_host: false,
            formats: Vec::new(),
            cache: None,
        }
    }
}
