//! deploy/grafana: a dashboard for each service.

use serde_json::json;

use super::figures::{decimal, seconds};
use super::panels::{Panel, Unit, place};
use super::rules::BURNS;
use super::{ORIGIN, Service, document};
use crate::generated::sorted;

pub(super) fn render(service: &Service<'_>) -> anyhow::Result<String> {
    let mut panels =
        vec![requests(service), failures(service), burn(service), percentiles(service), blocked(service)];
    if service.endpoints.is_empty() {
        panels.extend(of_gateway(service));
    } else {
        panels.extend(latencies(service));
        panels.extend(waiting(service));
        panels.extend(of_database(service));
        panels.push(Panel::text("Budgets", &document::table(service)));
    }
    let dashboard = json!({
        "title": format!("aldia: {}", service.name),
        "uid": format!("aldia-{}", service.name),
        "description": ORIGIN,
        "tags": ["aldia"],
        "schemaVersion": 39,
        "version": 1,
        "editable": false,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []},
        "panels": place(panels),
    });
    let mut text = serde_json::to_string_pretty(&sorted(dashboard))?;
    text.push('\n');
    Ok(text)
}

/// Per second, of this service; `more` are further labels.
fn rate(service: &Service<'_>, metric: &str, more: &str) -> String {
    format!("rate({metric}{{service=\"{}\"{more}}}[$__rate_interval])", service.name)
}

fn counted(service: &Service<'_>, more: &str) -> String {
    rate(service, "http_server_request_duration_seconds_count", more)
}

fn requests(service: &Service<'_>) -> Panel {
    let expr = format!("topk(15, sum by (method, route) ({}))", counted(service, ""));
    Panel::lines("Requests", "The fifteen that are asked most", Unit::Requests)
        .query(&expr, "{{method}} {{route}}")
}

fn failures(service: &Service<'_>) -> Panel {
    let failed = counted(service, ",status=~\"5..\"");
    let expr = format!("sum by (route) ({failed}) / on (route) sum by (route) ({})", counted(service, ""));
    let all = format!("sum({failed}) / sum({})", counted(service, ""));
    Panel::lines("Failures", "Share of answers that are 5xx; the line is what may fail", Unit::Share)
        .query(&all, "all")
        .query(&expr, "{{route}}")
        .limit(service.error_budget())
}

fn burn(service: &Service<'_>) -> Panel {
    let about = "How many times as fast as even the error budget of thirty days is spent; the alerts fire above their factor";
    let budget = decimal(service.error_budget());
    let slowest = BURNS.iter().map(|burn| burn.factor).fold(f64::INFINITY, f64::min);
    BURNS
        .iter()
        .flat_map(|burn| [(burn.long, burn), (burn.short, burn)])
        .fold(Panel::lines("Error budget", about, Unit::Count), |panel, (window, burn)| {
            let ratio =
                format!("service:http_server_errors:ratio_rate{window}{{service=\"{}\"}}", service.name);
            let legend = format!("{window} (alert with the other above {})", decimal(burn.factor));
            panel.query(&format!("{ratio} / {budget}"), &legend)
        })
        .limit(slowest)
}

/// Of what `filter` keeps.
fn percentile(service: &Service<'_>, quantile: f64, filter: &str) -> String {
    let buckets = rate(service, "http_server_request_duration_seconds_bucket", "");
    format!("histogram_quantile({quantile}, sum by (le) ({buckets}{filter}))")
}

