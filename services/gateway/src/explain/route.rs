//! A route in words.

use super::{Clauses, caching, counted};
use crate::config::{Buffering, Config, RouteConfig};

pub(super) fn explain(config: &Config, route: &RouteConfig) -> String {
    let usual = RouteConfig::default();
    let methods = if route.methods.is_empty() { "any method".to_owned() } else { route.methods.join(", ") };
    let mut said = Clauses::new(format!(
        "route {}: {methods} of {} -> {}",
        route.name,
        route.path.as_slice().join(", "),
        route.upstream
    ));
    said.say(format!("auth {}", route.auth.as_str()));
    quotas(&mut said, route);
    said.say(match route.body_limit_bytes {
        0 => "no body limit".to_owned(),
        bytes => format!("bodies to {bytes} bytes"),
    });
    said.unless(&route.min_body_rate, &usual.min_body_rate, |rate| match rate {
        0 => "however slowly they come".to_owned(),
        rate => format!("{rate} bytes a second or faster"),
    });
    said.say(format!("answers within {} ms", route.timeout_ms));
    said.unless(&route.try_timeout_ms, &usual.try_timeout_ms, |ms| format!("another instance after {ms} ms"));
    said.unless(&route.stream_idle_ms, &usual.stream_idle_ms, |ms| match ms {
        0 => "with pauses of any length".to_owned(),
        ms => format!("with pauses to {ms} ms"),
    });
    match route.buffering {
        Buffering::Off => {}
        Buffering::Request => said.say("requests taken in first".to_owned()),
        Buffering::Response => said.say("answers read ahead".to_owned()),
        Buffering::Both => said.say("requests taken in first and answers read ahead".to_owned()),
    }
    said.unless(&route.upgrades, &usual.upgrades, |protocols| {
        if protocols.is_empty() {
            "no upgrades".to_owned()
        } else {
            format!("upgrades to {}", protocols.join(", "))
        }
    });
    said.when(route.preserve_host, || "keeps the client's Host".to_owned());
    said.when(!route.formats.is_empty(), || format!("asked for as one of {}", route.formats.join(", ")));
    said.when(route.compress, || "compressed".to_owned());
    if let Some(kept) = caching::of_route(config, route) {
        said.say(kept);
    }
    said.line()
}

fn quotas(said: &mut Clauses, route: &RouteConfig) {
    if !route.rate_limits.is_empty() {
        let names = route.rate_limits.join(" and ");
        said.say(format!("takes {} of {names}", counted(route.cost, "unit")));
    }
}
