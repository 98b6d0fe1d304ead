//! A request that is slow for one reason is logged with that reason (`H-D4`), against real stores.

use std::time::Duration;

use actix_web::web::{self, Data, ServiceConfig};
use broadcast::{Broadcast, NatsConfig};
use diesel_async::RunQueryDsl as _;
use freshness::{Freshness, FreshnessConfig, Groups, Read};
use http_client::{Client, ClientConfig};
use pg_pool::{PgConfig, PgPool};
use telemetry::metrics::Metrics;
use test_harness::{Answer, ChaosProxy, wait_until};

use crate::support::{Line, Served, line, shell, start};

/// Requests beyond this are slow…
const LIMIT: Duration = Duration::from_millis(100);
/// …and this is how long what is to be slow takes; a busy machine adds less than that to the rest.
const LONG: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with everything that it can wait for.
struct World {
    served: Served,
    pool: PgPool,
    redis: ChaosProxy,
    peer: Served,
}

/// What handlers have.
struct Behind {
    pool: PgPool,
    freshness: Freshness,
    client: Client,
    peer: String,
}

impl World {
    async fn new() -> Self {
        let redis = ChaosProxy::to_url(&test_harness::redis_url());
        let config = PgConfig {
            url: test_harness::postgres_url().into(),
            max_connections: 1,
            acquire_timeout_ms: 20_000,
            ..PgConfig::default()
        };
        let metrics = Metrics::new("test");
        let pool = PgPool::new(&config, &metrics).unwrap();
        let nats = NatsConfig { url: test_harness::nats_url(), ..NatsConfig::default() };
        let redis_url = redis.rewrite(&test_harness::redis_url()).into();
        let domain = format!("test-{}", uuid::Uuid::new_v4().simple());
        let freshness = Freshness::start(
            FreshnessConfig::default(),
            &redis_url,
            Broadcast::connect(&nats).await.unwrap(),
            &domain,
            &metrics,
        );
        let freshness = freshness.await.unwrap();
        // Its own line would have the same request id.
        let mut of_peer = shell(vec![]);
        of_peer.slow_request = PATIENCE;
        let peer = start(of_peer, |app| {
            app.service(web::resource("/").route(web::get().to(async || {
                tokio::time::sleep(LONG).await;
                "late"
            })));
        });
        let client = Client::new(ClientConfig::default()).unwrap();
        let behind = Data::new(Behind {
            pool: pool.clone(),
            freshness,
            client,
            peer: format!("http://{}", peer.running.addr),
        });
        let mut shell = shell(vec![]);
        shell.slow_request = LIMIT;
        let served = start(shell, move |app| configure(app, &behind));
        Self { served, pool, redis, peer }
    }

    /// Asks, and has the answer's `Server-Timing` checked.
    async fn get(&self, path: &str, request_id: &str) -> Answer {
        let request = self.served.client.get(self.served.url(path)).header("x-request-id", request_id);
        Answer::to(&self.served.client, request).await.expect(200)
    }

    /// The line that a request for `path` leaves.
    async fn slow(&self, path: &str, request_id: &str) -> Line {
        self.get(path, request_id).await;
        line("slow", "slow request", request_id).await
    }
}

fn configure(app: &mut ServiceConfig, behind: &Data<Behind>) {
    app.app_data(behind.clone())
        .service(web::resource("/database").route(web::get().to(database)))
        .service(web::resource("/brief").route(web::get().to(async |behind: Data<Behind>| {
            let mut conn = behind.pool.read().await.unwrap();
            diesel::sql_query("SELECT pg_sleep(0.1)").execute(&mut *conn).await.unwrap();
            ""
        })))
        .service(web::resource("/pool").route(web::get().to(pool)))
        .service(
            web::resource("/cached")
                .route(web::get().to(async |behind: Data<Behind>| read(&behind, "slow", LONG).await)),
        )
        .service(
            web::resource("/at-once").route(
                web::get().to(async |behind: Data<Behind>| read(&behind, "quick", Duration::ZERO).await),
            ),
        )
        .service(web::resource("/upstream").route(web::get().to(upstream)))
        .service(web::resource("/blocked").route(web::get().to(blocked)))
        .service(web::resource("/sleeps").route(web::get().to(async || {
            tokio::time::sleep(LONG).await;
            ""
        })))
        .service(
            web::resource("/body").route(web::post().to(async |body: web::Bytes| body.len().to_string())),
        );
}

/// A quick statement, and two slow runs of another, which nobody should see the text's values of.
async fn database(behind: Data<Behind>) -> &'static str {
    let mut conn = behind.pool.read().await.unwrap();
    for text in ["SELECT 1", SLOW, SLOW] {
        diesel::sql_query(text).execute(&mut *conn).await.unwrap();
    }
    ""
}

const SLOW: &str = "SELECT pg_sleep(0.25) FROM pg_class WHERE relname = 'pg_class' AND relkind <> 'x'";

async fn pool(behind: Data<Behind>) -> &'static str {
    drop(behind.pool.read().await.unwrap());
    ""
}

/// One read through the shared cache, of something that takes so long to load.
async fn read(behind: &Behind, key: &str, takes: Duration) -> Vec<u8> {
    let groups = Groups::of(["things"]).unwrap();
    let read = Read { groups: &groups, family: "things", key, ttl: PATIENCE, until: None };
    let load = async || {
        tokio::time::sleep(takes).await;
        Ok::<_, std::convert::Infallible>(b"it".to_vec())
    };
    behind.freshness.read(read, load).await.unwrap().bytes.to_vec()
}

async fn upstream(behind: Data<Behind>) -> String {
    let answer = behind.client.get(&behind.peer).send().await.unwrap();
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "what holds the thread is what is looked for")]
async fn blocked() -> &'static str {
    tokio::task::yield_now().await;
    std::thread::sleep(LONG);
    ""
}

