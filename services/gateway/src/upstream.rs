//! Where requests go: the checked form of `[upstream.<name>]`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Uri};
use load_balance::{Balancer, Policy};
use tcp_listener::BUFFER_BYTES;

use crate::config::{Faults, UpstreamConfig, written};

pub(crate) mod health;

/// A named set of equal servers.
pub(crate) struct Upstream {
    pub(crate) name: Arc<str>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_idle_per_worker: usize,
    pub(crate) max_requests_per_connection: Option<u64>,
    pub(crate) max_connection_age: Option<Duration>,
    pub(crate) send_buffer_bytes: Option<usize>,
    pub(crate) retries: u32,
    pub(crate) openapi: Option<String>,
    /// Who gets the next request; by the index in `instances`.
    pub(crate) balancer: Balancer,
    /// As it was written, to tell whether another configuration changes it.
    pub(crate) config: UpstreamConfig,
}

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `host:port`, as in `Host`.
    pub(crate) authority: String,
    pub(crate) host_value: HeaderValue,
}

impl Upstream {
    /// Checks one section, noting every fault in it. `previous` is the upstream of that name before a reload; what is known
    /// of instances that stay is kept.
    pub(crate) fn build(
        name: &str,
        config: &UpstreamConfig,
        previous: Option<&Self>,
        faults: &mut Faults,
    ) -> Self {
        let key = format!("upstream.{name}");
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            faults.add(&key, "the name may have letters, digits, `-` and `_` only");
        }
        let mut instances = Vec::new();
        let mut add = |url: &str, at: String, faults: &mut Faults| match Instance::parse(url) {
            Ok(instance) => instances.push(instance),
            Err(message) => faults.add(at, format!("`{url}` {message}")),
        };
        if let Some(url) = &config.url {
            add(url, format!("{key}.url"), faults);
            if !config.instances.is_empty() {
                faults.add(format!("{key}.instances"), "give either `url` or `instances`, not both");
            }
        } else if config.instances.is_empty() {
            faults.add(format!("{key}.url"), "is missing: give `url`, or `instances`");
        }
        for (index, url) in config.instances.iter().enumerate() {
            add(url, format!("{key}.instances[{index}]"), faults);
        }
        for (section, found) in [
            ("health", config.health.faults()),
            ("outlier", config.outlier.faults()),
            ("balance", config.balance.faults()),
        ] {
            for fault in found {
                let (at, message) = fault.split_once(": ").unwrap_or(("", &fault));
                faults.add(written(&format!("{key}.{section}"), at.split('.')), message);
            }
        }
        for (name, value) in
            [("connect_timeout_ms", config.connect_timeout_ms), ("idle_timeout_ms", config.idle_timeout_ms)]
        {
            if value == 0 {
                faults.add(format!("{key}.{name}"), "must be more than 0");
            }
        }
        if let Some(bytes) = config.send_buffer_bytes
            && !BUFFER_BYTES.contains(&bytes)
        {
            let (least, most) = (BUFFER_BYTES.start(), BUFFER_BYTES.end());
            faults.add(format!("{key}.send_buffer_bytes"), format!("must be from {least} to {most}"));
        }
        if let Some(path) = &config.openapi
            && !path.starts_with('/')
        {
            faults.add(format!("{key}.openapi"), format!("`{path}` must be a path that begins with `/`"));
        }
        let bound = |value: u64| (value > 0).then_some(value);
        let policy = Policy {
            health: config.health.clone(),
            outlier: config.outlier.clone(),
            balance: config.balance.clone(),
        };
        let balancer = match previous {
            None => Balancer::new(instances.len(), policy, Instant::now()),
            Some(previous) => {
                let stays: Vec<(usize, usize)> = instances
                    .iter()
                    .enumerate()
                    .filter_map(|(new, instance)| Some((new, previous.position(&instance.authority)?)))
                    .collect();
                Balancer::carrying_over(&previous.balancer, &stays, instances.len(), policy, Instant::now())
            }
        };
        Self {
            name: Arc::from(name),
            instances,
            balancer,
            config: config.clone(),
            max_requests_per_connection: bound(config.max_requests_per_connection),
            max_connection_age: bound(config.max_connection_age_secs).map(Duration::from_secs),
            send_buffer_bytes: config.send_buffer_bytes,
            retries: config.retries,
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            idle_timeout: Duration::from_millis(config.idle_timeout_ms),
            max_idle_per_worker: config.max_idle_per_worker,
            openapi: config.openapi.clone(),
        }
    }
}

impl Upstream {
    fn position(&self, authority: &str) -> Option<usize> {
        self.instances.iter().position(|instance| instance.authority == authority)
    }

    /// The instance that a pick means.
    pub(crate) fn instance(&self, index: usize) -> Option<&Instance> {
        self.instances.get(index)
    }
}

impl Instance {
    fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(other) => return Err(format!("has scheme `{other}`; only `http` can be forwarded to")),
            None => return Err("must begin with `http://`".to_owned()),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("must not have a path or a query: requests keep their own".to_owned());
        }
        let authority = uri.authority().ok_or("has no host")?;
        if authority.as_str().contains('@') {
            return Err("must not have a user or a password".to_owned());
        }
        let port = authority.port_u16().unwrap_or(80);
        let host = authority.host();
        if host.is_empty() {
            return Err("has no host".to_owned());
        }
        let authority = format!("{host}:{port}");
        let host_value = HeaderValue::from_str(&authority).map_err(|error| error.to_string())?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, authority, host_value })
    }
}
