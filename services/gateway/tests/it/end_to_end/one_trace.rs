//! One trace from the client's own span to a consumer of the event: gateway, service, SQL, outbox, NATS, consumer.

use std::collections::HashSet;
use std::sync::OnceLock;

use event_bus::{Bus, BusConfig, Consumer, ConsumerSpec, Delivery, Start, StreamSpec};
use reqwest::Method;
use telemetry::{Telemetry, TelemetryConfig};
use test_harness::{OtlpReceiver, SpanView, nats_url, wait_until};
use tokio::sync::{mpsc, watch};

use super::system::{SPANS, System, animal};
use crate::harness::PATIENCE;

const TRACESTATE: &str = "client=e2e,other=1";
/// The client's own span, which is not exported by anybody here.
const CLIENT_SPAN: &str = "b7ad6b7169203331";

/// The collector, and this process as the service `e2e-consumer`.
fn collector() -> &'static OtlpReceiver {
    static STARTED: OnceLock<(OtlpReceiver, Telemetry)> = OnceLock::new();
    let (receiver, _) = STARTED.get_or_init(|| {
        let receiver = OtlpReceiver::start();
        let config = TelemetryConfig {
            log: "off".to_owned(),
            otlp_endpoint: Some(receiver.endpoint()),
            ..TelemetryConfig::default()
        };
        // A service's panics are log lines; a test's are for the person who runs it.
        let hook = std::panic::take_hook();
        let telemetry = Telemetry::init("e2e-consumer", &config).unwrap();
        std::panic::set_hook(hook);
        (receiver, telemetry)
    });
    receiver
}

/// A trace as a client begins it: its id and `traceparent`.
fn begin() -> (String, String) {
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace}-{CLIENT_SPAN}-01");
    (trace, traceparent)
}

/// The spans of one trace, and how they look.
struct Trace {
    spans: Vec<SpanView>,
    tree: String,
}

impl Trace {
    /// Waits until the trace has all of these spans: service, kind, beginning of the name.
    async fn with(id: &str, wanted: &[(&str, &str, &str)]) -> Self {
        for (service, kind, name) in wanted {
            let found = |span: &SpanView| {
                span.trace_id == id
                    && span.service == *service
                    && span.kind == *kind
                    && span.name.starts_with(name)
            };
            collector().wait_for_span(&format!("{service}: {name} [{kind}]"), SPANS, found).await;
        }
        // Parents end after their children; with them the trace is whole.
        wait_until("every parent has come", SPANS, async || Self::now(id).orphans() == 1).await;
        Self::now(id)
    }

    fn now(id: &str) -> Self {
        let spans = collector().spans().into_iter().filter(|span| span.trace_id == id).collect();
        Self { spans, tree: collector().tree(id) }
    }

    /// Spans whose parent is not among them: the root alone, once the trace is whole.
    fn orphans(&self) -> usize {
        let known: HashSet<&str> = self.spans.iter().map(|span| span.span_id.as_str()).collect();
        let parent = |span: &SpanView| span.parent_id.clone().unwrap_or_default();
        self.spans.iter().filter(|span| !known.contains(parent(span).as_str())).count()
    }

    /// The only span of this service, kind and name below the span `parent`.
    fn only(&self, parent: &str, service: &str, kind: &str, name: &str) -> &SpanView {
        let found: Vec<_> = self
            .spans
            .iter()
            .filter(|span| span.parent_id.as_deref() == Some(parent))
            .filter(|span| span.service == service && span.kind == kind && span.name.starts_with(name))
            .collect();
        assert_eq!(found.len(), 1, "{service}: {name} [{kind}] below {parent} in\n{}", self.tree);
        found[0]
    }

    fn has(&self, span: &SpanView, attributes: &[(&str, &str)]) {
        for (name, value) in attributes {
            let found = span.attributes.get(*name).map(String::as_str);
            assert_eq!(
                found,
                Some(*value),
                "{name} of {} in {:#?}\n{}",
                span.name,
                span.attributes,
                self.tree
            );
        }
        // Names of before the conventions were stable.
        for old in ["http.method", "http.status_code", "http.target", "http.url", "db.system", "db.statement"]
        {
            assert!(!span.attributes.contains_key(old), "{old} of {}\n{}", span.name, self.tree);
        }
    }
}

/// A consumer in this process; what it is given.
async fn consume() -> (mpsc::UnboundedReceiver<Delivery>, watch::Sender<bool>, String) {
    let bus = Bus::connect(&BusConfig { url: nats_url(), ..BusConfig::default() }).await.unwrap();
    bus.ensure_stream(StreamSpec::new("CATALOG", ["catalog.>"])).await.unwrap();
    let durable = format!("e2e-{}", uuid::Uuid::now_v7());
    let spec = ConsumerSpec {
        start: Start::Newest,
        ..ConsumerSpec::new("CATALOG", &durable, "catalog.animal.created")
    };
    let (sender, deliveries) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let handler = move |delivery| {
        // The test may have seen enough already.
        let _ = sender.send(delivery);
        std::future::ready(Ok(()))
    };
    // Ends with the sender of `stop`.
    tokio::spawn(Consumer::new(bus, spec).run(handler, stopped));
    let stream = stream().await;
    wait_until("the consumer is there", PATIENCE, async || stream.consumer_info(&durable).await.is_ok())
        .await;
    (deliveries, stop, durable)
}

