//! The configurations of the replicas of the services and the gateways. Every key that the check depends on is written here and
//! nowhere else.

use std::net::SocketAddr;
use std::path::Path;

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

/// What a replica of stories-feed is told.
pub(crate) struct Feed<'a> {
    pub(crate) bind: SocketAddr,
    /// Of the tokens of members, and where its keys are.
    pub(crate) issuer: &'a str,
    pub(crate) keys: &'a str,
    pub(crate) postgres: &'a str,
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
    /// Lines for the end of the file.
    pub(crate) more: &'a str,
}

impl Feed<'_> {
    pub(crate) fn render(&self) -> String {
        let Self { bind, issuer, keys, postgres, redis, nats, more } = self;
        format!(
            "[http]\nbind = \"{bind}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
             [postgres]\nurl = \"{postgres}\"\nmax_connections = 12\n\n[redis]\nurl = \"redis://{redis}\"\n\n\
             [nats]\nurl = \"nats://{nats}\"\n\n[identity]\naudience = \"aldia\"\n\n\
             [[identity.issuers]]\nissuer = \"{issuer}\"\njwks_url = \"{keys}\"\n\n\
             [api]\ncursor_key = \"check-freshness-check-freshness-check\"\n\n{more}\n"
        )
    }
}

/// What a replica of package-ledger is told.
pub(crate) struct Ledger<'a> {
    pub(crate) bind: SocketAddr,
    /// Of the tokens of people, and where its keys are.
    pub(crate) issuer: &'a str,
    pub(crate) keys: &'a str,
    pub(crate) postgres: &'a str,
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
    /// Where photos are looked up.
    pub(crate) uploads: SocketAddr,
    /// Where messages become files.
    pub(crate) spool: &'a Path,
    /// Lines for the end of the file.
    pub(crate) more: &'a str,
}

impl Ledger<'_> {
    pub(crate) fn render(&self) -> String {
        let Self { bind, issuer, keys, postgres, redis, nats, uploads, spool, more } = self;
        format!(
            "[http]\nbind = \"{bind}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
             [postgres]\nurl = \"{postgres}\"\nmax_connections = 12\n\n[redis]\nurl = \"redis://{redis}\"\n\n\
             [nats]\nurl = \"nats://{nats}\"\n\n[identity]\naudience = \"aldia\"\n\n\
             [[identity.issuers]]\nissuer = \"{issuer}\"\njwks_url = \"{keys}\"\n\n\
             [api]\ncursor_key = \"check-freshness-check-freshness-check\"\n\
             pickup_key = \"check-freshness-pickup-check-freshness\"\n\n[uploads]\nurl = \"http://{uploads}\"\n\n\
             [messages]\nspool_directory = \"{}\"\n\n{more}\n",
            spool.display(),
        )
    }
}

/// What a gateway is told.
pub(crate) struct Gateway<'a> {
    pub(crate) bind: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) issuer: &'a str,
    /// Who signs tokens of members of gyms and people of the desk, and where the keys are.
    pub(crate) members: (&'a str, &'a str),
    pub(crate) catalogs: &'a [SocketAddr],
    pub(crate) feeds: &'a [SocketAddr],
    pub(crate) ledgers: &'a [SocketAddr],
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
    /// Whether answers are kept.
    pub(crate) cache: bool,
    pub(crate) more: &'a str,
}

