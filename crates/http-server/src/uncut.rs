//! Work that goes on when its client leaves.

use std::future::Future;

use problem::{Problem, registry};
use tracing::Instrument as _;

/// Runs `work` to its end in a task of its own, so that a client that leaves does not cut it in the middle; in the span and in the
/// record of the current request.
///
/// # Errors
/// Those of the work; `internal` where it panics.
pub async fn uncut<T: 'static, E: From<Problem> + 'static>(
    work: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, E> {
    let work = work.in_current_span();
    let task = match telemetry::request::current() {
        Some(stats) => actix_web::rt::spawn(telemetry::request::scope(stats, work)),
        None => actix_web::rt::spawn(work),
    };
    task.await.unwrap_or_else(|error| Err(Problem::new(&registry::INTERNAL).cause(error).into()))
}
