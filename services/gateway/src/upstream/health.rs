//! Active checks: each instance is asked now and then whether it is well.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use load_balance::Transition;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Instance, Upstream};

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("no answer: {0}")]
    Exchange(#[from] hyper::Error),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("no answer within {0} ms")]
    Timeout(u128),
    #[error("the path of the check is malformed")]
    Path(#[from] http::Error),
}

/// Checks every instance of the upstream until the tasks are aborted.
pub(crate) fn start(upstream: &Arc<Upstream>) -> Vec<JoinHandle<()>> {
    let Some(path) = upstream.config.health.path.clone() else { return Vec::new() };
    (0..upstream.instances.len())
        .map(|index| tokio::spawn(watch(Arc::clone(upstream), index, path.clone())))
        .collect()
}

async fn watch(upstream: Arc<Upstream>, index: usize, path: String) {
    let Some(instance) = upstream.instances.get(index) else { return };
    let limit = Duration::from_millis(upstream.config.health.timeout_ms);
    let mut ticks = interval(Duration::from_millis(upstream.config.health.interval_ms.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let checked = timeout(limit, check(&upstream, instance, &path)).await;
        let checked = checked.unwrap_or(Err(CheckError::Timeout(limit.as_millis())));
        let transition = upstream.balancer.checked(index, Instant::now(), checked.is_ok());
        let cause = checked.err().map(|error| error.to_string());
        if let Some(cause) = &cause {
            tracing::debug!(
                upstream = &*upstream.name,
                instance = instance.authority,
                cause,
                "a health check failed"
            );
        }
        log_transition(&upstream, instance, transition, cause.as_deref());
    }
}

async fn check(upstream: &Upstream, instance: &Instance, path: &str) -> Result<(), CheckError> {
    let stream = TcpStream::connect((instance.host.as_str(), instance.port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .header(http::header::HOST, instance.host_value.clone())
        .header(http::header::USER_AGENT, "aldia-gateway-health")
        .header(http::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let mut exchange = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut exchange => answer?,
        // The connection may end in the very moment in which it has brought the answer.
        ended = connection => {
            ended?;
            exchange.await?
        }
    };
    let status = answer.status();
    if upstream.config.health.accepts(status.as_u16()) { Ok(()) } else { Err(CheckError::Status(status)) }
}

/// Says in the log what changed, and why.
pub(crate) fn log_transition(
    upstream: &Upstream,
    instance: &Instance,
    transition: Option<Transition>,
    cause: Option<&str>,
) {
    let (name, instance) = (&*upstream.name, instance.authority.as_str());
    match transition {
        None => {}
        Some(Transition::BecameHealthy) => {
            tracing::info!(upstream = name, instance, "an instance is healthy")
        }
        Some(Transition::BecameUnhealthy) => {
            tracing::warn!(upstream = name, instance, cause, "an instance is unhealthy");
        }
        Some(Transition::Ejected { lasts, ejections }) => tracing::warn!(
            upstream = name,
            instance,
            cause,
            lasts_ms = lasts.as_millis(),
            ejections,
            "an instance is left out because its requests fail"
        ),
    }
}
