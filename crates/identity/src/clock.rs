//! Where this crate gets the time from, so that tests can turn it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

/// Answers "what time is it". Cheap to clone.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The machine's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Utc::now)
}
