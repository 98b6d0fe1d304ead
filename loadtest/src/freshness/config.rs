//! The configurations of the catalog replicas and the gateways. Every key that the check depends on is written here and
//! nowhere else.

use std::net::SocketAddr;

/// What a catalog replica is told.
pub(crate) struct Catalog<'a> {
    pub(crate) bind: SocketAddr,
    pub(crate) issuer: &'a str,
    pub(crate) postgres: &'a str,
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
    /// Lines for the end of the file.
    pub(crate) more: &'a str,
}

/// 32 bytes in base64; the database they protect lives as long as the run.
const MASTER_KEY: &str = "Y2hlY2stZnJlc2huZXNzLWNoZWNrLWZyZXNobmVzcy0=";

impl Catalog<'_> {
    pub(crate) fn render(&self) -> String {
        let Self { bind, issuer, postgres, redis, nats, more } = self;
        format!(
            "[http]\nbind = \"{bind}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
             [postgres]\nurl = \"{postgres}\"\nmax_connections = 12\n\n[redis]\nurl = \"redis://{redis}\"\n\n\
             [nats]\nurl = \"nats://{nats}\"\n\n\
             [auth]\nissuer = \"{issuer}\"\naudience = \"aldia\"\nmaster_key = \"{MASTER_KEY}\"\naccess_ttl_secs = 86400\n\n\
             [records]\ncursor_key = \"check-freshness-check-freshness-check\"\n\n{more}\n"
        )
    }
}

/// What a gateway is told.
pub(crate) struct Gateway<'a> {
    pub(crate) bind: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) issuer: &'a str,
    pub(crate) catalogs: &'a [SocketAddr],
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
    /// Whether answers are kept.
    pub(crate) cache: bool,
    pub(crate) more: &'a str,
}

impl Gateway<'_> {
    pub(crate) fn render(&self) -> String {
        let Self { bind, admin, issuer, catalogs, redis, nats, cache, more } = self;
        let instances: Vec<String> = catalogs.iter().map(|addr| format!("\"http://{addr}\"")).collect();
        let keys = catalogs.first().map(ToString::to_string).unwrap_or_default();
        let (kept, governed, never) = if *cache {
            (
                format!(
                    "[cache]\nmax_bytes = 268435456\n\n[nats]\nurl = \"nats://{nats}\"\n\n\
                     [freshness.catalog]\nredis_url = \"redis://{redis}\"\n\n"
                ),
                "freshness = \"catalog\"\n",
                "cache = false\n",
            )
        } else {
            (String::new(), "", "")
        };
        let mut text = format!(
            "[http]\nbind = \"{bind}\"\n\n[admin]\nbind = \"{admin}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
             [docs]\nenabled = false\n\n[identity]\naudience = \"aldia\"\n\n\
             [[identity.issuers]]\nissuer = \"{issuer}\"\njwks_url = \"http://{keys}/.well-known/jwks.json\"\n\n{kept}\
             [upstream.catalog]\ninstances = [{}]\n{governed}\n\
             [upstream.catalog.health]\npath = \"/readyz\"\ninterval_ms = 500\ntimeout_ms = 500\nhealthy_after = 1\n\
             unhealthy_after = 2\nstart_period_secs = 5\n\n\
             [upstream.catalog.outlier]\nconsecutive_failures = 5\nejection_ms = 500\nmax_ejection_ms = 2000\n",
            instances.join(", "),
        );
        let mut route = |name: &str, paths: &[&str], methods: &str, auth: &str, rest: &str| {
            let paths: Vec<String> =
                paths.iter().map(|path| format!("\"/v1/{path}\", \"/v1/{path}/*\"")).collect();
            text.push_str(&format!(
                "\n[[route]]\nname = \"{name}\"\npath = [{}]\nupstream = \"catalog\"\nauth = \"{auth}\"\n{methods}{rest}",
                paths.join(", "),
            ));
        };
        let get = "methods = [\"GET\"]\n";
        let public = ["species", "breeds", "diseases", "medications"];
        let personal = ["animals", "users"];
        route("sign_in", &["auth"], "", "none", never);
        route("public", &public, get, "optional", "try_timeout_ms = 4000\n");
        route("read", &personal, get, "required", "try_timeout_ms = 4000\n");
        route(
            "write",
            &[public.as_slice(), &personal].concat(),
            "",
            "required",
            "body_limit_bytes = 16777216\n",
        );
        text.push_str(more);
        text
    }
}
