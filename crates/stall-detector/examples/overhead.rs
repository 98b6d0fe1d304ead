//! What it costs to watch: a future that is polled many times, watched and not. `cargo run --release -p stall-detector --example overhead`.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use stall_detector::{StallDetector, strict};
use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;

const POLLS: u32 = 5_000_000;
const ROUNDS: usize = 5;

fn main() {
    let stalls = StallDetector::new(&TelemetryConfig::default(), &Metrics::new("overhead"));
    let route: Arc<str> = Arc::from("/v1/animals");
    for strictly in [false, true] {
        if strictly {
            strict::enable();
        }
        let mut best = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            best.0 = best.0.min(time(polled()));
            best.1 = best.1.min(time(stalls.request("GET", &route, polled())));
        }
        let (bare, watched) = best;
        println!(
            "strict: {strictly}, bare {bare:.1} ns, watched {watched:.1} ns, {:.1} ns a poll",
            watched - bare
        );
    }
    let began = Instant::now();
    for _ in 0..POLLS {
        drop(std::hint::black_box(stalls.request("GET", &route, std::future::ready(()))));
    }
    println!("to wrap a future: {:.1} ns", began.elapsed().as_secs_f64() * 1e9 / f64::from(POLLS));
}

/// Is polled so often before it is ready.
async fn polled() {
    let mut left = POLLS;
    poll_fn(|_| {
        left -= 1;
        if std::hint::black_box(left) == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Nanoseconds a poll.
fn time(future: impl Future<Output = ()>) -> f64 {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let began = Instant::now();
    while future.as_mut().poll(&mut context).is_pending() {}
    began.elapsed().as_secs_f64() * 1e9 / f64::from(POLLS)
}
