//! What may be asked at the private port and what is refused, in front of a cache that only remembers what it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use gateway::admin::{
    self, AudienceTold, CacheAdmin, ExplainRequest, Explained, GroupTold, LeaseTold, Purge, Purged, Target,
    VariantTold,
};
use http_server::{HttpConfig, Running, Shell};
use serde_json::{Value, json};
use stall_detector::StallDetector;
use telemetry::TelemetryConfig;
use telemetry::metrics::Metrics;

use crate::harness::problem_code;

/// Answers with what it is told to, and remembers what it was asked.
#[derive(Default)]
struct Recorded {
    explained: Mutex<Vec<ExplainRequest>>,
    purged: Mutex<Vec<Purge>>,
}

impl CacheAdmin for Recorded {
    fn explain(&self, request: &ExplainRequest) -> Explained {
        self.explained.lock().unwrap().push(request.clone());
        let variant = VariantTold {
            vary: [("accept-encoding".to_owned(), "br".to_owned())].into(),
            is_chosen: true,
            status: 200,
            age_secs: 3,
            ttl_secs: -1,
            bytes: [("identity".to_owned(), 10), ("br".to_owned(), 4)].into(),
            groups: vec![GroupTold { name: "animals".to_owned(), is_invalidated: true }],
            why_not: Some("invalidated:animals".to_owned()),
            ..VariantTold::default()
        };
        Explained {
            route: Some("all".to_owned()),
            outcome: "fwd=stale".to_owned(),
            lease: Some(LeaseTold { domain: "catalog".to_owned(), held: true, remaining_ms: 800 }),
            kept: vec![AudienceTold { audience: "anonymous".to_owned(), variants: vec![variant] }],
            ..Explained::default()
        }
    }

    fn purge<'a>(&'a self, purge: &'a Purge) -> LocalBoxFuture<'a, Purged> {
        Box::pin(async {
            self.purged.lock().unwrap().push(purge.clone());
            let edges = [("catalog".to_owned(), Some(2)), ("deaf".to_owned(), None)];
            Purged { entries: 0, groups: 1, edges: edges.into() }
        })
    }

    fn stats(&self) -> Value {
        json!({"entries": 7})
    }

    fn domains(&self) -> Vec<String> {
        vec!["catalog".to_owned()]
    }
}

/// The private port in front of a cache that only remembers.
struct Private {
    cache: Arc<Recorded>,
    addr: SocketAddr,
    http: reqwest::Client,
    _running: Running,
}

fn private() -> Private {
    let cache = Arc::new(Recorded::default());
    let metrics = Metrics::new("gateway");
    let shell = Shell {
        stalls: StallDetector::new(&TelemetryConfig::default(), &metrics),
        service: "gateway",
        version: "0",
        config: HttpConfig { bind: "127.0.0.1:0".to_owned(), workers: 1, ..HttpConfig::default() },
        metrics,
        checks: Vec::new(),
        slow_request: Duration::from_secs(1),
    };
    let mounted = Arc::clone(&cache);
    let running = shell
        .start(move |app| {
            let cache: Arc<dyn CacheAdmin> = Arc::<Recorded>::clone(&mounted);
            admin::configure(app, cache);
        })
        .unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Private { cache, addr: running.addr, http, _running: running }
}

impl Private {
    fn explain(&self, query: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.http.get(format!("http://{}/_cache/explain", self.addr)).query(query)
    }

    async fn purge(&self, body: &Value) -> reqwest::Response {
        self.http.post(format!("http://{}/_cache/purge", self.addr)).json(body).send().await.unwrap()
    }

