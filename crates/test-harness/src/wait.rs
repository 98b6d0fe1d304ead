//! The one way to wait: for a condition, up to a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at. Short enough not to slow a suite down, long enough not to eat a core.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, looking every 10 ms.
///
/// The deadline is counted in real time, since what is waited for (servers, processes) does not know a paused clock.
///
/// # Panics
/// When it does not hold by the deadline, naming `what` was waited for.
pub async fn wait_until(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let value = wait_for(deadline, async || condition().await.then_some(())).await;
    value.unwrap_or_else(|| panic!("waited {deadline:?} in vain: {what}"));
}

/// Waits until `attempt` gives something; `None` when it gave nothing by the deadline.
pub(crate) async fn wait_for<T>(
    deadline: Duration,
    mut attempt: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return Some(value);
        }
        if start.elapsed() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}
