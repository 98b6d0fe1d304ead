//! A slow request is logged with its reason (`H-D4`), and answers say where their time went (`H-D7`).

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::Value;
use test_harness::Answer;

use crate::harness::{Binary, binary, catch_all, upstream};

const LONG: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(20);

/// What the line of the request with this id has.
fn slow_of(request_id: &str) -> String {
    format!("\"request_id\":\"{request_id}\",\"message\":\"slow request\"")
}

async fn slow(gateway: &mut Binary, request_id: &str) -> Value {
    let line = gateway.process.wait_for_log(&slow_of(request_id), PATIENCE).await;
    serde_json::from_str(&line).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_and_another_request_that_fetches_are_told_apart() {
    let service = upstream(|app| {
        app.service(web::resource("/kept").route(web::get().to(async || {
            tokio::time::sleep(LONG).await;
            HttpResponse::Ok().insert_header(("cache-control", "max-age=60")).body("kept")
        })));
    });
    let rest = format!(
        "[telemetry]\nslow_request_ms = 100\n[cache]\nmax_bytes = 100000000\n{}",
        catch_all(service.addr, "cache = true")
    );
    let mut gateway = binary(&rest, &[]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |id: &'static str| {
        let request = client.get(format!("{}/kept", gateway.base)).header("x-request-id", id);
        Answer::to(&client, request)
    };
    let (first, second) = tokio::join!(get("first"), get("second"));
    let hit = get("third").await;
    let (leader, follower) =
        if first.part("upstream").is_some() { ("first", "second") } else { ("second", "first") };
    let (led, followed) = if leader == "first" { (&first, &second) } else { (&second, &first) };
    assert!(led.part("upstream") >= Some(300.0) && followed.part("cache_wait") >= Some(300.0));

    let line = slow(&mut gateway, leader).await;
    assert_eq!((&line["cause"], &line["peer"]), (&Value::from("upstream"), &Value::from("u")), "{line}");
    assert!(line["upstream_ms"].as_f64() >= Some(300.0), "{line}");
    assert!(line["peers"].as_str().unwrap().starts_with("u: 1 x "), "{line}");
    assert!(line["cache_status"].as_str().unwrap().contains("fwd=uri-miss"), "{line}");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    let line = slow(&mut gateway, follower).await;
    assert_eq!(line["cause"], "cache_wait", "{line}");
    assert!(line["cache_status"].as_str().unwrap().contains("collapsed"), "{line}");
    assert!(hit.part("total") < Some(100.0) && !gateway.process.logs().contains(&slow_of("third")));
}
