//! What is said of a stall, and to whom.

use std::sync::Arc;
use std::time::Duration;

use stall_detector::{StallDetector, Task, name_route, strict};
use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;

use crate::support::{bench, computes_in_a_handler, lines, only, sleeps_in_a_handler};

const SLEEP: Duration = Duration::from_millis(30);

#[tokio::test]
async fn the_route_is_the_one_found_out_while_answering() {
    let bench = bench();
    let answering = async {
        name_route(&Arc::from("/v1/animals/{id}"));
        tokio::task::yield_now().await;
        sleeps_in_a_handler(SLEEP);
    };
    bench.answer("named", answering).await;
    let expected = Task::Request { method: "GET", route: Arc::from("/v1/animals/{id}") };
    assert_eq!(only("named").task, expected);
}

#[tokio::test]
async fn a_poll_within_a_poll_is_told_of_once() {
    let bench = bench();
    let inner = bench.stalls.request("GET", &Arc::from("/inner"), async { sleeps_in_a_handler(SLEEP) });
    bench.answer("nested", inner).await;
    let inner = Task::Request { method: "GET", route: Arc::from("/inner") };
    assert_eq!(only("nested").task, inner);
    // The outer one goes on afterwards, and is watched again.
    bench.answer("after", async { sleeps_in_a_handler(SLEEP) }).await;
    assert_eq!(only("after").task, Task::Request { method: "GET", route: Arc::from("/v1/slow") });
}

#[tokio::test]
async fn work_in_the_background_is_told_of_by_its_name() {
    let bench = bench();
    bench.stalls.job("purge", async { sleeps_in_a_handler(SLEEP) }).await;
    let stalls = strict::take_jobs();
    let purge = stalls.iter().find(|stall| stall.task == Task::Job("purge")).unwrap();
    let text = purge.to_string();
    assert!(text.starts_with("a poll of job purge took") && text.contains("(blocked: "), "{text}");
    assert!(text.contains("sleeps_in_a_handler"), "{text}");
}

#[tokio::test]
async fn a_line_says_what_a_thread_was_at_also_when_it_computed() {
    let bench = bench();
    let answering = async {
        name_route(&Arc::from("/v1/computed"));
        tracing::info_span!("compute").in_scope(|| computes_in_a_handler(Duration::from_millis(200)))
    };
    bench.answer("computed", answering).await;
    // Whoever asks waits until it is logged.
    assert!(strict::take_request("computed").is_empty());
    let lines = lines("/v1/computed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let fields = &lines[0]["fields"];
    assert_eq!((lines[0]["level"].as_str(), lines[0]["target"].as_str()), (Some("WARN"), Some("blocked")));
    assert_eq!((fields["method"].as_str(), fields["task"].as_str()), (Some("GET"), Some("request")));
    assert!(fields["duration_ms"].as_f64().unwrap() >= 200.0, "{fields}");
    assert!(
        fields["on_cpu_ms"].as_f64().unwrap() + fields["queued_ms"].as_f64().unwrap() >= 190.0,
        "{fields}"
    );
    assert!(fields["stack"].as_str().unwrap().contains("computes_in_a_handler"), "{fields}");
}

#[tokio::test]
async fn a_panic_ends_a_poll_as_well() {
    use futures_util::FutureExt as _;
    let bench = bench();
    let caught = std::panic::AssertUnwindSafe(bench.answer("panic", async { panic!("as wanted") }));
    assert!(caught.catch_unwind().await.is_err());
    // Would be as long as this poll and the one before together.
    bench.answer("next", async { sleeps_in_a_handler(SLEEP) }).await;
    assert_eq!(only("next").task, Task::Request { method: "GET", route: Arc::from("/v1/slow") });
}

#[tokio::test]
async fn a_threshold_of_nothing_turns_it_off() {
    let metrics = Metrics::new("test");
    let config = TelemetryConfig { blocking_poll_ms: 0, ..TelemetryConfig::default() };
    let stalls = StallDetector::new(&config, &metrics);
    stalls.job("off", async { sleeps_in_a_handler(SLEEP) }).await;
    let text = metrics.encode();
    assert!(!text.contains("off"), "{text}");
    assert!(text.contains(r#"runtime_poll_duration_seconds_count{service="test",task="job"} 0"#), "{text}");
}

#[tokio::test]
async fn runtimes_tell_how_busy_they_are_and_how_late() {
    let metrics = Metrics::new("test");
    let stalls = StallDetector::new(&TelemetryConfig::default(), &metrics);
    let local = tokio::task::LocalSet::new();
    let lines = |name: &str| {
        let text = metrics.encode();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect();
        lines
    };
    local
        .run_until(async {
            stalls.observe_worker();
            // Once is enough.
            stalls.observe_worker();
            stalls.observe_main();
            let counted = || {
                let lines = lines("runtime_scheduling_lag_seconds_count");
                assert_eq!(lines.len(), 1, "{lines:?}");
                lines[0].rsplit(' ').next().unwrap().parse::<u64>().unwrap()
            };
            let measured = async {
                while counted() < 3 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), measured).await.unwrap();
        })
        .await;
    let labels = r#"{service="test",runtime="worker-0""#;
    for name in [
        "runtime_workers",
        "runtime_worker_busy_seconds_total",
        "runtime_worker_parks_total",
        "runtime_queue_depth",
        "runtime_alive_tasks",
    ] {
        let lines = lines(&format!("{name}{labels}"));
        assert_eq!(lines.len(), 1, "{name}: {}", metrics.encode());
    }
}
