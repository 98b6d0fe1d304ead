//! The configurations of `deploy/`, as they are shipped, led to the servers of the run. Every key that the drills depend on is
//! written here and nowhere else.

use std::net::SocketAddr;
use std::path::Path;

use super::issuer::Issuer;

const GATEWAY: &str = include_str!("../../../deploy/gateway.toml");
const SERVICE: &str = include_str!("../../../deploy/upload-ingest.toml");
const WORKER: &str = include_str!("../../../deploy/upload-worker.toml");

/// As `deploy/` has them.
const ISSUER: &str = "issuer = \"http://127.0.0.1:8080\"";
const KEYS: &str = "jwks_url = \"http://127.0.0.1:8081/.well-known/jwks.json\"";
const STREAMED: &str = "buffering = \"off\"";

/// How a gateway passes bodies on (U-A10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffering {
    /// As they come.
    Off,
    /// Taken in first.
    Request,
}

/// Settings that go over a file, as environment variables.
pub(crate) type Settings = Vec<(String, String)>;

/// Where the stores of a run are.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) postgres_url: String,
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
}

/// The file of the service.
pub(crate) fn service_file(issuer: &Issuer) -> String {
    trusting(SERVICE, issuer)
}

/// The file of a worker.
pub(crate) fn worker_file(issuer: &Issuer) -> String {
    trusting(WORKER, issuer)
}

/// The file of a gateway.
pub(crate) fn gateway_file(issuer: &Issuer, buffering: Buffering) -> String {
    let text = trusting(GATEWAY, issuer);
    match buffering {
        Buffering::Off => text,
        Buffering::Request => text.replace(STREAMED, "buffering = \"request\""),
    }
}

fn trusting(text: &str, issuer: &Issuer) -> String {
    text.replace(ISSUER, &format!("issuer = \"{}\"", issuer.name()))
        .replace(KEYS, &format!("jwks_url = \"{}\"", issuer.keys_url()))
}

/// What a process of the service is told beside its file.
pub(crate) fn service_settings(bind: SocketAddr, stores: &Stores, objects: &Path) -> Settings {
    settings(&[
        ("HTTP__BIND", &bind.to_string()),
        ("TELEMETRY__LOG", "warn"),
        ("TELEMETRY__SAMPLE_RATIO", "0.0"),
        ("POSTGRES__URL", &stores.postgres_url),
        ("REDIS__URL", &format!("redis://{}", stores.redis)),
        ("NATS__URL", &format!("nats://{}", stores.nats)),
        ("STORAGE__LOCAL__ROOT", &objects.display().to_string()),
        ("MEDIA__CAPABILITY_KEY", "loadtest-loadtest-loadtest-loadtest"),
        ("API__CURSOR_KEY", "loadtest-loadtest-loadtest-loadtest"),
    ])
}

/// What a gateway is told beside its file. There is no catalog: its upstream is led to the service, which is as healthy.
pub(crate) fn gateway_settings(
    public: SocketAddr,
    admin: SocketAddr,
    service: SocketAddr,
    stores: &Stores,
) -> Settings {
    let (redis, service) = (format!("redis://{}", stores.redis), format!("http://{service}"));
    settings(&[
        ("HTTP__BIND", &public.to_string()),
        ("ADMIN__BIND", &admin.to_string()),
        ("TELEMETRY__LOG", "warn"),
        ("TELEMETRY__SAMPLE_RATIO", "0.0"),
        ("DOCS__ENABLED", "false"),
        ("NATS__URL", &format!("nats://{}", stores.nats)),
        ("FRESHNESS__CATALOG__REDIS_URL", &redis),
        ("FRESHNESS__UPLOAD-INGEST__REDIS_URL", &redis),
        ("UPSTREAM__CATALOG__URL", &service),
        ("UPSTREAM__UPLOAD_INGEST__URL", &service),
    ])
}

/// Names without their prefix.
pub(crate) fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| (format!("ALDIA_{key}"), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_stands_in_the_files_that_are_shipped() {
        for text in [GATEWAY, SERVICE, WORKER] {
            assert_eq!((text.matches(ISSUER).count(), text.matches(KEYS).count()), (1, 1), "{text}");
        }
        assert!(GATEWAY.matches(STREAMED).count() >= 3);
    }
}
