//! Why a request failed: answers do not tell, for their texts are for everybody. The access log does.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Failures that are kept at most; beyond the oldest go.
const MAX_KEPT: usize = 1000;

static KEPT: Mutex<VecDeque<Failure>> = Mutex::new(VecDeque::new());

struct Failure {
    request_id: String,
    cause: String,
}

/// From now on, what services of this process log about requests that failed is kept, so that an [`Answer`](crate::Answer) that is a
/// failure says on the test's own output what the cause was. Where the process has a subscriber already, nothing changes.
pub fn keep_causes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let failures = tracing_subscriber::registry().with(Causes.with_filter(of_failures()));
        // A test that looks at what is logged has installed its own, and looks by itself.
        let _ = tracing::subscriber::set_global_default(failures);
    });
}

/// The cause of the failure of this request, if it was logged with one.
pub(crate) fn of(request_id: &str) -> Option<String> {
    kept().iter().rev().find(|failure| failure.request_id == request_id).map(|failure| failure.cause.clone())
}

fn of_failures() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| *metadata.level() <= Level::WARN && metadata.target() == "access")
}

struct Causes;

impl<S: Subscriber> Layer<S> for Causes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut cause = Cause(None);
        event.record(&mut cause);
        let request_id = telemetry::request::with_current(|request| request.request_id().to_owned());
        let (Some(request_id), Some(cause)) = (request_id, cause.0) else { return };
        let mut kept = kept();
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back(Failure { request_id, cause });
    }
}

struct Cause(Option<String>);

impl Visit for Cause {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "cause" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Whole at every step, so poison is ignored.
fn kept() -> MutexGuard<'static, VecDeque<Failure>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use telemetry::request::{RequestStats, sync_scope};

    use super::*;

    #[test]
    fn a_failure_is_known_by_its_request_with_its_cause() {
        keep_causes();
        let log = |id: &str, level: Level| {
            sync_scope(RequestStats::new(None, id.to_owned()), || match level {
                Level::WARN => {
                    tracing::warn!(target: "access", status = 503, cause = Some("the pool is empty"), "request")
                }
                _ => tracing::info!(target: "access", status = 200, cause = Some("none"), "request"),
            });
        };
        log("failed", Level::WARN);
        log("passed", Level::INFO);
        assert_eq!(of("failed").as_deref(), Some("the pool is empty"));
        assert_eq!((of("passed"), of("other")), (None, None));
    }
}
