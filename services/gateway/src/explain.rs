//! A configuration in words, for `gateway check`.

use std::fmt::Write as _;

use crate::config::Config;

/// What the gateway would do with this configuration, a line for each listener, upstream and route.
#[must_use]
pub fn explain(config: &Config) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "listens on {}, privately on {}", config.http.bind, config.admin.bind);
    match &config.identity {
        Some(identity) => {
            let issuers: Vec<&str> = identity.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
            let _ = writeln!(
                out,
                "accepts tokens for `{}` issued by {}",
                identity.audience,
                if issuers.is_empty() { "nobody".to_owned() } else { issuers.join(", ") }
            );
        }
        None => out.push_str("checks no tokens\n"),
    }
    let trusted = &config.forwarded.trusted;
    let _ = writeln!(
        out,
        "believes Forwarded and X-Forwarded-* from {}",
        if trusted.is_empty() { "nobody".to_owned() } else { trusted.join(", ") }
    );
    for (name, upstream) in &config.upstreams {
        let instances: Vec<&str> =
            upstream.url.iter().chain(&upstream.instances).map(String::as_str).collect();
        let _ = writeln!(out, "upstream {name}: {}", instances.join(", "));
    }
    for route in &config.routes {
        let methods =
            if route.methods.is_empty() { "any method".to_owned() } else { route.methods.join(", ") };
        let limit = match route.body_limit_bytes {
            0 => "no body limit".to_owned(),
            bytes => format!("bodies to {bytes} bytes"),
        };
        let _ = writeln!(
            out,
            "route {}: {methods} of {} -> {}; auth {}; {limit}; answers within {} ms{}",
            route.name,
            route.path.as_slice().join(", "),
            route.upstream,
            route.auth.as_str(),
            route.timeout_ms,
            if route.compress { "; compressed" } else { "" },
        );
    }
    out
}
