//! One look at everything: what is shown and what is printed as JSON.

use serde::Serialize;

use crate::condition::Source;
use crate::database::Database;
use crate::host::Host;
use crate::problem::Problem;
use crate::redis::Redis;
use crate::rules::{self, NOT_WATCHED};
use crate::service::Service;

const CPU_SHARE: f64 = 0.9;
const MEMORY_SHARE: f64 = 0.1;
const DISK_SHARE: f64 = 0.1;

/// Everything that is known now. `null` means: not known.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Seconds since 1970.
    pub at_unix_seconds: u64,
    /// What is out of bounds; empty is good only where everything was reachable, and that it was not is a problem too.
    pub problems: Vec<Problem>,
    /// Alerts whose conditions cannot be seen here, and why.
    pub not_watched: Vec<NotWatched>,
    /// Services.
    pub services: Vec<Service>,
    /// Databases.
    pub databases: Vec<Database>,
    /// Redis servers.
    pub redis: Vec<Redis>,
    /// The machine that the monitor runs on.
    pub host: Host,
}

/// An alert that only Prometheus can see.
#[derive(Clone, Debug, Serialize)]
pub struct NotWatched {
    /// Its name.
    pub alert: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// The parts of a report.
#[derive(Debug)]
pub struct Parts {
    /// Services.
    pub services: Vec<Service>,
    /// Databases.
    pub databases: Vec<Database>,
    /// Redis servers.
    pub redis: Vec<Redis>,
    /// The machine.
    pub host: Host,
}

impl Report {
    /// Puts a report together and says what is out of bounds.
    #[must_use]
    pub fn new(at_unix_seconds: u64, parts: Parts, sources: &[Source<'_>]) -> Self {
        let Parts { services, databases, redis, host } = parts;
        let mut problems: Vec<Problem> = services.iter().flat_map(of_service).collect();
        problems.extend(rules::problems(sources));
        problems.extend(databases.iter().flat_map(Database::problems));
        problems.extend(redis.iter().filter_map(of_redis));
        problems.extend(of_host(&host));
        let not_watched = NOT_WATCHED.map(|(alert, reason)| NotWatched { alert, reason }).to_vec();
        Self { at_unix_seconds, problems, not_watched, services, databases, redis, host }
    }
}

fn told(
    code: &'static str,
    service: &str,
    value: Option<f64>,
    threshold: Option<f64>,
    message: String,
) -> Problem {
    Problem { code, alert: None, service: service.to_owned(), subject: None, value, threshold, message }
}

fn of_service(service: &Service) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(error) = &service.error {
        found.push(told("target_unreachable", &service.name, None, None, error.clone()));
    }
    if let Some(process) = service.process.as_ref().filter(|process| !process.alive) {
        let message = format!("process {} of the local run is gone", process.pid);
        found.push(told("process_gone", &service.name, None, None, message));
    }
    found
}

fn of_redis(redis: &Redis) -> Option<Problem> {
    let error = redis.error.clone()?;
    Some(told("redis_unreachable", &redis.url, None, None, error))
}

fn of_host(host: &Host) -> Vec<Problem> {
    let share = |part: Option<u64>, whole: Option<u64>| {
        let (part, whole) = part.zip(whole)?;
        (whole > 0).then(|| crate::host::float(part) / crate::host::float(whole))
    };
    let mut found = Vec::new();
    if let Some(used) = host.cpu_share.filter(|used| *used > CPU_SHARE) {
        found.push(told(
            "cpu_busy",
            "host",
            Some(used),
            Some(CPU_SHARE),
            "share of all processors in use".into(),
        ));
    }
    let memory = share(host.memory_available_bytes, host.memory_total_bytes);
    if let Some(left) = memory.filter(|left| *left < MEMORY_SHARE) {
        found.push(told(
            "memory_low",
            "host",
            Some(left),
            Some(MEMORY_SHARE),
            "share of memory that is left".into(),
        ));
    }
    for disk in &host.disks {
        if let Some(left) = share(disk.available_bytes, disk.total_bytes).filter(|left| *left < DISK_SHARE) {
            let problem = told(
                "disk_full",
                "host",
                Some(left),
                Some(DISK_SHARE),
                "share of the disk that is left".into(),
            );
            found.push(Problem { subject: Some(disk.path.display().to_string()), ..problem });
        }
    }
    found
}
