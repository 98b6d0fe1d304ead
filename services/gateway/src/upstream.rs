//! Where requests go: the checked form of `[upstream.<name>]`.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Uri;
use hyper::http::HeaderValue;

use crate::config::{Faults, UpstreamConfig};

/// A named set of equal servers.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) name: Arc<str>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_idle_per_worker: usize,
    pub(crate) openapi: Option<String>,
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
    /// Checks one section, noting every fault in it.
    pub(crate) fn build(name: &str, config: &UpstreamConfig, faults: &mut Faults) -> Self {
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
        for (name, value) in
            [("connect_timeout_ms", config.connect_timeout_ms), ("idle_timeout_ms", config.idle_timeout_ms)]
        {
            if value == 0 {
                faults.add(format!("{key}.{name}"), "must be more than 0");
            }
        }
        if let Some(path) = &config.openapi
            && !path.starts_with('/')
        {
            faults.add(format!("{key}.openapi"), format!("`{path}` must be a path that begins with `/`"));
        }
        Self {
            name: Arc::from(name),
            instances,
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            idle_timeout: Duration::from_millis(config.idle_timeout_ms),
            max_idle_per_worker: config.max_idle_per_worker,
            openapi: config.openapi.clone(),
        }
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