fn percentiles(service: &Service<'_>) -> Panel {
    let panel = Panel::lines("Duration", "All requests together", Unit::Seconds);
    [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")]
        .into_iter()
        .fold(panel, |panel, (quantile, legend)| panel.query(&percentile(service, quantile, ""), legend))
}

/// Where polls hold threads, and how late everything else is therefore.
fn blocked(service: &Service<'_>) -> Panel {
    let held = rate(service, "runtime_blocked_poll_duration_seconds_sum", "");
    let lag = rate(service, "runtime_scheduling_lag_seconds_bucket", "");
    let about = "Threads' time that polls beyond 10 ms held, by what they did; and how late timers are";
    Panel::lines("Held threads", about, Unit::Seconds)
        .query(&format!("topk(5, sum by (task, route, kind) ({held}))"), "{{kind}} {{task}} {{route}}")
        .query(&format!("histogram_quantile(0.99, sum by (le) ({lag}))"), "p99 lag")
}

/// A panel for each budget of time, with those that have it.
fn latencies(service: &Service<'_>) -> impl Iterator<Item = Panel> {
    service.by_time().into_iter().map(|(budget, endpoints)| {
        let title = format!("Duration, where 95 of 100 may take {}", seconds(budget));
        let about =
            format!("{} endpoints; the line is their budget, which p95 of each is to keep", endpoints.len());
        let budget_text = decimal(budget);
        let having = format!(
            " and on (service, method, route) (budget:p95_seconds{{service=\"{}\"}} == {budget_text})",
            service.name
        );
        let each = format!(
            "service_method_route:http_server_request_duration_seconds:p95_5m{{service=\"{}\"}}{having}",
            service.name
        );
        Panel::lines(&title, &about, Unit::Seconds)
            .query(&percentile(service, 0.5, &having), "p50")
            .query(&percentile(service, 0.95, &having), "p95")
            .query(&percentile(service, 0.99, &having), "p99")
            .query(&format!("vector({budget_text})"), "budget")
            .query(&format!("topk(10, {each})"), "p95 {{method}} {{route}}")
            .limit(budget)
    })
}

/// Where bytes come in.
fn waiting(service: &Service<'_>) -> Option<Panel> {
    let shares = service.endpoints.iter().filter_map(|endpoint| endpoint.budget.waiting_share);
    let budget = shares.reduce(f64::min)?;
    let sum = |metric: &str| format!("sum by (dialect) ({})", rate(service, metric, ""));
    let expr = format!("{} / {}", sum("upload_waiting_seconds_sum"), sum("upload_duration_seconds_sum"));
    let about = "Share of the time of uploads that passes after their last byte";
    Some(Panel::lines("Waiting", about, Unit::Share).query(&expr, "{{dialect}}").limit(budget))
}

fn of_database(service: &Service<'_>) -> Vec<Panel> {
    let name = service.name;
    let most =
        service.endpoints.iter().map(|endpoint| endpoint.budget.most_statements()).max().unwrap_or_default();
    let statements = rate(service, "db_client_operation_duration_seconds_count", "");
    let per_request = format!("sum({statements}) / sum({})", counted(service, ""));
    let known = rate(service, "freshness_reads_total", ",source=~\"local|shared|joined\"");
    let read = rate(service, "freshness_reads_total", "");
    let wait = rate(service, "pool_wait_seconds_bucket", "");
    let about = "A mean, with the work in the background; no request may run more than the budget, which tests enforce";
    vec![
        Panel::lines("Statements per request", about, Unit::Count)
            .query(&per_request, "statements")
            .query(&format!("vector({most})"), "highest budget"),
        Panel::lines("Statements", "95th percentile by kind", Unit::Seconds).query(
            &format!(
                "histogram_quantile(0.95, sum by (operation, le) ({}))",
                rate(service, "db_client_operation_duration_seconds_bucket", "")
            ),
            "{{operation}}",
        ),
        Panel::lines("Connections", "Of the pool, by state", Unit::Count)
            .query(&format!("sum by (state) (pool_connections{{service=\"{name}\"}})"), "{{state}}"),
        Panel::lines("Wait for a connection", "", Unit::Seconds)
            .query(&format!("histogram_quantile(0.99, sum by (le) ({wait}))"), "p99")
            .limit(0.05),
        Panel::lines("Found in memory", "Share of reads that needed no database, by family", Unit::Share)
            .query(&format!("sum by (family) ({known}) / sum by (family) ({read})"), "{{family}}"),
        Panel::lines("Outbox", "Age of the oldest event that waits", Unit::Seconds)
            .query(&format!("max(outbox_lag_seconds{{service=\"{name}\"}})"), "lag")
            .limit(60.0),
    ]
}

fn of_gateway(service: &Service<'_>) -> Vec<Panel> {
    let name = service.name;
    let upstream = rate(service, "gateway_upstream_duration_seconds_bucket", "");
    let answers = rate(service, "gateway_cache_requests_total", "");
    vec![
        Panel::lines("Services", "95th percentile of the time to their answer's head", Unit::Seconds)
            .query(&format!("histogram_quantile(0.95, sum by (upstream, le) ({upstream}))"), "{{upstream}}"),
        Panel::lines("Answered from memory, or why not", "", Unit::Requests)
            .query(&format!("sum by (result) ({answers})"), "{{result}}"),
        Panel::lines("Leases", "1: may answer for the domain", Unit::Count)
            .query(&format!("min by (domain) (gateway_freshness_lease{{service=\"{name}\"}})"), "{{domain}}"),
        Panel::lines("Refused", "By the gateway itself", Unit::Requests).query(
            &format!("sum by (reason) ({})", rate(service, "gateway_rejections_total", "")),
            "{{reason}}",
        ),
    ]
}
