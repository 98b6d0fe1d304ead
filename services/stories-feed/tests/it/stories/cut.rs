//! The database is cut off in the middle of a request: a 503 that tells nothing, nothing stored, and all is well when it is back.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use test_harness::{ChaosProxy, Database, TestIssuer, wait_until};

use super::{Scene, id, texts};
use crate::fixtures::number_on;
use crate::harness::{Answer, Harness, TestClock};

/// More than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// Everything that a change leaves.
const TRACES: &str = "SELECT jsonb_build_array( \
     (SELECT count(*) FROM story), (SELECT count(*) FROM story_count), (SELECT count(*) FROM feed_event), \
     (SELECT sum(seq) FROM feed_clock), (SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency_key), \
     (SELECT count(*) FROM story_view), (SELECT sum(views) FROM story_count), (SELECT count(*) FROM story_reaction), \
     (SELECT jsonb_agg(reactions ORDER BY story_id) FROM story_count))::text AS text";

/// A service whose way to the database can be cut.
async fn fragile() -> (Scene, ChaosProxy) {
    let db = Arc::new(Database::create(stories_feed::app::migrations(), "stories-feed").await);
    let proxy = ChaosProxy::to_url(db.url());
    // Nothing but requests speaks to the database.
    let settings = format!("[postgres]\nurl = \"{}\"\n[jobs]\nenabled = false\n", proxy.rewrite(db.url()));
    let app = Harness::on(db, Arc::new(TestIssuer::start()), TestClock::default(), &settings).await;
    (Scene::of(app).await, proxy)
}

/// A table that somebody else has locked against changes, so that requests wait where they reach it.
struct Held {
    conn: AsyncPgConnection,
    /// A transaction sees the server's activity as it was at its first look, so another connection looks.
    observer: AsyncPgConnection,
}

impl Held {
    async fn lock(db: &Database, table: &str) -> Self {
        let mut conn = db.connect().await;
        conn.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")).await.unwrap();
        Self { conn, observer: db.connect().await }
    }

    /// Waits until a request waits for the table.
    async fn wait_for_somebody(&mut self) {
        let sql = "SELECT count(*) AS number FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until("nobody waits", DEADLINE, async || number_on(&mut self.observer, sql).await > 0).await;
    }

    /// Lets those who wait go on, and waits until the server has rolled back what was cut off.
    async fn release(mut self) {
        self.conn.batch_execute("ROLLBACK").await.unwrap();
        let sql = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() \
                   AND pid <> pg_backend_pid() AND state <> 'idle'";
        wait_until("a session goes on", DEADLINE, async || number_on(&mut self.observer, sql).await == 0)
            .await;
    }
}

/// Fails unless it is a 503 that tells when to come back and nothing of what is inside.
#[track_caller]
fn assert_unavailable(answer: &Answer) {
    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let text = answer.text().to_ascii_lowercase();
    for inside in ["postgres", "diesel", "sql", "connection", "feed_clock", "outbox", "127.0.0.1", "lock"] {
        assert!(!text.contains(inside), "{inside:?} in {text}");
    }
}

/// Cuts a request where it reaches each of these tables, and then lets it happen.
async fn cut_at(tables: &[&str], status: u16, make: impl AsyncFn(&Scene, &str) -> RequestBuilder) {
    let (scene, proxy) = fragile().await;
    let db = Arc::clone(&scene.app.db);
    for table in tables {
        let request = make(&scene, table).await.header("Idempotency-Key", *table);
        let again = request.try_clone().unwrap();
        let before = texts(&db, TRACES).await;
        let mut held = Held::lock(&db, table).await;
        let (answer, ()) = tokio::join!(scene.app.send(request), async {
            held.wait_for_somebody().await;
            proxy.cut();
        });
        assert_unavailable(&answer);
        held.release().await;
        assert_eq!(texts(&db, TRACES).await, before, "cut at {table}");
        proxy.restore();
        let answer = scene.app.send(again).await.expect(status);
        assert_eq!(answer.header("idempotency-replayed"), "", "what was rolled back is not replayed");
        assert_ne!(texts(&db, TRACES).await, before, "after the cut at {table}");
    }
    scene.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_cut_off_leaves_nothing() {
    let tables = ["feed_clock", "story", "story_count", "feed_event", "outbox", "idempotency_key"];
    cut_at(&tables, 201, async |scene: &Scene, _: &str| {
        let request = scene.app.request(Method::POST, &scene.stories(), Some(&scene.app.token(scene.ada)));
        request.json(&json!({"type": "text", "caption": "x"}))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_are_cut_off_leave_nothing() {
    cut_at(&["story_view", "story_count", "idempotency_key"], 200, async |scene: &Scene, _: &str| {
        let mut views = Vec::new();
        for _ in 0..3 {
            let story = scene.post(scene.ada, json!({})).await;
            views.push(json!({"story_id": id(&story), "seen_at": scene.app.clock.now()}));
        }
        let token = scene.app.token(scene.bob);
        scene
            .app
            .request(Method::POST, "/v1/stories/views:batch", Some(&token))
            .json(&json!({"views": views}))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_that_is_cut_off_leaves_nothing() {
    let tables = ["story_reaction", "story_count", "feed_event", "idempotency_key"];
    cut_at(&tables, 200, async |scene: &Scene, _: &str| {
        let story = scene.post(scene.ada, json!({})).await;
        let reaction = format!("/v1/stories/{}/reaction", id(&story));
        let request = scene.app.request(Method::PUT, &reaction, Some(&scene.app.token(scene.bob)));
        request.json(&json!({"emoji": "🔥"}))
    })
    .await;
}
