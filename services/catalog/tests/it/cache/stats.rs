//! What the cache says of itself (C-A10, C-D10).

use catalog::model::registry::Registry;
use serde_json::Value as Json;

use super::{make_disease, start, warm};

#[tokio::test(flavor = "multi_thread")]
async fn hits_and_misses_are_counted_for_each_model() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    let stats = async || app.get("/debug/cache-stats", Some(&admin)).await.expect(200).json();
    let before = stats().await["diseases"].clone();
    warm(&app, &disease, None).await;
    let filled = stats().await["diseases"].clone();
    for _ in 0..9 {
        warm(&app, &disease, None).await;
    }
    let after = stats().await;
    let number = |json: &Json, name: &str| json[name].as_u64().unwrap_or_else(|| panic!("{name} of {json}"));
    let diseases = &after["diseases"];
    assert!(number(&filled, "misses") > number(&before, "misses"), "{filled}");
    assert_eq!(number(diseases, "hits") - number(&filled, "hits"), 9, "{diseases}");
    assert_eq!(number(diseases, "misses"), number(&filled, "misses"));
    assert_eq!(number(diseases, "size"), 1, "{diseases}");
    assert!(number(diseases, "max_size") > 1 && number(diseases, "bytes") > 0);
    let rate = diseases["hit_rate"].as_str().unwrap().trim_end_matches('%').parse::<f64>().unwrap();
    let (hits, misses) = (number(diseases, "hits") as f64, number(diseases, "misses") as f64);
    assert!((rate - 100.0 * hits / (hits + misses)).abs() < 0.1, "{diseases}");
    let models: Vec<&str> = after.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(models.len(), Registry::default().models().len(), "{models:?}");
    let most: u64 = after.as_object().unwrap().values().map(|model| number(model, "max_bytes")).sum();
    assert!(most <= 100 * 1024 * 1024, "{most} bytes");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_see_it_unless_the_configuration_says_otherwise() {
    let (app, _) = start().await;
    let instructor = app.sign_in("instructor").await;
    app.get("/debug/cache-stats", None).await.expect_problem(401, "unauthenticated");
    app.get("/debug/cache-stats", Some(&instructor)).await.expect_problem(403, "forbidden");
    let mut config = app.config.clone();
    config.freshness.open_stats = true;
    let open = app.replica(config).await;
    open.get("/debug/cache-stats", None).await.expect(200);
    open.stop_replica().await;
    app.stop().await;
}
