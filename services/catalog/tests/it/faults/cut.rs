//! The database is cut off in the middle of a request: a 503 that tells nothing, nothing stored, and all is well when it is
//! back.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use test_harness::wait_until;

use super::{DEADLINE, Fragile, Held, assert_unavailable, count, traces};

/// What is cut in the middle.
struct Attempt {
    name: &'static str,
    request: RequestBuilder,
    succeeds_with: u16,
}

/// One change of each kind, on records of their own.
async fn attempts(fragile: &Fragile, round: &str) -> Vec<Attempt> {
    let Fragile { app, administrator, .. } = fragile;
    let make = async |name: &str| {
        let made = app.make("diseases", administrator, json!({"name": format!("{name} {round}")})).await;
        format!("/v1/diseases/{}", made["id"].as_str().unwrap_or_default())
    };
    let gone = make("Gone").await;
    app.delete(&gone, Some(administrator)).await.expect(200);
    let asked = |method, path: &str| app.request(method, path, Some(administrator));
    let named = |name: &str| json!({"name": format!("{name} {round}")});
    let many: Vec<Json> = (0..5).map(|n| named(&format!("Many {n}"))).collect();
    let changed = |method, path: &str| asked(method, path).header("If-Match", "*");
    vec![
        Attempt {
            name: "POST",
            request: asked(Method::POST, "/v1/diseases")
                .header("Idempotency-Key", format!("key-{round}"))
                .json(&named("New")),
            succeeds_with: 201,
        },
        Attempt {
            name: "POST /bulk",
            request: asked(Method::POST, "/v1/diseases/bulk").json(&json!({"items": many})),
            succeeds_with: 201,
        },
        Attempt {
            name: "PUT",
            request: changed(Method::PUT, &make("Replaced").await).json(&named("Other")),
            succeeds_with: 200,
        },
        Attempt {
            name: "PATCH",
            request: changed(Method::PATCH, &make("Changed").await).json(&json!({"details": round})),
            succeeds_with: 200,
        },
        Attempt {
            name: "DELETE",
            request: changed(Method::DELETE, &make("Deleted").await),
            succeeds_with: 200,
        },
        Attempt {
            name: "undelete",
            request: asked(Method::POST, &format!("{gone}/undelete")),
            succeeds_with: 200,
        },
    ]
}

/// Cuts every kind of change where it reaches `table`, and then lets it happen.
async fn cut_at(table: &'static str) {
    let fragile = Fragile::start().await;
    let Fragile { app, proxy, .. } = &fragile;
    for attempt in attempts(&fragile, table).await {
        let Attempt { name, request, succeeds_with } = attempt;
        let again = request.try_clone().unwrap_or_else(|| panic!("{name} can be repeated"));
        let before = traces(&app.db).await;
        let mut held = Held::lock(&app.db, table).await;
        let (answer, ()) = tokio::join!(app.send(request), async {
            held.wait_for_somebody().await;
            proxy.cut();
        });
        assert_unavailable(&answer);
        held.release().await;
        everybody_gone(&fragile).await;
        assert_eq!(traces(&app.db).await, before, "{name} cut at {table} left something");
        assert_unavailable(&app.get("/v1/diseases", None).await);
        proxy.restore();
        let answer = app.send(again).await;
        assert_eq!(
            answer.status.as_u16(),
            succeeds_with,
            "{name} after the cut at {table}: {}",
            answer.text()
        );
        assert_eq!(answer.header("idempotency-replayed"), "", "what was rolled back is not replayed");
    }
    fragile.app.stop().await;
}

/// Waits until the server has rolled back what was cut off: its sessions have ended.
async fn everybody_gone(fragile: &Fragile) {
    let mut conn = fragile.app.db.admin().await;
    let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    wait_until("a session goes on after the cut", DEADLINE, async || count(&mut conn, sql).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_before_anything_is_written_leaves_nothing() {
    cut_at("model_clock").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_while_the_record_is_written_leaves_nothing() {
    cut_at("disease").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_the_record_and_its_digest_leaves_nothing() {
    cut_at("digest_leaf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_the_record_and_its_history_leaves_nothing() {
    cut_at("change_log").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_the_record_and_its_event_leaves_nothing() {
    cut_at("outbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_its_way_is_one_effect_or_none() {
    let fragile = Fragile::start().await;
    let Fragile { app, proxy, administrator } = &fragile;
    let body = json!({"name": "Silent"});
    let send = || {
        let request = app.request(Method::POST, "/v1/diseases", Some(administrator));
        app.send(request.header("Idempotency-Key", "silent").json(&body))
    };
    let mut held = Held::lock(&app.db, "change_log").await;
    let (answer, ()) = tokio::join!(send(), async {
        held.wait_for_somebody().await;
        // The statement succeeds, its answer does not come through, and then the line is dead.
        proxy.stall();
        held.release().await;
        let mut conn = app.db.admin().await;
        let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
        wait_until("no statement was finished", DEADLINE, async || count(&mut conn, sql).await > 0).await;
        proxy.cut();
    });
    assert_unavailable(&answer);
    everybody_gone(&fragile).await;
    proxy.restore();
    let first = send().await.expect(201);
    let second = send().await.expect(201);
    assert_eq!((second.header("idempotency-replayed"), &second.body), ("true", &first.body));
    let found = app.get("/v1/diseases?search=silent", None).await.json();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    fragile.app.stop().await;
}
