//! Start and end of a process's telemetry.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, TracerProviderBuilder,
};
use thiserror::Error;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use crate::TelemetryConfig;
use crate::json_line::JsonLine;
use crate::propagation::{RootIds, RootSampler, RootTracer};
use crate::span_stack::KeepSpanStack;

/// Longest one export may take before its spans are given up.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest a stopping process waits for the last export.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Spans waiting for export; past it new ones are dropped, so a stalled collector costs tens of megabytes at most.
const MAX_QUEUED_SPANS: usize = 16_384;
const MAX_BATCH_SPANS: usize = 1024;
/// A short delay keeps a trace readable soon after its request without a call per request.
const EXPORT_DELAY: Duration = Duration::from_secs(1);

/// Why telemetry could not start. All are faults of the configuration but the last two.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// `telemetry.log` is not a filter.
    #[error("telemetry.log is not a valid filter")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// `telemetry.sample_ratio` is outside of 0.0 to 1.0.
    #[error("telemetry.sample_ratio must lie between 0.0 and 1.0, not {0}")]
    SampleRatio(f64),
    /// `telemetry.otlp_endpoint` is not a URL.
    #[error("telemetry.otlp_endpoint is not a URL: {endpoint}")]
    Endpoint {
        /// The value as configured.
        endpoint: String,
    },
    /// The exporter or its HTTP client could not be built.
    #[error("span exporter could not be built")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The process already has a subscriber.
    #[error("telemetry was already started in this process")]
    AlreadyStarted(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// The running telemetry of this process. Keep it until the end and call [`Telemetry::shutdown`].
#[derive(Debug)]
#[must_use = "spans still queued are lost unless shutdown is called"]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts logging to stdout and, with an endpoint configured, exporting spans. Once per process; may be called
    /// inside or outside of an async runtime.
    ///
    /// # Errors
    ///
    /// When the configuration is faulty, the exporter cannot be built, or telemetry runs already.
    pub fn init(service: &'static str, config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
        let log_filter = EnvFilter::try_new(&config.log).map_err(TelemetryError::Filter)?;
        let provider = provider(service, config)?;
        let tracer = RootTracer(provider.tracer("aldia"));
        let late = config.otlp_endpoint.is_some().then(|| tracer.clone());
        // Location, thread, level and target cost more than they tell on a span that has a name of its own.
        let traces = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::INFO));
        // Only events: formatting every span for lines that may never be written is most of what logging costs.
        let lines = tracing_subscriber::fmt::layer()
            .event_format(JsonLine { service })
            .with_writer(std::io::stdout)
            .with_filter(log_filter.and(filter_fn(|metadata| metadata.is_event())));
        let open = KeepSpanStack.with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::INFO));
        let subscriber = tracing_subscriber::registry().with(traces).with(lines).with(open);
        tracing::subscriber::set_global_default(subscriber).map_err(TelemetryError::AlreadyStarted)?;
        if let Some(late) = late {
            crate::late::start(late);
        }
        log_panics();
        Ok(Telemetry { provider })
    }

    /// Sends the spans still queued and stops. Blocks for five seconds at most; spans not sent by then are lost.
    pub fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT) {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }

    /// Sends the spans queued so far.
    ///
    /// # Errors
    ///
    /// When the collector did not take them.
    pub fn flush(&self) -> Result<(), TelemetryError> {
        self.provider.force_flush().map_err(|error| TelemetryError::Exporter(Box::new(error)))
    }
}

/// A panic is a log line like any other, with the trace it happened in, instead of loose text on stderr.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(location, panic = message, "panicked");
    }));
}

/// Spans at `info`, but not those of the libraries that carry our own requests and exports; of events only warnings,
/// which show in a trace what went wrong.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    const NOISE: [&str; 6] = ["h2", "hyper", "reqwest", "opentelemetry", "actix", "async_nats"];
    let target = metadata.target();
    if NOISE.iter().any(|prefix| target.starts_with(prefix)) {
        return false;
    }
    if metadata.is_span() {
        *metadata.level() <= Level::INFO
    } else {
        *metadata.level() <= Level::WARN && target != "access"
    }
}

