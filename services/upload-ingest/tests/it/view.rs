//! What is taken from view is gone from every gateway before anybody is told that it is (C-A7 for media).

use std::sync::Arc;
use std::time::Duration;

use broadcast::{Broadcast, NatsConfig};
use coherence::{Seal, Tracker, clock};
use freshness::{Domain, EdgeLease, Registry};
use reqwest::Method;
use serde_json::json;
use test_harness::{ChaosProxy, nats_url, redis_url, wait_until};

use crate::harness::{TestApp, number};
use crate::shelf::{Shelf, rendition_url, text};

/// What a gateway knows of writes, without the gateway.
struct Gateway {
    tracker: Arc<Tracker>,
    _lease: EdgeLease,
}

/// What the harness calls the domain: the name of the database.
fn domain_of(app: &TestApp) -> String {
    let config: toml::Table = toml::from_str(&app.config).unwrap();
    config["freshness"]["domain"].as_str().unwrap().to_owned()
}

impl Gateway {
    async fn of(app: &TestApp) -> Self {
        let domain = domain_of(app);
        let nats =
            Broadcast::connect(&NatsConfig { url: nats_url(), ..NatsConfig::default() }).await.unwrap();
        let registry = Registry::connect(&redis_url().into(), &domain).unwrap();
        let tracker = Tracker::leased();
        let lease = EdgeLease::start(registry, nats, Domain::new(&domain).unwrap(), Arc::clone(&tracker), ());
        wait_until("a lease", Duration::from_secs(20), async || tracker.may_answer(clock::now())).await;
        Self { tracker, _lease: lease }
    }

    /// Keeps an answer of these groups, as it was fetched now.
    fn keep(&self, groups: &str) -> Seal {
        let fetched = self.tracker.begin(clock::now()).unwrap();
        self.tracker.admit(fetched, &[groups.trim_matches('"')]).unwrap()
    }

    fn would_answer(&self, kept: &Seal) -> bool {
        kept.is_current(&self.tracker, clock::now())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_shows_nothing_any_more_once_it_is_taken_from_view() {
    let app = TestApp::start().await;
    let (owner, moderator) = (app.token("ada", &[]), app.token("mod", &["moderator"]));
    let gateway = Gateway::of(&app).await;
    let mut shelf = Shelf::of(&app).await;
    for way in ["private", "hide", "delete"] {
        let asset = shelf.photo(&owner, "public").await;
        let path = format!("/v1/assets/{}", text(&asset, "id"));
        let other = shelf.photo(&owner, "public").await;
        let answer = app.get(&rendition_url(&asset, "avif"), None).await.expect(200);
        let kept = gateway.keep(answer.header("cache-groups"));
        let kept_of_other = gateway.keep(&format!("assets/{}", text(&other, "id")));
        assert!(gateway.would_answer(&kept));
        let change = match way {
            "private" => {
                app.request(Method::PATCH, &path, Some(&owner)).json(&json!({"visibility": "private"}))
            }
            "hide" => app.request(Method::POST, &format!("{path}/hide"), Some(&moderator)),
            _ => app.request(Method::DELETE, &path, Some(&owner)),
        };
        let changed = app.send(change.header("If-Match", "*")).await;
        assert!(changed.status.is_success(), "{way}: {}", changed.text());
        assert!(!gateway.would_answer(&kept), "{way}");
        assert!(gateway.would_answer(&kept_of_other), "{way} of another asset");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_loses_sight_of_is_changed_without_telling_gateways() {
    let app = TestApp::start().await;
    let owner = app.token("ada", &[]);
    let gateway = Gateway::of(&app).await;
    let asset = Shelf::of(&app).await.photo(&owner, "public").await;
    let kept = gateway.keep(&format!("assets/{}", text(&asset, "id")));
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let rename = app.request(Method::PATCH, &path, Some(&owner)).header("If-Match", "*");
    app.send(rename.json(&json!({"title": "x"}))).await.expect(200);
    assert!(gateway.would_answer(&kept));
    app.stop().await;
}

/// Where gateways cannot be told, nothing is taken from view, and nobody is told that it was.
#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nothing_is_hidden_and_nothing_is_pretended() {
    let proxy = ChaosProxy::to_url(&redis_url());
    let app = TestApp::with(&format!("[redis]\nurl = \"{}\"", proxy.rewrite(&redis_url()))).await;
    let owner = app.token("ada", &[]);
    let asset = Shelf::of(&app).await.photo(&owner, "public").await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    proxy.cut();
    let delete = || app.send(app.request(Method::DELETE, &path, Some(&owner)).header("If-Match", "*"));
    delete().await.expect_problem(503, "unavailable");
    let deleted = "SELECT count(*) AS number FROM asset WHERE status = 'deleted'";
    assert_eq!(number(&app.db, deleted).await, 0);
    let rename = app.request(Method::PATCH, &path, Some(&owner)).header("If-Match", "*");
    app.send(rename.json(&json!({"title": "x"}))).await.expect(200);
    proxy.restore();
    wait_until("redis is back", Duration::from_secs(20), async || delete().await.status == 204).await;
    app.stop().await;
}
