//! A served application, and what the process said about it: log events and spans.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use actix_web::web::ServiceConfig;
use http_server::{HttpConfig, ReadinessCheck, Running, Shell};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use stall_detector::StallDetector;
use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

const DEADLINE: Duration = Duration::from_secs(10);

/// One event: its target as `target`, its level as `level`, and its fields as texts.
pub(crate) type Line = BTreeMap<String, String>;

#[derive(Default)]
struct Seen {
    lines: Vec<Line>,
    spans: Vec<SpanData>,
}

/// Everything the process logged and traced; tests find their own by request id.
static SEEN: LazyLock<(Mutex<Seen>, watch::Sender<()>)> =
    LazyLock::new(|| (Mutex::default(), watch::channel(()).0));

static SUBSCRIBER: LazyLock<()> = LazyLock::new(|| {
    let tracer = SdkTracerProvider::builder().with_simple_exporter(Capture).build().tracer("test");
    let subscriber =
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer)).with(Capture);
    tracing::subscriber::set_global_default(subscriber).unwrap();
});

#[derive(Debug)]
struct Capture;

fn see(change: impl FnOnce(&mut Seen)) {
    change(&mut SEEN.0.lock().unwrap());
    SEEN.1.send_replace(());
}

impl SpanExporter for Capture {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        see(|seen| seen.spans.extend(batch));
        Ok(())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(Line::new());
        event.record(&mut fields);
        let mut line = fields.0;
        line.insert("target".to_owned(), event.metadata().target().to_owned());
        line.insert("level".to_owned(), event.metadata().level().to_string());
        if let Some(request) = telemetry::request::current() {
            line.insert("request_id".to_owned(), request.request_id().to_owned());
            line.insert("trace_id".to_owned(), request.trace_id().unwrap_or_default().to_owned());
        }
        see(|seen| seen.lines.push(line));
    }
}

struct Fields(Line);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

async fn eventually<T>(find: impl Fn(&Seen) -> Option<T>) -> T {
    let mut changed = SEEN.1.subscribe();
    let found = async {
        loop {
            if let Some(found) = find(&SEEN.0.lock().unwrap()) {
                return found;
            }
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, found).await.expect("seen before the deadline")
}

/// The lines of `target` that the request with this id wrote; waits for the first.
pub(crate) async fn lines(target: &str, request_id: &str) -> Vec<Line> {
    eventually(|seen| {
        let mine: Vec<Line> = seen
            .lines
            .iter()
            .filter(|line| line["target"] == target)
            .filter(|line| line.get("request_id").is_some_and(|id| id == request_id))
            .cloned()
            .collect();
        (!mine.is_empty()).then_some(mine)
    })
    .await
}

/// The line of `target` with this message that the request with this id wrote; waits for it.
pub(crate) async fn line(target: &str, message: &str, request_id: &str) -> Line {
    eventually(|seen| {
        let mine = |line: &&Line| {
            line["target"] == target
                && line.get("message").is_some_and(|text| text == message)
                && line.get("request_id").is_some_and(|id| id == request_id)
        };
        seen.lines.iter().find(mine).cloned()
    })
    .await
}

/// The finished server span of this trace; waits for it.
pub(crate) async fn span(trace_id: &str) -> SpanData {
    eventually(|seen| {
        seen.spans.iter().find(|span| span.span_context.trace_id().to_string() == trace_id).cloned()
    })
    .await
}

/// Whether a span of this trace was exported so far.
pub(crate) fn has_span(trace_id: &str) -> bool {
    SEEN.0.lock().unwrap().spans.iter().any(|span| span.span_context.trace_id().to_string() == trace_id)
}

/// A served application and a client for it.
pub(crate) struct Served {
    pub(crate) running: Running,
    pub(crate) client: reqwest::Client,
}

impl Served {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn get_as(&self, path: &str, request_id: &str) -> reqwest::Response {
        self.client.get(self.url(path)).header("x-request-id", request_id).send().await.unwrap()
    }
}

pub(crate) fn shell(checks: Vec<Arc<dyn ReadinessCheck>>) -> Shell {
    LazyLock::force(&SUBSCRIBER);
    let metrics = Metrics::new("test");
    Shell {
        stalls: StallDetector::new(&TelemetryConfig::default(), &metrics),
        service: "test",
        version: "1.2.3",
        config: HttpConfig {
            bind: "127.0.0.1:0".to_owned(),
            max_body_bytes: 1000,
            workers: 1,
            ..HttpConfig::default()
        },
        metrics,
        checks,
        slow_request: Duration::from_millis(250),
    }
}

pub(crate) fn start(shell: Shell, configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Served {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    Served { running: shell.start(configure).unwrap(), client }
}

pub(crate) fn serve(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Served {
    start(shell(vec![]), configure)
}

pub(crate) fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

pub(crate) async fn json(response: reqwest::Response) -> serde_json::Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
