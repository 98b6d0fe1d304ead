//! Work that goes on when the request that asked for it is gone.

use actix_web::rt;
use service_error::ServiceError;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::body::Body;
use super::finish::internal;

/// Refuses a request whose body nobody has begun to read: what comes of it is thrown away for a moment, as below.
pub(crate) fn refuse(mut body: Body, error: ServiceError) -> ServiceError {
    drop(rt::spawn(async move { body.linger().await }));
    error
}

/// Runs `work` on a body in a task of its own on this thread and waits for it; a handler that is dropped meanwhile leaves it
/// running. Its statements and times count for the request, as long as that is there.
///
/// When the body is refused before its end, what still comes of it is read and thrown away for a moment: a connection that is
/// closed with bytes unread is reset, and the reset would overtake the answer.
pub(crate) async fn detached<T: 'static>(
    mut body: Body,
    work: impl AsyncFnOnce(&mut Body) -> Result<T, ServiceError> + 'static,
) -> Result<T, ServiceError> {
    let (done, outcome) = oneshot::channel();
    let task = async move {
        let outcome = work(&mut body).await;
        let refused = outcome.is_err();
        // A handler that is gone needs no answer.
        let _ = done.send(outcome);
        if refused {
            body.linger().await;
        }
    }
    .in_current_span();
    match telemetry::request::current() {
        Some(stats) => drop(rt::spawn(telemetry::request::scope(stats, task))),
        None => drop(rt::spawn(task)),
    }
    outcome.await.map_err(|_| internal("an upload's task ended early"))?
}