    /// The code of the problem, and the first place in it that is at fault.
    async fn refused(answer: reqwest::Response) -> (u16, String, String) {
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (status, text(&body["code"]), text(&body["errors"][0]["pointer"]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_is_asked_with_the_fields_and_the_authorization_of_the_request() {
    let private = private();
    let answer = private
        .explain(&[
            ("url", "http://api.example.org/v1/animals?status=alive&x=%20"),
            ("header", "Accept-Encoding: br"),
            ("header", "accept:text/plain"),
            ("header", "Accept: text/html"),
        ])
        .header("authorization", "Bearer abc")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let told: Value = answer.json().await.unwrap();
    let asked = private.cache.explained.lock().unwrap().pop().unwrap();
    assert_eq!(asked.url, "http://api.example.org/v1/animals?status=alive&x=%20");
    assert_eq!(asked.fields["accept-encoding"], "br");
    let accept: Vec<_> = asked.fields.get_all("accept").iter().collect();
    assert_eq!(accept, ["text/plain", "text/html"]);
    assert_eq!(asked.fields["authorization"], "Bearer abc");
    assert_eq!(told["outcome"], "fwd=stale");
    assert_eq!(told["lease"], json!({"domain": "catalog", "held": true, "remaining_ms": 800}));
    let variant = &told["kept"][0]["variants"][0];
    assert_eq!(variant["bytes"], json!({"br": 4, "identity": 10}));
    assert_eq!(variant["groups"], json!([{"name": "animals", "is_invalidated": true}]));
    assert_eq!((&variant["is_current"], &variant["ttl_secs"]), (&json!(false), &json!(-1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_is_refused_by_name() {
    let private = private();
    let long = format!("http://a/{}", "a".repeat(8_192));
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[], "?url"),
        (&[("url", "http://a/"), ("url", "http://b/")], "?url"),
        (&[("url", "/v1/animals")], "?url"),
        (&[("url", "ftp://a/b")], "?url"),
        (&[("url", &long)], "?url"),
        (&[("url", "http://a/"), ("colour", "red")], "?colour"),
        (&[("url", "http://a/"), ("header", "Accept")], "?header"),
        (&[("url", "http://a/"), ("header", "Accept: a\nb")], "?header"),
        (&[("url", "http://a/"), ("header", "authorization: Bearer abc")], "?header"),
    ];
    for (query, pointer) in cases {
        let answer = private.explain(query).send().await.unwrap();
        let expected = (400, "invalid_parameter".to_owned(), pointer.to_owned());
        assert_eq!(Private::refused(answer).await, expected, "{query:?}");
    }
    let many = vec![("header", "a: b"); 101];
    let answer = private.explain(&many).send().await.unwrap();
    assert_eq!(Private::refused(answer).await.2, "?header");
    assert!(private.cache.explained.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_passed_on_as_it_was_meant() {
    let private = private();
    let groups = |domain: Option<&str>, groups: &[&str]| Target::Groups {
        domain: domain.map(str::to_owned),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    let cases = [
        (json!({"groups": ["animals", "animals/42"]}), groups(None, &["animals", "animals/42"]), false),
        (json!({"groups": ["a"], "domain": "catalog", "soft": true}), groups(Some("catalog"), &["a"]), true),
        (json!({"url": "http://a/v1?limit=1"}), Target::Url("http://a/v1?limit=1".parse().unwrap()), false),
        (json!({"all": true, "soft": false}), Target::All, false),
    ];
    for (body, target, soft) in cases {
        let answer = private.purge(&body).await;
        assert_eq!(answer.status(), 200, "{body}");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told, json!({"entries": 0, "groups": 1, "edges": {"catalog": 2, "deaf": null}}));
        assert_eq!(private.cache.purged.lock().unwrap().pop(), Some(Purge { target, soft }), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_that_is_not_clear_purges_nothing() {
    let private = private();
    let cases = [
        (json!({}), ""),
        (json!({"all": true, "url": "http://a/"}), ""),
        (json!({"all": false}), "/all"),
        (json!({"groups": []}), "/groups"),
        (json!({"groups": vec!["a"; 1_001]}), "/groups"),
        (json!({"groups": ["a", "b c"]}), "/groups/1"),
        (json!({"groups": [""]}), "/groups/0"),
        (json!({"groups": ["a".repeat(201)]}), "/groups/0"),
        (json!({"groups": ["a"], "domain": "nobody"}), "/domain"),
        (json!({"all": true, "domain": "catalog"}), "/domain"),
        (json!({"url": "/v1/animals"}), "/url"),
        (json!({"url": "http://a/", "sotf": true}), "/sotf"),
        (json!({"url": "http://a/", "soft": "yes"}), "/soft"),
        (json!({"groups": "a"}), "/groups"),
    ];
    for (body, pointer) in cases {
        let refused = Private::refused(private.purge(&body).await).await;
        assert_eq!(refused, (422, "validation_failed".to_owned(), pointer.to_owned()), "{body}");
    }
    let url = format!("http://{}/_cache/purge", private.addr);
    let form = private.http.post(&url).body("{\"all\":true}").send().await.unwrap();
    assert_eq!(problem_code(form).await, (415, "unsupported_media_type".to_owned()));
    let large = private.http.post(&url).header("content-type", "application/json");
    let large = large.body(format!("{{\"all\":true{}}}", " ".repeat(256 << 10))).send().await.unwrap();
    assert_eq!(problem_code(large).await, (413, "payload_too_large".to_owned()));
    let twice = private.http.post(&url).header("content-type", "application/json");
    let twice = twice.body("{\"all\":true,\"all\":true}").send().await.unwrap();
    assert_eq!(twice.status(), 422);
    let read = private.http.get(&url).send().await.unwrap();
    assert_eq!(read.headers()["allow"], "POST");
    assert_eq!(problem_code(read).await.0, 405);
    assert!(private.cache.purged.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_are_the_caches_own() {
    let private = private();
    let answer = private.http.get(format!("http://{}/_cache/stats", private.addr)).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"entries": 7}));
}