fn provider(service: &'static str, config: &TelemetryConfig) -> Result<SdkTracerProvider, TelemetryError> {
    if !(0.0..=1.0).contains(&config.sample_ratio) {
        return Err(TelemetryError::SampleRatio(config.sample_ratio));
    }
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.namespace", "aldia"))
        .build();
    let root = RootSampler(Sampler::TraceIdRatioBased(config.sample_ratio));
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_id_generator(RootIds::default())
        .with_sampler(Sampler::ParentBased(Box::new(root)));
    Ok(match config.otlp_endpoint.as_deref() {
        Some(endpoint) => exporting(builder, endpoint)?.build(),
        None => builder.build(),
    })
}

fn exporting(
    builder: TracerProviderBuilder,
    endpoint: &str,
) -> Result<TracerProviderBuilder, TelemetryError> {
    let url: reqwest::Url =
        endpoint.parse().map_err(|_| TelemetryError::Endpoint { endpoint: endpoint.to_owned() })?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .with_http_client(client(&url)?)
        .build()
        .map_err(|error| TelemetryError::Exporter(Box::new(error)))?;
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(MAX_QUEUED_SPANS)
        .with_max_export_batch_size(MAX_BATCH_SPANS)
        .with_scheduled_delay(EXPORT_DELAY)
        .build();
    Ok(builder.with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batch).build()))
}

/// The blocking client brings its own runtime and must not be made or dropped inside of another one.
fn client(url: &reqwest::Url) -> Result<reqwest::blocking::Client, TelemetryError> {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let build = move || {
        let builder = reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT);
        // A proxy from the environment cannot reach this machine's loopback.
        if loopback { builder.no_proxy() } else { builder }.build()
    };
    let built = std::thread::Builder::new()
        .name("otlp-client".to_owned())
        .spawn(build)
        .map_err(|error| TelemetryError::Exporter(Box::new(error)))?
        .join()
        .map_err(|_| TelemetryError::Exporter("building the client panicked".into()))?;
    built.map_err(|error| TelemetryError::Exporter(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Span as _, Tracer as _};
    use std::net::TcpListener;
    use std::time::Instant;

    fn config(endpoint: &str) -> TelemetryConfig {
        TelemetryConfig { otlp_endpoint: Some(endpoint.to_owned()), ..TelemetryConfig::default() }
    }

    #[test]
    fn a_collector_that_never_answers_delays_nobody() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/v1/traces", silent.local_addr().unwrap());
        let provider = provider("test", &config(&endpoint)).unwrap();
        let tracer = provider.tracer("test");
        let started = Instant::now();
        for _ in 0..2 * MAX_QUEUED_SPANS {
            tracer.start("work").end();
        }
        assert!(started.elapsed() < EXPORT_TIMEOUT, "took {:?}", started.elapsed());
        // Dropping would wait for the export under way; what matters is above.
        assert!(provider.shutdown_with_timeout(Duration::from_millis(1)).is_err());
    }

    #[test]
    fn without_a_collector_spans_have_ids() {
        let provider = provider("test", &TelemetryConfig::default()).unwrap();
        let span = provider.tracer("test").start("work");
        assert!(span.span_context().is_valid());
    }

    #[test]
    fn faults_of_the_configuration_are_named() {
        let ratio = TelemetryConfig { sample_ratio: 1.5, ..TelemetryConfig::default() };
        assert!(matches!(provider("test", &ratio), Err(TelemetryError::SampleRatio(_))));
        assert!(matches!(provider("test", &config("no url")), Err(TelemetryError::Endpoint { .. })));
        let filter = TelemetryConfig { log: "info,=,".to_owned(), ..TelemetryConfig::default() };
        assert!(matches!(Telemetry::init("test", &filter), Err(TelemetryError::Filter(_))));
    }
}