/// The milliseconds of a field.
fn millis(line: &Line, field: &str) -> f64 {
    line.get(field).unwrap_or_else(|| panic!("no {field} in {line:?}")).parse().unwrap()
}

/// What was waited for is most of the request, and the rest of it is not.
fn assert_most(line: &Line, field: &str) {
    let (part, whole) = (millis(line, field), millis(line, "duration_ms"));
    assert!(part >= whole / 2.0 && part <= whole, "{line:?}");
}

#[tokio::test]
async fn a_slow_database_is_named_with_its_statements_and_the_plan_of_the_slowest() {
    let world = World::new().await;
    let slow = world.slow("/database", "slow-database").await;
    assert_eq!(slow["cause"], "database");
    assert_most(&slow, "db_ms");
    assert_eq!(slow["statements"], "3");
    let list = &slow["statement_list"];
    let text = "SELECT pg_sleep(?) FROM pg_class WHERE relname = ? AND relkind <> ?";
    let (first, second) = list.split_once(text).unwrap_or_else(|| panic!("{list}"));
    assert!(first.starts_with("[\"2 x ") && second.contains("1 x "), "{list}");
    assert!(!list.contains("'x'") && second.ends_with("SELECT ?\"]"), "{list}");

    let plan = line("slow", "plan", "slow-database").await;
    assert_eq!(plan["trace_id"], slow["trace_id"]);
    assert_eq!(plan["statement"], text);
    assert!(plan["plan"].contains("on pg_class  (cost="), "{plan:?}");
    assert!(plan["plan"].contains("(relname = ?::name)"), "{plan:?}");
    assert!(millis(&plan, "max_ms") >= 250.0);
}

#[tokio::test]
async fn an_empty_pool_is_named() {
    let world = World::new().await;
    let held = world.pool.read().await.unwrap();
    let holding = async {
        let waits = async || world.pool.status().primary.waiting == 1;
        wait_until("the request waits for the connection", PATIENCE, waits).await;
        tokio::time::sleep(LONG).await;
        drop(held);
    };
    let (slow, ()) = tokio::join!(world.slow("/pool", "slow-pool"), holding);
    assert_eq!(slow["cause"], "pool_wait");
    assert_most(&slow, "pool_wait_ms");
    assert!(!slow.contains_key("statement_list"), "{slow:?}");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_named() {
    let world = World::new().await;
    world.get("/at-once", "warm-redis").await;
    world.redis.stall();
    // Given up after 200 ms; then the handler loads for itself.
    let slow = world.slow("/at-once", "slow-redis").await;
    assert_eq!(slow["cause"], "redis");
    assert_most(&slow, "redis_ms");
    assert_eq!(slow["cache_unreachable"], "1");
    world.redis.restore();
}

#[tokio::test]
async fn another_request_that_fetches_the_same_is_named() {
    let world = World::new().await;
    let (first, second) =
        tokio::join!(world.slow("/cached", "slow-wait-1"), world.slow("/cached", "slow-wait-2"));
    let waited: Vec<_> =
        [&first, &second].into_iter().filter(|line| line.contains_key("cache_waits")).collect();
    let [waited] = waited[..] else { panic!("{first:?} {second:?}") };
    assert_eq!(waited["cause"], "cache_wait");
    assert_most(waited, "cache_wait_ms");
}

#[tokio::test]
async fn a_slow_service_is_named_and_which() {
    let world = World::new().await;
    let slow = world.slow("/upstream", "slow-upstream").await;
    let peer = format!("http://{}", world.peer.running.addr);
    assert_eq!((slow["cause"].as_str(), slow["peer"].as_str()), ("upstream", peer.as_str()));
    assert_most(&slow, "upstream_ms");
    assert!(slow["peers"].starts_with(&format!("{peer}: 1 x ")), "{slow:?}");
}

#[tokio::test]
async fn a_thread_that_is_held_is_named() {
    let world = World::new().await;
    let slow = world.slow("/blocked", "slow-blocked").await;
    assert_eq!(slow["cause"], "event_loop");
    assert_most(&slow, "blocked_ms");
}

#[tokio::test]
async fn a_thread_that_another_request_holds_is_named() {
    let world = World::new().await;
    world.get("/pool", "warm-late").await;
    let holding = async {
        let lent = async || world.pool.status().primary.available == 0;
        wait_until("the statement is under way", PATIENCE, lent).await;
        world.get("/blocked", "holds-late").await;
    };
    let (slow, ()) = tokio::join!(world.slow("/brief", "slow-late"), holding);
    assert_eq!(slow["cause"], "event_loop");
    assert_most(&slow, "late_ms");
}

#[tokio::test]
async fn a_slow_client_is_named() {
    let world = World::new().await;
    let pieces = futures_util::stream::unfold(0, async |sent| {
        tokio::time::sleep(LONG / 2).await;
        (sent < 3).then_some((Ok::<_, std::io::Error>("piece"), sent + 1))
    });
    let request = world.served.client.post(world.served.url("/body")).header("x-request-id", "slow-client");
    let request = request.body(reqwest::Body::wrap_stream(pieces));
    Answer::to(&world.served.client, request).await.expect(200);
    let slow = line("slow", "slow request", "slow-client").await;
    assert_eq!(slow["cause"], "client");
    assert_most(&slow, "recv_ms");
}

#[tokio::test]
async fn what_the_handler_does_by_itself_is_the_handlers() {
    let world = World::new().await;
    let slow = world.slow("/sleeps", "slow-handler").await;
    assert_eq!(slow["cause"], "handler");
    assert_most(&slow, "app_ms");
}
