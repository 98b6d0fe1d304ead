//! An upstream in words.

use load_balance::{BalanceConfig, HealthConfig, OutlierConfig};

use super::{Clauses, counted};
use crate::config::UpstreamConfig;

pub(super) fn explain(name: &str, upstream: &UpstreamConfig) -> String {
    let usual = UpstreamConfig::default();
    let instances: Vec<&str> = upstream.url.iter().chain(&upstream.instances).map(String::as_str).collect();
    let mut said = Clauses::new(format!("upstream {name}: {}", instances.join(", ")));
    said.unless(&upstream.connect_timeout_ms, &usual.connect_timeout_ms, |ms| {
        format!("connects within {ms} ms")
    });
    connections(&mut said, upstream, &usual);
    said.unless(&upstream.retries, &usual.retries, |retries| match retries {
        0 => "never asked twice".to_owned(),
        retries => format!("asked again up to {}", counted(*retries, "time")),
    });
    said.unless(&upstream.stale_while_revalidate_secs, &usual.stale_while_revalidate_secs, |secs| {
        format!("answers may be stale for {secs} s while they are validated")
    });
    said.unless(&upstream.stale_if_error_secs, &usual.stale_if_error_secs, |secs| {
        format!("answers may be stale for {secs} s in place of an error")
    });
    health(&mut said, &upstream.health);
    outlier(&mut said, &upstream.outlier);
    balance(&mut said, &upstream.balance);
    said.line()
}

fn connections(said: &mut Clauses, upstream: &UpstreamConfig, usual: &UpstreamConfig) {
    said.unless(&upstream.idle_timeout_ms, &usual.idle_timeout_ms, |ms| {
        format!("keeps idle connections for {ms} ms")
    });
    said.unless(&upstream.max_idle_per_worker, &usual.max_idle_per_worker, |most| {
        format!("{} kept by each worker", counted(*most, "idle connection"))
    });
    said.unless(&upstream.max_requests_per_connection, &usual.max_requests_per_connection, |most| {
        format!("{} on a connection", counted(*most, "request"))
    });
    said.unless(&upstream.max_connection_age_secs, &usual.max_connection_age_secs, |secs| {
        format!("connections live {secs} s")
    });
    if let Some(bytes) = upstream.send_buffer_bytes {
        said.say(format!("{bytes} bytes sent ahead"));
    }
}

fn health(said: &mut Clauses, health: &HealthConfig) {
    let Some(path) = &health.path else { return };
    let usual = HealthConfig::default();
    let status = health.expect_status.map_or("2xx".to_owned(), |status| status.to_string());
    said.say(format!(
        "{path} must answer {status} within {} ms, asked every {} ms",
        health.timeout_ms, health.interval_ms
    ));
    let counts = |health: &HealthConfig| (health.unhealthy_after, health.healthy_after);
    said.unless(&counts(health), &counts(&usual), |(out, back)| {
        format!("out after {}, back after {}", counted(*out, "failed check"), counted(*back, "passed one"))
    });
    said.unless(&health.start_period_secs, &usual.start_period_secs, |secs| format!("{secs} s to start"));
}

fn outlier(said: &mut Clauses, outlier: &OutlierConfig) {
    let usual = OutlierConfig::default();
    if outlier.consecutive_failures == 0 || outlier.max_ejected_percent == 0 {
        return said.say("never ejected for failing requests".to_owned());
    }
    let times = |outlier: &OutlierConfig| {
        (outlier.consecutive_failures, outlier.ejection_ms, outlier.max_ejection_ms)
    };
    said.unless(&times(outlier), &times(&usual), |(failures, first, longest)| {
        format!("ejected after {} in a row for {first} to {longest} ms", counted(*failures, "failure"))
    });
    said.unless(&outlier.max_ejected_percent, &usual.max_ejected_percent, |percent| {
        format!("at most {percent} % ejected")
    });
}

fn balance(said: &mut Clauses, balance: &BalanceConfig) {
    let usual = BalanceConfig::default();
    said.unless(&balance.max_requests, &usual.max_requests, |most| match most {
        0 => "any number of requests at once".to_owned(),
        most => format!("at most {} at once", counted(*most, "request")),
    });
    let budget = |balance: &BalanceConfig| (balance.retry_budget_percent, balance.retry_budget_min);
    said.unless(&budget(balance), &budget(&usual), |(percent, least)| {
        format!("at most {percent} % retries, but {least} always")
    });
    said.unless(&balance.slow_start_ms, &usual.slow_start_ms, |ms| match ms {
        0 => "no slow start".to_owned(),
        ms => format!("slow start over {ms} ms"),
    });
    said.unless(&balance.panic_routing, &usual.panic_routing, |_| {
        "refuses when no instance is healthy".to_owned()
    });
}
