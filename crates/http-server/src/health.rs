//! What orchestrators and people ask a server about itself.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use futures_util::future::join_all;
use serde::Serialize;
use telemetry::metrics::{self, Metrics};

/// Longest one readiness check may take; orchestrators ask every few seconds.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Something without which the service cannot serve, for example its database. [`check`] makes one from a closure.
pub trait ReadinessCheck: Send + Sync + 'static {
    /// Short and fixed, as listed by `/readyz`.
    fn name(&self) -> &'static str;

    /// Tries it out. The text of an error is shown by `/readyz`: no addresses, no secrets. Cut off after two seconds.
    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + '_>>;
}

/// A check that is a closure: `check("postgres", async move || pool.ping().await)`. Name and error are shown by `/readyz`, as
/// [`ReadinessCheck`] says.
pub fn check<E: Display>(
    name: &'static str,
    try_out: impl AsyncFn() -> Result<(), E> + Send + Sync + 'static,
) -> Arc<dyn ReadinessCheck> {
    Arc::new(Named { name, try_out })
}

struct Named<F> {
    name: &'static str,
    try_out: F,
}

impl<E: Display, F: AsyncFn() -> Result<(), E> + Send + Sync + 'static> ReadinessCheck for Named<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + '_>> {
        Box::pin(async { (self.try_out)().await.map_err(|error| error.to_string()) })
    }
}

/// What the health endpoints know.
pub(crate) struct Health {
    pub(crate) service: &'static str,
    pub(crate) version: &'static str,
    pub(crate) checks: Vec<Arc<dyn ReadinessCheck>>,
    pub(crate) metrics: Metrics,
    pub(crate) draining: Arc<AtomicBool>,
    /// Set by the first round of checks that all passed, and never cleared.
    pub(crate) started: AtomicBool,
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    checks: Vec<CheckReport>,
}

#[derive(Serialize)]
struct CheckReport {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Paths of the endpoints below. They are asked constantly and tell nothing of users: not traced, logged at debug.
pub(crate) fn is_health_path(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/startupz" | "/version" | "/metrics")
}

/// Registers the endpoints.
pub(crate) fn configure(app: &mut ServiceConfig, health: Data<Health>) {
    app.app_data(health)
        .service(web::resource("/livez").route(web::get().to(livez)))
        .service(web::resource("/readyz").route(web::get().to(readyz)))
        .service(web::resource("/startupz").route(web::get().to(startupz)))
        .service(web::resource("/version").route(web::get().to(version)))
        .service(web::resource("/metrics").route(web::get().to(metrics)));
}

async fn livez() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({"status": "alive"}))
}

async fn readyz(health: Data<Health>) -> impl Responder {
    let checks = run_checks(&health).await;
    let passed = checks.iter().all(|check| check.status == "pass");
    let status = match (health.draining.load(Ordering::Acquire), passed) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not_ready",
    };
    report(Report { status, checks }, status == "ready")
}

async fn startupz(health: Data<Health>) -> impl Responder {
    if health.started.load(Ordering::Acquire) {
        return report(Report { status: "started", checks: Vec::new() }, true);
    }
    let checks = run_checks(&health).await;
    let started = health.started.load(Ordering::Acquire);
    report(Report { status: if started { "started" } else { "starting" }, checks }, started)
}

async fn version(health: Data<Health>) -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({"service": health.service, "version": health.version}))
}

async fn metrics(health: Data<Health>) -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, metrics::CONTENT_TYPE))
        .body(health.metrics.encode())
}

async fn run_checks(health: &Health) -> Vec<CheckReport> {
    let reports = join_all(health.checks.iter().map(|check| run_check(check.as_ref()))).await;
    if reports.iter().all(|report| report.status == "pass") {
        health.started.store(true, Ordering::Release);
    }
    reports
}

async fn run_check(check: &dyn ReadinessCheck) -> CheckReport {
    let result = match tokio::time::timeout(CHECK_TIMEOUT, check.check()).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
    };
    match result {
        Ok(()) => CheckReport { name: check.name(), status: "pass", detail: None },
        Err(detail) => {
            tracing::warn!(check = check.name(), %detail, "readiness check failed");
            CheckReport { name: check.name(), status: "fail", detail: Some(detail) }
        }
    }
}

fn report(report: Report, healthy: bool) -> HttpResponse {
    let mut response = if healthy { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(report)
}