async fn stream() -> async_nats::jetstream::stream::Stream {
    let client = async_nats::connect(nats_url()).await.unwrap();
    async_nats::jetstream::new(client).get_stream("CATALOG").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_one_trace_from_the_client_to_the_consumer_of_its_event() {
    let system = System::traced(Some(&collector().endpoint())).await;
    let (mut deliveries, stop, durable) = consume().await;
    let breed = system.make_breed().await;
    let (id, traceparent) = begin();
    let request = system.request(Method::POST, "/v1/animals").json(&animal("TRACED", &breed));
    let request = request.header("traceparent", &traceparent).header("tracestate", TRACESTATE);
    assert_eq!(request.send().await.unwrap().status(), 201);

    let of_us = async {
        loop {
            let delivery = deliveries.recv().await.unwrap();
            if delivery.headers.get("traceparent").is_some_and(|parent| parent.contains(&id)) {
                return delivery;
            }
        }
    };
    let delivery = tokio::time::timeout(PATIENCE, of_us).await.unwrap();
    assert_eq!(delivery.headers.get("tracestate"), Some(TRACESTATE), "kept to the end");

    let wanted = [
        ("gateway", "server", "POST"),
        ("gateway", "client", "POST"),
        ("catalog", "server", "POST"),
        ("catalog", "internal", "tx"),
        ("catalog", "producer", "publish"),
        ("e2e-consumer", "consumer", "process"),
    ];
    let trace = Trace::with(&id, &wanted).await;
    eprintln!("{}", trace.tree);
    let door = trace.only(CLIENT_SPAN, "gateway", "server", "POST catalog");
    trace.has(
        door,
        &[
            ("http.request.method", "POST"),
            ("http.route", "catalog"),
            ("http.response.status_code", "201"),
            ("url.path", "/v1/animals"),
        ],
    );
    let call = trace.only(&door.span_id, "gateway", "client", "POST catalog");
    let port = system.catalog.rsplit(':').next().unwrap();
    trace.has(
        call,
        &[
            ("http.request.method", "POST"),
            ("http.response.status_code", "201"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
        ],
    );
    let service = trace.only(&call.span_id, "catalog", "server", "POST /v1/animals");
    trace.has(
        service,
        &[
            ("http.request.method", "POST"),
            ("http.route", "/v1/animals"),
            ("http.response.status_code", "201"),
            ("url.path", "/v1/animals"),
        ],
    );
    let transaction = trace.only(&service.span_id, "catalog", "internal", "tx create_records");
    trace.has(transaction, &[("outcome", "committed")]);
    for name in ["SELECT model_clock", "INSERT animal", "INSERT outbox", "COMMIT"] {
        let statement = trace.only(&transaction.span_id, "catalog", "client", name);
        trace.has(statement, &[("db.system.name", "postgresql")]);
        let text = statement.attributes.get("db.query.text").map_or("", String::as_str);
        assert!(name == "COMMIT" || text.contains(name.split(' ').next().unwrap()), "{text}");
        // The text has places for the values, never the values.
        assert!(!text.contains("TRACED") && !text.contains("Calm"), "{text}");
    }
    let published = trace.only(&transaction.span_id, "catalog", "producer", "publish catalog.animal.created");
    trace.has(
        published,
        &[("messaging.system", "nats"), ("messaging.destination.name", "catalog.animal.created")],
    );
    let handled =
        trace.only(&published.span_id, "e2e-consumer", "consumer", "process catalog.animal.created");
    trace.has(handled, &[("messaging.system", "nats"), ("messaging.consumer.group.name", &durable)]);
    trace.has(handled, &[("messaging.message.id", &published.attributes["messaging.message.id"])]);

    for metrics in [&system.admin, &system.catalog] {
        let text = system.http.get(format!("{metrics}/metrics")).send().await.unwrap().text().await.unwrap();
        let exemplar = format!("# {{trace_id=\"{id}\"}}");
        let leads_here = |line: &str| {
            line.starts_with("http_server_request_duration_seconds_bucket") && line.contains(&exemplar)
        };
        assert!(text.lines().any(leads_here), "{metrics}: {text}");
    }

    stop.send_replace(true);
    stream().await.delete_consumer(&durable).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_shows_its_redis_commands_in_the_trace() {
    let system = System::traced(Some(&collector().endpoint())).await;
    let (id, traceparent) = begin();
    system.sign_in(&[("traceparent", &traceparent), ("tracestate", TRACESTATE)]).await;
    let wanted = [
        ("gateway", "server", "POST"),
        ("gateway", "client", "POST"),
        ("catalog", "server", "POST"),
        ("catalog", "client", "EVALSHA"),
    ];
    let trace = Trace::with(&id, &wanted).await;
    eprintln!("{}", trace.tree);
    let door = trace.only(CLIENT_SPAN, "gateway", "server", "POST catalog_sign_in");
    let call = trace.only(&door.span_id, "gateway", "client", "POST catalog_sign_in");
    let service = trace.only(&call.span_id, "catalog", "server", "POST /v1/auth/token");
    let mut counted: Vec<_> = trace.spans.iter().filter(|span| span.name == "EVALSHA").collect();
    counted.retain(|span| span.parent_id.as_ref() == Some(&service.span_id));
    assert_eq!(counted.len(), 2, "by name and by address\n{}", trace.tree);
    for span in counted {
        trace.has(span, &[("db.system.name", "redis"), ("db.operation.name", "EVALSHA")]);
    }
    let all = format!("{:?}", trace.spans);
    assert!(!all.contains("root@example.org") && !all.contains("correct horse"), "{all}");
}
