//! What a request's statistics, spans and metrics say about its statements.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Once};

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use pg_pool::PgError;
use telemetry::request::{self, RequestStats};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::{Bench, count, run};

fn stats() -> Arc<RequestStats> {
    RequestStats::new(None, "test".to_owned())
}

#[tokio::test]
async fn a_request_counts_its_own_statements_and_no_transaction_control() {
    let bench = Bench::new();
    let (mine, other) = (stats(), stats());
    let work = request::scope(Arc::clone(&mine), async {
        let done: Result<(), PgError> = bench
            .pool
            .tx("count_me", async |conn| {
                run(conn, "SELECT 1").await;
                run(conn, "SELECT 2").await;
                Ok(())
            })
            .await;
        done.unwrap();
    });
    let elsewhere = request::scope(Arc::clone(&other), async {
        run(&mut bench.pool.read().await.unwrap(), "SELECT 3").await;
    });
    tokio::join!(work, elsewhere);
    assert_eq!((mine.statements(), other.statements()), (2, 1));
}

#[tokio::test]
async fn pipelined_statements_are_all_counted_in_the_request() {
    let bench = Bench::new();
    let mine = stats();
    request::scope(Arc::clone(&mine), async {
        let conn = bench.pool.read().await.unwrap();
        let one = diesel::select(diesel::dsl::sql::<BigInt>("1::bigint"));
        let same = diesel::select(diesel::dsl::sql::<BigInt>("1::bigint"));
        let two = diesel::select(diesel::dsl::sql::<BigInt>("2::bigint"));
        let got: (i64, i64, i64) = futures_util::try_join!(
            one.get_result(&mut &*conn),
            same.get_result(&mut &*conn),
            two.get_result(&mut &*conn)
        )
        .unwrap();
        assert_eq!(got, (1, 1, 2));
    })
    .await;
    assert_eq!(mine.statements(), 3);
}

#[tokio::test]
async fn a_statement_span_names_operation_and_table_and_hides_values() {
    let seen = record_spans();
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    let _: Vec<Named> = diesel::sql_query("SELECT relname::text AS name FROM pg_class WHERE relname = $1")
        .bind::<Text, _>("hunter2")
        .load(&mut *conn)
        .await
        .unwrap();
    let failed = diesel::sql_query("SELECT * FROM does_not_exist").execute(&mut *conn).await;
    assert!(failed.is_err());

    let spans = seen.lock().unwrap();
    let find =
        |name: &str| spans.iter().find(|span| span.get("otel.name").is_some_and(|n| n == name)).unwrap();
    let select = find("SELECT pg_class");
    assert_eq!(select["db.system.name"], "postgresql");
    assert_eq!(select["db.operation.name"], "SELECT");
    assert_eq!(select["db.query.text"], "SELECT relname::text AS name FROM pg_class WHERE relname = $1");
    assert_eq!(select["otel.kind"], "client");
    assert!(!select.contains_key("error.type"));
    assert_eq!(find("SELECT does_not_exist")["error.type"], "database");
    assert!(spans.iter().all(|span| span.contains_key("closed")), "{spans:?}");
    assert!(!format!("{spans:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_metrics_show_connections_waits_and_durations() {
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    assert_eq!(count(&mut conn, "SELECT 1::bigint").await, 1);
    for (name, label, value) in [
        ("pool_connections", r#"state="in_use""#, "1"),
        ("pool_connections", r#"state="idle""#, "0"),
        ("pool_wait_seconds_count", "", "1"),
        ("db_client_operation_duration_seconds_count", r#"operation="SELECT""#, "1"),
    ] {
        assert_eq!(bench.metric(name, &[label]).as_deref(), Some(value), "{name} {label}");
    }
}

#[derive(diesel::QueryableByName)]
#[expect(dead_code, reason = "the rows are not looked at")]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

type Seen = Arc<Mutex<Vec<BTreeMap<String, String>>>>;

thread_local! {
    /// Where the spans of this test go; each test has a thread of its own.
    static RECORD: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Collects the statement spans of this thread from now on.
///
/// The subscriber is the process's: one of a single thread races with the other tests over which spans are wanted.
fn record_spans() -> Seen {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let layer = SpanRecorder { ids: Mutex::default() };
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    });
    let seen = Seen::default();
    RECORD.set(Some(Arc::clone(&seen)));
    seen
}

struct SpanRecorder {
    ids: Mutex<BTreeMap<u64, (Seen, usize)>>,
}

impl SpanRecorder {
    fn with(&self, id: &Id, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        if let Some((seen, index)) = self.ids.lock().unwrap().get(&id.into_u64()) {
            change(seen.lock().unwrap().get_mut(*index).unwrap());
        }
    }
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber> Layer<S> for SpanRecorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() != "statement" {
            return;
        }
        let Some(seen) = RECORD.with_borrow(Clone::clone) else { return };
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        let index = {
            let mut spans = seen.lock().unwrap();
            spans.push(fields);
            spans.len() - 1
        };
        self.ids.lock().unwrap().insert(id.into_u64(), (seen, index));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.with(id, |fields| values.record(&mut Fields(fields)));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.with(&id, |fields| {
            fields.insert("closed".to_owned(), "yes".to_owned());
        });
        self.ids.lock().unwrap().remove(&id.into_u64());
    }
}
