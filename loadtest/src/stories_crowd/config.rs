//! What the service and its gateways are told. Every key that the drill depends on is written here and nowhere else.

use std::net::SocketAddr;

use crate::upload::config::{Settings, Stores, settings};
use crate::upload::issuer::Issuer;

/// Sockets of one person.
pub(super) const PER_PERSON: usize = 10;

/// The file of the service.
pub(super) fn service_file(issuer: &Issuer) -> String {
    format!("{}\n[http]\nkeep_alive_secs = 75\n", identity(issuer))
}

/// What the service is told beside its file.
pub(super) fn service_settings(bind: SocketAddr, stores: &Stores, sockets: usize) -> Settings {
    settings(&[
        ("HTTP__BIND", &bind.to_string()),
        ("TELEMETRY__LOG", "warn"),
        ("TELEMETRY__SAMPLE_RATIO", "0.0"),
        ("POSTGRES__URL", &stores.postgres_url),
        ("REDIS__URL", &format!("redis://{}", stores.redis)),
        ("NATS__URL", &format!("nats://{}", stores.nats)),
        ("API__CURSOR_KEY", "loadtest-loadtest-loadtest-loadtest"),
        ("LIVE__MAX_SOCKETS", &(2 * sockets).to_string()),
        // Who comes back may be there before it is noticed that it was gone.
        ("LIVE__MAX_SOCKETS_PER_PERSON", &(2 * PER_PERSON).to_string()),
    ])
}

/// The file of a gateway.
pub(super) fn gateway_file(
    issuer: &Issuer,
    bind: SocketAddr,
    admin: SocketAddr,
    service: SocketAddr,
    sockets: usize,
) -> String {
    format!(
        "{}\n[http]\nbind = \"{bind}\"\nmax_connections = {}\n\n[admin]\nbind = \"{admin}\"\n\n\
         [telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n[docs]\nenabled = false\n\n\
         [upstream.stories_feed]\ninstances = [\"http://{service}\"]\nbalance.max_requests = {}\n\n\
         [[route]]\nname = \"story_sockets\"\npath = \"/ws/stories/*\"\nmethods = [\"GET\"]\nupstream = \"stories_feed\"\n\
         auth = \"optional\"\nbuffering = \"off\"\nstream_idle_ms = 120000\ncompress = false\n\n\
         [[route]]\nname = \"stories\"\npath = \"/v1/gyms/*\"\nupstream = \"stories_feed\"\nauth = \"required\"\n",
        identity(issuer),
        2 * sockets,
        // A socket is a request that lasts.
        2 * sockets,
    )
}

fn identity(issuer: &Issuer) -> String {
    format!(
        "[identity]\naudience = \"aldia\"\n\n[[identity.issuers]]\nissuer = \"{}\"\njwks_url = \"{}\"\n",
        issuer.name(),
        issuer.keys_url()
    )
}
