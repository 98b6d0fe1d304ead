//! Lines that were logged, and ways to hold a thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use serde_json::Value;
use stall_detector::{Stall, StallDetector, strict};
use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;
use telemetry::request::{Part, RequestStats, scope};

/// A detector, and what it counts into.
pub(crate) struct Bench {
    pub(crate) metrics: Metrics,
    pub(crate) stalls: StallDetector,
}

pub(crate) fn bench() -> Bench {
    static LOGGING: Once = Once::new();
    LOGGING.call_once(|| tracing_subscriber::fmt().json().with_writer(|| Kept).init());
    strict::enable();
    let metrics = Metrics::new("test");
    let stalls = StallDetector::new(&TelemetryConfig::default(), &metrics);
    Bench { metrics, stalls }
}

impl Bench {
    /// Answers a request of this name; returns its record.
    pub(crate) async fn answer<F: Future>(&self, id: &str, answering: F) -> Arc<RequestStats> {
        let stats = RequestStats::new(None, id.to_owned());
        let watched = self.stalls.request("GET", &Arc::from("/v1/slow"), answering);
        scope(Arc::clone(&stats), watched).await;
        stats
    }

    /// How many polls of a kind were counted.
    pub(crate) fn counted(&self, kind: &str) -> u64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| {
            line.starts_with("runtime_blocked_poll_duration_seconds_count")
                && line.contains(&format!("kind=\"{kind}\""))
        });
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

/// What the record of a request has as held by its own polls.
pub(crate) fn held(stats: &RequestStats) -> Duration {
    stats.account(Duration::ZERO, Instant::now()).spent.on(Part::Blocked)
}

/// What was logged of a route.
pub(crate) fn lines(route: &str) -> Vec<Value> {
    let text = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["fields"]["route"] == route).collect()
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps whatever this process logs.
struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one stall of this request.
pub(crate) fn only(id: &str) -> Stall {
    let mut stalls = strict::take_request(id);
    assert_eq!(stalls.len(), 1, "{stalls:?}");
    stalls.remove(0)
}

#[inline(never)]
#[expect(clippy::disallowed_methods, reason = "this is what has to be found")]
pub(crate) fn sleeps_in_a_handler(time: Duration) {
    std::thread::sleep(time);
    // Something to come back to, so that the call is not the function's end.
    std::hint::black_box(());
}

#[inline(never)]
pub(crate) fn computes_in_a_handler(time: Duration) -> u64 {
    let began = Instant::now();
    let mut sum = 0;
    while began.elapsed() < time {
        sum = std::hint::black_box(sum + 1);
    }
    sum
}