impl Gateway<'_> {
    pub(crate) fn render(&self) -> String {
        let Self { bind, admin, issuer, members, catalogs, feeds, ledgers, redis, nats, cache, more } = self;
        let mut text = format!(
            "[http]\nbind = \"{bind}\"\n\n[admin]\nbind = \"{admin}\"\n\n\
             [telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
             [docs]\nenabled = false\n\n[identity]\naudience = \"aldia\"\n"
        );
        let mut trust = |issuer: &str, keys: &str| {
            text.push_str(&format!("\n[[identity.issuers]]\nissuer = \"{issuer}\"\njwks_url = \"{keys}\"\n"));
        };
        if let Some(first) = catalogs.first() {
            trust(issuer, &format!("http://{first}/.well-known/jwks.json"));
        }
        if !feeds.is_empty() || !ledgers.is_empty() {
            trust(members.0, members.1);
        }
        if *cache {
            text.push_str(&format!("\n[cache]\nmax_bytes = 268435456\n\n[nats]\nurl = \"nats://{nats}\"\n"));
        }
        for (upstream, domain, instances) in [
            ("catalog", "catalog", catalogs),
            ("stories_feed", "stories-feed", feeds),
            ("package_ledger", "package-ledger", ledgers),
        ] {
            if !instances.is_empty() {
                let redis = cache.then_some(redis);
                text.push_str(&upstream_section(upstream, domain, instances, redis));
            }
        }
        if !catalogs.is_empty() {
            text.push_str(&catalog_routes(*cache));
        }
        if !feeds.is_empty() {
            text.push_str(&feed_routes());
        }
        if !ledgers.is_empty() {
            text.push_str(&ledger_routes());
        }
        text.push_str(more);
        text
    }
}

/// A service, and, where answers of it are kept, under which lease.
fn upstream_section(
    upstream: &str,
    domain: &str,
    instances: &[SocketAddr],
    redis: Option<&SocketAddr>,
) -> String {
    let instances: Vec<String> = instances.iter().map(|addr| format!("\"http://{addr}\"")).collect();
    let (lease, governed) = redis.map_or_else(Default::default, |redis| {
        (
            format!("\n[freshness.{domain}]\nredis_url = \"redis://{redis}\"\n"),
            format!("freshness = \"{domain}\"\n"),
        )
    });
    format!(
        "{lease}\n[upstream.{upstream}]\ninstances = [{}]\n{governed}\n\
         [upstream.{upstream}.health]\npath = \"/readyz\"\ninterval_ms = 500\ntimeout_ms = 500\nhealthy_after = 1\n\
         unhealthy_after = 2\nstart_period_secs = 5\n\n\
         [upstream.{upstream}.outlier]\nconsecutive_failures = 5\nejection_ms = 500\nmax_ejection_ms = 2000\n",
        instances.join(", "),
    )
}

/// One route: `rest` is the end of its section.
fn route(name: &str, upstream: &str, paths: &[&str], auth: &str, rest: &str) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("\"/v1/{path}\", \"/v1/{path}/*\"")).collect();
    format!(
        "\n[[route]]\nname = \"{name}\"\npath = [{}]\nupstream = \"{upstream}\"\nauth = \"{auth}\"\n{rest}",
        paths.join(", "),
    )
}

const READS: &str = "methods = [\"GET\"]\ntry_timeout_ms = 4000\n";
const CHANGES: &str = "body_limit_bytes = 16777216\n";

fn catalog_routes(cache: bool) -> String {
    let public = ["species", "breeds", "diseases", "medications"];
    let personal = ["animals", "users"];
    let never = if cache { "cache = false\n" } else { "" };
    [
        route("sign_in", "catalog", &["auth"], "none", never),
        route("public", "catalog", &public, "optional", READS),
        route("read", "catalog", &personal, "required", READS),
        route("write", "catalog", &[public.as_slice(), &personal].concat(), "required", CHANGES),
    ]
    .concat()
}

fn feed_routes() -> String {
    let paths = ["gyms", "stories", "follows", "close-friends", "blocks"];
    [
        route("stories_read", "stories_feed", &paths, "required", READS),
        route("stories_write", "stories_feed", &paths, "required", CHANGES),
    ]
    .concat()
}

fn ledger_routes() -> String {
    let paths = ["packages", "announcements", "customers", "slots", "payments"];
    [
        route("packages_read", "package_ledger", &paths, "required", READS),
        route("packages_write", "package_ledger", &paths, "required", CHANGES),
    ]
    .concat()
}
