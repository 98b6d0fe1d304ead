//! Faults of quotas and of the rules that go with them, named by their keys.

use gateway::Gateway;
use gateway::app::StartError;
use gateway::config::{Config, ConfigError};
use telemetry::metrics::Metrics;

/// The faults of a configuration with one upstream `u`, as they are printed.
fn faults(rest: &str) -> Vec<String> {
    let text = format!("[upstream.u]\nurl = \"http://127.0.0.1:1\"\n{rest}");
    let found = match Config::parse(&text).map_err(StartError::from) {
        Err(error) => Err(error),
        Ok(config) => Gateway::build(&config, &Metrics::new("test")).map(|_| ()),
    };
    match found {
        Ok(()) => Vec::new(),
        Err(StartError::Config(ConfigError::Faults(faults))) => {
            faults.iter().map(ToString::to_string).collect()
        }
        Err(other) => vec![other.to_string()],
    }
}

fn route(more: &str) -> String {
    format!("[[route]]\nname = \"a\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n{more}\n")
}

fn policy(name: &str, more: &str) -> String {
    format!("[[rate_limit]]\nname = {name:?}\nquota = 3\nwindow_secs = 60\n{more}\n")
}

#[test]
fn a_route_names_quotas_that_there_are() {
    let text = policy("known", "") + &route("rate_limits = [\"known\", \"unknown\"]");
    assert_eq!(faults(&text), ["route[0].rate_limits[1]: `unknown` is no [[rate_limit]]"]);
}

#[test]
fn a_request_costs_no_more_than_there_ever_is() {
    assert_eq!(
        faults(&(policy("few", "") + &route("rate_limits = [\"few\"]\ncost = 4"))),
        ["route[0].cost: is more than `few` ever has (3)"]
    );
    assert!(faults(&(policy("few", "burst = 4") + &route("rate_limits = [\"few\"]\ncost = 4"))).is_empty());
    assert_eq!(
        faults(&(policy("few", "burst = 2") + &route("rate_limits = [\"few\"]\ncost = 3"))),
        ["route[0].cost: is more than `few` ever has (2)"]
    );
    assert_eq!(faults(&route("cost = 0")), ["route[0].cost: must be more than 0"]);
}

#[test]
fn two_quotas_of_one_name_are_one_too_many() {
    let text = policy("same", "") + &policy("other", "") + &policy("same", "burst = 5") + &route("");
    assert_eq!(faults(&text), ["rate_limit[2].name: `same` is there twice"]);
}

#[test]
fn every_fault_of_a_quota_is_named() {
    let text = "[[rate_limit]]\nname = \"\"\nquota = 0\nwindow_secs = 0\nburst = 0\nmax_keys = 0\n"
        .to_owned()
        + &route("");
    let found = faults(&text);
    let keys: Vec<&str> = found.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert_eq!(
        keys,
        ["burst", "max_keys", "name", "quota", "window_secs"].map(|key| format!("rate_limit[0].{key}"))
    );
}

#[test]
fn what_is_missing_or_unknown_in_a_quota_is_named() {
    let found = faults(&("[[rate_limit]]\nname = \"a\"\nquota = 1\nwindow = 60\n".to_owned() + &route("")));
    assert!(found.iter().any(|fault| fault.starts_with("rate_limit[0].window: unknown key")), "{found:?}");
    assert!(found.iter().any(|fault| fault == "rate_limit[0].window_secs: is missing"), "{found:?}");
    let found = faults(&(policy("a", "partition = \"planet\"") + &route("")));
    assert!(found[0].starts_with("rate_limit[0].partition: unknown variant"), "{found:?}");
    let single = "[rate_limit]\nname = \"a\"\n".to_owned() + &route("");
    assert!(faults(&single)[0].starts_with("rate_limit: must be written [[rate_limit]]"));
}

#[test]
fn limits_of_the_listener_are_checked() {
    let text = "[http]\nmax_connections = 0\nheader_timeout_ms = 1\nsend_timeout_ms = 0\nkeep_alive_secs = 0\nmax_head_bytes = 1\n\
                [http.http2]\nmax_concurrent_streams = 0\nmax_reset_streams = 0\n"
        .to_owned()
        + &route("");
    let found = faults(&text);
    for key in [
        "http.header_timeout_ms",
        "http.http2.max_concurrent_streams",
        "http.http2.max_reset_streams",
        "http.keep_alive_secs",
        "http.max_connections",
        "http.max_head_bytes",
        "http.send_timeout_ms",
    ] {
        assert!(
            found.iter().any(|fault| fault.starts_with(&format!("{key}: must be "))),
            "{key} in {found:?}"
        );
    }
}
