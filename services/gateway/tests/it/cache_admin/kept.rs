//! A running gateway explains and purges what it keeps, and counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::harness::{catch_all, gateway, upstream};

/// A gateway with nothing but a cache, in front of a service that counts what it is asked.
struct Caching {
    gateway: crate::harness::Gateway,
    asked: Arc<AtomicUsize>,
    _service: crate::harness::Upstream,
}

fn caching() -> Caching {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let service = upstream(move |app| {
        let counted = Arc::clone(&counted);
        app.default_service(web::to(move |request: HttpRequest| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let family = request.path().trim_start_matches('/').to_owned();
            async move {
                HttpResponse::Ok()
                    .insert_header(("Cache-Control", "max-age=600"))
                    .insert_header(("Cache-Groups", format!("\"{family}\", \"all\"")))
                    .insert_header(("ETag", format!("\"{family}\"")))
                    .insert_header(("Vary", "Accept-Language"))
                    .body(format!("{family} {number}"))
            }
        }));
    });
    let gateway = gateway(&format!("[cache]\n{}", catch_all(service.addr, "")));
    Caching { gateway, asked, _service: service }
}

impl Caching {
    async fn get(&self, path: &str) -> (String, String) {
        let answer = self.gateway.get(path).send().await.unwrap();
        let status = answer.headers()["cache-status"].to_str().unwrap().to_owned();
        (answer.text().await.unwrap(), status)
    }

    async fn explain(&self, path: &str) -> Value {
        let url = format!("http://{}/_cache/explain", self.gateway.admin);
        let asked = self.gateway.http.get(url).query(&[("url", format!("{}{path}", self.gateway.base))]);
        asked.send().await.unwrap().json().await.unwrap()
    }

    async fn purge(&self, body: Value) -> Value {
        let url = format!("http://{}/_cache/purge", self.gateway.admin);
        let answer = self.gateway.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_explained_and_purged_by_address() {
    let caching = caching();
    let told = caching.explain("/animals").await;
    assert_eq!((&told["route"], &told["outcome"]), (&json!("all"), &json!("fwd=uri-miss")), "{told}");
    assert_eq!(caching.get("/animals").await.0, "animals 0");
    let (body, status) = caching.get("/animals").await;
    assert!(body == "animals 0" && status.contains("hit"), "{body}, {status}");

    let told = caching.explain("/animals").await;
    assert_eq!(told["outcome"], "hit", "{told}");
    let variant = &told["kept"][0]["variants"][0];
    assert_eq!((&variant["status"], &variant["is_chosen"]), (&json!(200), &json!(true)), "{told}");
    assert_eq!(variant["etag"], "\"animals\"", "{told}");
    assert_eq!(variant["bytes"]["identity"], 9, "{told}");
    assert!((1..=600).contains(&variant["ttl_secs"].as_i64().unwrap()), "{told}");
    let names: Vec<_> = variant["groups"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["animals", "all"], "{told}");
    assert_eq!(caching.asked.load(Ordering::SeqCst), 1, "asking about it is not asking for it");

    let url = format!("{}/animals", caching.gateway.base);
    assert_eq!(caching.purge(json!({"url": url})).await["entries"], 1);
    assert_eq!(caching.explain("/animals").await["outcome"], "fwd=uri-miss");
    assert_eq!(caching.get("/animals").await.0, "animals 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_a_group_leaves_the_others() {
    let caching = caching();
    caching.get("/animals").await;
    caching.get("/foods").await;
    assert_eq!(caching.purge(json!({"groups": ["animals"]})).await["groups"], 1);
    assert_eq!(caching.purge(json!({"groups": ["nothing"]})).await["groups"], 0);
    assert_eq!(caching.explain("/animals").await["outcome"], "fwd=stale");
    assert_eq!(caching.explain("/foods").await["outcome"], "hit");
    assert_eq!(caching.get("/animals").await.0, "animals 2");
    assert_eq!(caching.get("/foods").await.0, "foods 1");
    caching.purge(json!({"all": true})).await;
    assert_eq!(caching.get("/foods").await.0, "foods 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_which_group_was_written_since() {
    let caching = caching();
    caching.get("/animals").await;
    caching.purge(json!({"groups": ["animals"]})).await;
    let told = caching.explain("/animals").await;
    let variant = &told["kept"][0]["variants"][0];
    assert_eq!(variant["groups"][0], json!({"name": "animals", "is_invalidated": true}), "{told}");
    assert_eq!(variant["groups"][1], json!({"name": "all", "is_invalidated": false}), "{told}");
    assert_eq!(variant["is_current"], false, "{told}");
    assert!(variant["why_not"].as_str().unwrap().contains("animals"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_the_cache_are_in_stats_and_metrics() {
    let caching = caching();
    for _ in 0..3 {
        caching.get("/animals").await;
    }
    let private = format!("http://{}", caching.gateway.admin);
    let stats = caching.gateway.http.get(format!("{private}/_cache/stats")).send().await.unwrap();
    let stats: Value = stats.json().await.unwrap();
    assert_eq!(stats["entries"], 1, "{stats}");
    assert!(stats["bytes"].as_u64().unwrap() > 0, "{stats}");
    let metrics = caching.gateway.http.get(format!("{private}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for (result, number) in [("hit", 2), ("miss", 1), ("bypass", 0)] {
        let line = format!(
            "gateway_cache_requests_total{{service=\"gateway\",route=\"all\",result=\"{result}\"}} {number}\n"
        );
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
}
