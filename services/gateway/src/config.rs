//! The configuration file: typed sections, their defaults and units, and the check that names every fault at once.
//!
//! The file is TOML; a variable `ALDIA_<SECTION>__<KEY>` lies over the key it names. Unknown keys are refused.

use std::collections::BTreeMap;
use std::path::Path;

use broadcast::NatsConfig;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};
use http_edge::EdgeConfig;
use identity::IdentityConfig;
use rate_limit::PolicyConfig;
use serde::de::DeserializeOwned;
use telemetry::TelemetryConfig;
use thiserror::Error;

mod caching;
mod faults;
mod sections;

pub(crate) use caching::Shown;
pub use caching::{CacheConfig, DomainConfig};
pub use faults::Fault;
pub(crate) use faults::{Faults, written};
pub use sections::{
    AdminConfig, AuthPolicy, Buffering, DocsConfig, ForwardedConfig, LimitsConfig, OneOrMany, RouteConfig,
    UpstreamConfig,
};

pub use crate::cors::CorsConfig;

/// The sections that may stand in the file, and that an environment variable may name.
const SECTIONS: [&str; 14] = [
    "http",
    "admin",
    "telemetry",
    "identity",
    "forwarded",
    "docs",
    "limits",
    "cors",
    "rate_limit",
    "cache",
    "nats",
    "freshness",
    "upstream",
    "route",
];

/// A configuration that has been read; [`crate::Gateway::build`] checks how its parts fit together.
#[derive(Clone, Debug)]
pub struct Config {
    /// The public listener. `bind` is `127.0.0.1:8080` unless given.
    pub http: EdgeConfig,
    /// The private listener with `/metrics` and the probes.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted at the door. Without it every route must say `auth = "none"`.
    pub identity: Option<IdentityConfig>,
    /// Which peers may tell us who the client is.
    pub forwarded: ForwardedConfig,
    /// The gateway's own pages: `/openapi.json`, `/docs`, `/problems`.
    pub docs: DocsConfig,
    /// Bounds on the whole gateway.
    pub limits: LimitsConfig,
    /// Which pages of other origins may use the API. Without it none may.
    pub cors: Option<CorsConfig>,
    /// Quotas that routes refer to by name.
    pub rate_limits: Vec<PolicyConfig>,
    /// What is kept of answers. Without it nothing is.
    pub cache: Option<CacheConfig>,
    /// Where services tell of writes; needed by `freshness`.
    pub nats: Option<NatsConfig>,
    /// Services whose answers are kept under a lease, by domain.
    pub freshness: BTreeMap<String, DomainConfig>,
    /// Where requests may be forwarded to, by name.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// Which request goes where. The order does not matter: the most specific pattern wins.
    pub routes: Vec<RouteConfig>,
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file is not there or is not TOML.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system or the parser said.
        reason: String,
    },
    /// The file is TOML but not a configuration for this program.
    #[error("{} fault(s) in the configuration:\n{}", .0.len(), list(.0))]
    Faults(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads a file and lays the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`], with every fault that reading can find.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        // Variables without a section, or with a section of another program, are not for us.
        let env = Env::prefixed("ALDIA_")
            .filter(|key| {
                key.as_str().split_once("__").is_some_and(|(section, _)| {
                    SECTIONS.iter().any(|known| section.eq_ignore_ascii_case(known))
                })
            })
            .split("__");
        Self::read(Figment::from(Toml::string(&text)).merge(env), &path.display().to_string())
    }

    /// Reads a configuration from text, without the environment.
    ///
    /// # Errors
    /// [`ConfigError`], with every fault that reading can find.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::read(Figment::from(Toml::string(text)), "the configuration")
    }

    fn read(figment: Figment, path: &str) -> Result<Self, ConfigError> {
        let mut all = figment
            .data()
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?
            .remove(&Profile::Default)
            .unwrap_or_default();
        let mut faults = Faults::default();
        let config = Self::from_dict(&mut all, &mut faults);
        for unknown in all.keys() {
            faults.add(unknown.clone(), format!("unknown section; known: {}", SECTIONS.join(", ")));
        }
        let found = faults.into_vec();
        match config {
            Some(config) if found.is_empty() => Ok(config),
            _ => Err(ConfigError::Faults(found)),
        }
    }

    /// Every section is read even when another has failed, so that all faults are found.
    fn from_dict(all: &mut Dict, faults: &mut Faults) -> Option<Self> {
        let http = section::<EdgeConfig>(all, "http", faults);
        let admin = section::<AdminConfig>(all, "admin", faults);
        let telemetry = section::<TelemetryConfig>(all, "telemetry", faults);
        let forwarded = section::<ForwardedConfig>(all, "forwarded", faults);
        let docs = section::<DocsConfig>(all, "docs", faults);
        let limits = section::<LimitsConfig>(all, "limits", faults);
        let identity = optional_section::<IdentityConfig>(all, "identity", faults);
        let cors = optional_section::<CorsConfig>(all, "cors", faults);
        let rate_limits = read_list::<PolicyConfig>(all, "rate_limit", faults);
        let cache = optional_section::<CacheConfig>(all, "cache", faults);
        let nats = optional_section::<NatsConfig>(all, "nats", faults);
        let freshness = read_named::<DomainConfig>(all, "freshness", faults);
        let upstreams = read_named::<UpstreamConfig>(all, "upstream", faults);
        let routes = read_list::<RouteConfig>(all, "route", faults);
        let config = Self {
            http: http?,
            admin: admin?,
            telemetry: telemetry?,
            identity: identity?,
            forwarded: forwarded?,
            docs: docs?,
            limits: limits?,
            cors: cors?,
            rate_limits: rate_limits?,
            cache: cache?,
            nats: nats?,
            freshness: freshness?,
            upstreams: upstreams?,
            routes: routes?,
        };
        caching::check(&config, faults);
        Some(config)
    }
}

fn section<T: DeserializeOwned>(all: &mut Dict, name: &str, faults: &mut Faults) -> Option<T> {
    let table = faults::take_table(all, name, faults).unwrap_or_default();
    faults::extract::<T>(Value::from(table), name, faults)
}

/// A section whose absence means something: `Some(None)`.
fn optional_section<T: DeserializeOwned>(
    all: &mut Dict,
    name: &str,
    faults: &mut Faults,
) -> Option<Option<T>> {
    match faults::take_table(all, name, faults) {
        None => Some(None),
        Some(table) => faults::extract::<T>(Value::from(table), name, faults).map(Some),
    }
}

/// What is written as `[section.<name>]`.
fn read_named<T: DeserializeOwned>(
    all: &mut Dict,
    section: &str,
    faults: &mut Faults,
) -> Option<BTreeMap<String, T>> {
    let table = faults::take_table(all, section, faults).unwrap_or_default();
    let mut whole = true;
    let mut named = BTreeMap::new();
    for (name, value) in table {
        match faults::extract::<T>(value, &format!("{section}.{name}"), faults) {
            Some(read) => {
                named.insert(name, read);
            }
            None => whole = false,
        }
    }
    whole.then_some(named)
}

/// What is written as `[[name]]`.
fn read_list<T: DeserializeOwned>(all: &mut Dict, name: &str, faults: &mut Faults) -> Option<Vec<T>> {
    let items = match all.remove(name) {
        None => Vec::new(),
        Some(Value::Array(_, items)) => items,
        Some(other) => {
            faults.add(name, format!("must be written [[{name}]], found {}", other.to_actual()));
            return None;
        }
    };
    let read: Vec<Option<T>> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| faults::extract::<T>(item, &format!("{name}[{index}]"), faults))
        .collect();
    read.into_iter().collect()
}
