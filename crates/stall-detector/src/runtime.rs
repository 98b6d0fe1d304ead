//! What the runtimes of a process tell of themselves, and how late their timers are.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;
use tokio::runtime::{Handle, Id, RuntimeFlavor, RuntimeMetrics};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the lag of a thread is measured. A stall between two looks is not seen, so this is not much more than one that matters.
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// Upper bounds in seconds. Timers have a resolution of a millisecond.
const LAG_BOUNDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// The runtimes that are observed.
#[derive(Clone)]
pub(crate) struct Runtimes {
    all: All,
    lag: Family<Runtime, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Default)]
struct All(Arc<Mutex<Vec<Observed>>>);

struct Observed {
    name: Arc<str>,
    id: Id,
    metrics: RuntimeMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Runtime {
    runtime: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Worker {
    runtime: Arc<str>,
    worker: usize,
}

/// One figure of every runtime.
#[derive(Clone)]
struct Figure {
    all: All,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Busy,
    Parks,
    Queued,
    Tasks,
}

impl Runtimes {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let all =
            metrics.shared("runtime_workers", "Threads of a runtime that poll tasks", None, All::default);
        for (name, help, unit, what) in [
            ("runtime_worker_busy", "Time that a worker spent on polls", Some(Unit::Seconds), What::Busy),
            ("runtime_worker_parks", "How often a worker had nothing to do", None, What::Parks),
            ("runtime_queue_depth", "Tasks that wait for any worker of the runtime", None, What::Queued),
            ("runtime_alive_tasks", "Tasks that are not over", None, What::Tasks),
        ] {
            metrics.shared(name, help, unit, || Figure { all: all.clone(), what });
        }
        let lag = metrics.shared(
            "runtime_scheduling_lag",
            "How late a timer fires, on each thread that polls, or on any of a runtime of several",
            Some(Unit::Seconds),
            || Family::new_with_constructor((|| Histogram::new(LAG_BOUNDS)) as fn() -> Histogram),
        );
        Self { all, lag }
    }

    /// A runtime of one thread. They are numbered as they come.
    pub(crate) fn observe_worker(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        if handle.runtime_flavor() == RuntimeFlavor::CurrentThread
            && let Some(lag) = self.enter(&handle, |known| format!("worker-{known}"))
        {
            // Not kept: it lives as long as the runtime.
            drop(tokio::task::spawn_local(probe(lag)));
        }
    }

    pub(crate) fn observe_main(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        if handle.runtime_flavor() == RuntimeFlavor::MultiThread
            && let Some(lag) = self.enter(&handle, |_| "main".to_owned())
        {
            drop(handle.spawn(probe(lag)));
        }
    }

    /// `None` when it is known already.
    fn enter(&self, handle: &Handle, name: impl FnOnce(usize) -> String) -> Option<Histogram> {
        let mut all = self.all.lock();
        if all.iter().any(|known| known.id == handle.id()) {
            return None;
        }
        let workers = all.iter().filter(|known| known.metrics.num_workers() == 1).count();
        let name: Arc<str> = Arc::from(name(workers));
        all.push(Observed { name: Arc::clone(&name), id: handle.id(), metrics: handle.metrics() });
        drop(all);
        Some(self.lag.get_or_create_owned(&Runtime { runtime: name }))
    }
}

/// Measures until the runtime ends.
async fn probe(lag: Histogram) {
    let mut ticks = interval(PROBE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let due = ticks.tick().await;
        lag.observe(Instant::now().saturating_duration_since(due).as_secs_f64());
    }
}

impl All {
    /// Whole at every step, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EncodeMetric for All {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for Observed { name, metrics, .. } in &*self.lock() {
            let labels = Runtime { runtime: Arc::clone(name) };
            encoder.encode_family(&labels)?.encode_gauge(&count(metrics.num_workers()))?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl EncodeMetric for Figure {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for Observed { name, metrics, .. } in &*self.all.lock() {
            let runtime = Runtime { runtime: Arc::clone(name) };
            let workers =
                (0..metrics.num_workers()).map(|worker| Worker { runtime: Arc::clone(name), worker });
            match self.what {
                What::Busy => {
                    for labels in workers {
                        let busy = metrics.worker_total_busy_duration(labels.worker).as_secs_f64();
                        encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&busy, None)?;
                    }
                }
                What::Parks => {
                    for labels in workers {
                        let parks = metrics.worker_park_count(labels.worker);
                        encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&parks, None)?;
                    }
                }
                What::Queued => {
                    encoder.encode_family(&runtime)?.encode_gauge(&count(metrics.global_queue_depth()))?;
                }
                What::Tasks => {
                    encoder.encode_family(&runtime)?.encode_gauge(&count(metrics.num_alive_tasks()))?;
                }
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.what {
            What::Busy | What::Parks => MetricType::Counter,
            What::Queued | What::Tasks => MetricType::Gauge,
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl fmt::Debug for Runtimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtimes").finish_non_exhaustive()
    }
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("All").finish_non_exhaustive()
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figure").finish_non_exhaustive()
    }
}
