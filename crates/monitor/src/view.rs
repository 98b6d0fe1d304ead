//! The report as text. `?` stands for what is not known, `-` for what does not apply.

use crate::database::{Database, Statements};
use crate::host::Host;
use crate::report::Report;
use crate::service::Service;

mod figures;

use figures::{age, bytes, duration, figure, number, percent, rate};

/// Endpoints and tables shown of each service or database; JSON has all.
const MOST_ROWS: usize = 8;

/// The whole report, line by line.
#[must_use]
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = problems(report);
    lines.extend(services(&report.services));
    lines.extend(endpoints(&report.services));
    lines.extend(caches(&report.services));
    lines.extend(waiting(&report.services));
    report.databases.iter().for_each(|database| lines.extend(database_lines(database)));
    lines.extend(servers(report));
    lines.extend(host(&report.host));
    lines
}

fn problems(report: &Report) -> Vec<String> {
    if report.problems.is_empty() {
        return vec!["PROBLEMS  none of what is looked at".to_owned()];
    }
    let mut lines = vec![format!("PROBLEMS  {}", report.problems.len())];
    for problem in &report.problems {
        let subject = problem.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
        let bound = problem.threshold.map(|bound| format!(" (bound {})", figure(bound))).unwrap_or_default();
        let value = match (problem.value, problem.threshold) {
            (Some(value), _) => format!(" {}", figure(value)),
            (None, Some(_)) => " ?".to_owned(),
            (None, None) => String::new(),
        };
        let alert = problem.alert.map(|alert| format!(" [{alert}]")).unwrap_or_default();
        lines.push(format!(
            "  {}  {}{subject}:{value}{bound} {}{alert}",
            problem.code, problem.service, problem.message
        ));
    }
    lines
}

fn services(services: &[Service]) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!(
            "{:<16} {:>8} {:>8} {:>6} {:>9} {:>20} {:>9} {:>6} {:>9}",
            "SERVICE", "req/s", "err/s", "active", "stmt/req", "pool use+idle/max", "wait p95", "cpu", "rss"
        ),
    ];
    for service in services {
        if !service.reachable {
            lines.push(format!("{:<16} unreachable", service.name));
            continue;
        }
        let pool = service.pool.as_ref().map(|pool| {
            let waiting = format!(" w{}", number(pool.waiting));
            format!("{}+{}/{}{waiting}", number(pool.in_use), number(pool.idle), number(pool.max))
        });
        let process = service.process.as_ref();
        lines.push(format!(
            "{:<16} {:>8} {:>8} {:>6} {:>9} {:>20} {:>9} {:>6} {:>9}",
            service.name,
            rate(service.requests_per_second),
            rate(service.errors_per_second),
            number(service.active_requests),
            rate(service.statements_per_request),
            pool.unwrap_or_else(|| "-".to_owned()),
            service.pool.as_ref().map_or_else(|| "-".to_owned(), |pool| duration(pool.wait_p95)),
            rate(process.and_then(|process| process.cpu_cores)),
            bytes(process.and_then(|process| process.resident_bytes).map(crate::host::float)),
        ));
        for replica in &service.replicas {
            lines.push(format!("  replica {} lag {}", replica.replica, age(replica.lag_seconds)));
        }
    }
    lines
}

fn endpoints(services: &[Service]) -> Vec<String> {
    if services.iter().all(|service| service.endpoints.is_empty()) {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!(
            "{:<16} {:<7} {:<42} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "ENDPOINT", "", "", "req/s", "err/s", "p50", "p95", "p99"
        ),
    ];
    for service in services {
        for endpoint in service.endpoints.iter().take(MOST_ROWS) {
            lines.push(format!(
                "{:<16} {:<7} {:<42} {:>8} {:>8} {:>8} {:>8} {:>8}",
                service.name,
                endpoint.method,
                endpoint.route,
                rate(Some(endpoint.requests_per_second)),
                rate(Some(endpoint.errors_per_second)),
                duration(endpoint.p50),
                duration(endpoint.p95),
                duration(endpoint.p99),
            ));
        }
        if service.endpoints.len() > MOST_ROWS {
            lines.push(format!("{:<16} and {} more", service.name, service.endpoints.len() - MOST_ROWS));
        }
    }
    lines
}

fn caches(services: &[Service]) -> Vec<String> {
    let mut lines = Vec::new();
    for service in services {
        for route in service.edge_cache.iter().filter(|route| route.warm_share.is_some()) {
            lines.push(format!(
                "{:<16} {:<26} warm {:>8}/s   cold {:>8}/s   share warm {:>5}",
                service.name,
                route.route,
                rate(Some(route.warm_per_second)),
                rate(Some(route.cold_per_second)),
                percent(route.warm_share),
            ));
        }
        for upstream in service.cold.iter().filter(|upstream| upstream.requests_per_second > 0.0) {
            lines.push(format!(
                "{:<16} {:<26} cold {:>8}/s   p95 {:>8}",
                service.name,
                upstream.upstream,
                rate(Some(upstream.requests_per_second)),
                duration(upstream.p95),
            ));
        }
        for family in service.own_caches.iter().filter(|family| family.hit_rate.is_some()) {
            lines.push(format!(
                "{:<16} {:<26} reads {:>7}/s   found in memory {:>5}",
                service.name,
                family.family,
                rate(Some(family.reads_per_second)),
                percent(family.hit_rate),
            ));
        }
    }
    titled("CACHES, within the interval", lines)
}

fn waiting(services: &[Service]) -> Vec<String> {
    let mut lines = Vec::new();
    for service in services.iter().filter(|service| service.reachable) {
        let backlog = &service.backlog;
        let mut parts = Vec::new();
        add(&mut parts, "outbox", backlog.outbox_unpublished, number);
        add(&mut parts, "oldest", backlog.outbox_lag_seconds, age);
        for (about, behind) in &backlog.events_behind_seconds {
            parts.push(format!("events about {about} behind {}", age(*behind)));
        }
        add(&mut parts, "deadlines due", backlog.deadlines_due, number);
        add(&mut parts, "oldest", backlog.deadline_lag_seconds, age);
        add(&mut parts, "messages", backlog.notifications_pending, number);
        add(&mut parts, "oldest", backlog.notifications_oldest_seconds, age);
        add(&mut parts, "processing queue", backlog.processing_queue_age_seconds, age);
        add(&mut parts, "dead jobs", backlog.dead_jobs, number);
        if !parts.is_empty() {
            lines.push(format!("{:<16} {}", service.name, parts.join("  ")));
        }
    }
    titled("WAITING", lines)
}

/// What a service has no metric for does not apply to it.
fn add(parts: &mut Vec<String>, name: &str, value: Option<f64>, shown: fn(Option<f64>) -> String) {
    if value.is_some() {
        parts.push(format!("{name} {}", shown(value)));
    }
}

fn database_lines(database: &Database) -> Vec<String> {
    let mut lines = vec![String::new(), format!("DATABASE {}", database.url)];
    if database.error.is_some() {
        lines.push("  unreachable".to_owned());
        return lines;
    }
    lines.push(format!(
        "  size {}  connections {}/{}  commits {}/s  rollbacks {}/s  blocks in memory {}  deadlocks {}  temporary {}",
        bytes(database.size_bytes),
        number(database.connections),
        number(database.max_connections),
        rate(database.commits_per_second),
        rate(database.rollbacks_per_second),
        percent(database.buffer_hit_rate),
        number(database.deadlocks),
        bytes(database.temporary_bytes),
    ));
    for table in database.tables.iter().take(MOST_ROWS) {
        lines.push(format!(
            "  {:<40} {:>9}  rows {:>9}  dead {:>5}  seq {:>5}  idx {:>6}  by index {:>5}  analysed {}",
            table.name,
            bytes(Some(table.size_bytes)),
            number(Some(table.live_rows)),
            percent(table.dead_share),
            number(table.sequential_scans),
            number(table.index_scans),
            percent(table.index_share),
            table
                .analyzed_seconds_ago
                .map_or_else(|| "never".to_owned(), |secs| format!("{} ago", age(Some(secs)))),
        ));
    }
    if !database.unused_indexes.is_empty() {
        let names: Vec<&str> = database.unused_indexes.iter().map(|index| index.name.as_str()).collect();
        let since = database.counted_since.as_deref().unwrap_or("the database was made");
        lines.push(format!("  unused since {since}: {}", names.join(", ")));
    }
    match &database.statements {
        Statements::Unknown { reason } => lines.push(format!("  statements: ? ({reason})")),
        Statements::Known { busiest } => {
            for statement in busiest.iter().take(MOST_ROWS) {
                let mean = (statement.calls > 0.0).then(|| statement.seconds / statement.calls);
                lines.push(format!(
                    "  {:>9} in all  {:>9} calls  {:>8} each  {}",
                    age(Some(statement.seconds)),
                    number(Some(statement.calls)),
                    age(mean),
                    statement.text
                ));
            }
        }
    }
    lines
}

fn servers(report: &Report) -> Vec<String> {
    let told = report.redis.iter().map(|redis| {
        let most = redis.max_bytes.map(crate::host::float);
        let most =
            most.map_or_else(|| "no limit known".to_owned(), |most| format!("of {}", bytes(Some(most))));
        let used = bytes(redis.used_bytes.map(crate::host::float));
        let split = redis.fragmentation.map_or_else(|| "?".to_owned(), figure);
        let state = if redis.error.is_some() { "unreachable" } else { "" };
        format!("{}  memory {used} {most}  fragmentation {split}  {state}", redis.url).trim_end().to_owned()
    });
    titled("REDIS", told.collect())
}

fn host(host: &Host) -> Vec<String> {
    let float = |bytes: Option<u64>| bytes.map(crate::host::float);
    let mut lines = vec![format!(
        "cpu {} of {}  load {}  memory {} of {} available",
        percent(host.cpu_share),
        host.cpus.map_or_else(|| "?".to_owned(), |cpus| cpus.to_string()),
        rate(host.load_1m),
        bytes(float(host.memory_available_bytes)),
        bytes(float(host.memory_total_bytes)),
    )];
    for disk in &host.disks {
        let (free, all) = (bytes(float(disk.available_bytes)), bytes(float(disk.total_bytes)));
        lines.push(format!("disk of {}  {free} of {all} free", disk.path.display()));
    }
    titled("HOST", lines)
}

fn titled(title: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    let heads = [String::new(), title.to_owned()];
    heads.into_iter().chain(lines.into_iter().map(|line| format!("  {line}"))).collect()
}
