//! The gateway with the real catalog behind it.

mod late_spans;
mod one_trace;
mod system;

use std::pin::Pin;
use std::process::Command;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_harness::wait_until;
use tokio::io::{AsyncRead, AsyncReadExt};

use self::system::{System, animal, catalog_says};
use crate::harness::{PATIENCE, problem_code};

const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The tag of the version in this coding.
fn tag(version: &Value, coding: &str) -> String {
    if coding == "identity" { format!("\"{version}\"") } else { format!("\"{version};{coding}\"") }
}

async fn decoded(answer: Response) -> Vec<u8> {
    let coding = header(&answer, "content-encoding").to_owned();
    let body = std::io::Cursor::new(answer.bytes().await.unwrap());
    let mut decoder: Pin<Box<dyn AsyncRead + Send>> = match coding.as_str() {
        "gzip" => Box::pin(GzipDecoder::new(body)),
        "br" => Box::pin(BrotliDecoder::new(body)),
        "zstd" => Box::pin(ZstdDecoder::new(body)),
        _ => Box::pin(body),
    };
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).await.unwrap();
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tag_of_a_version_revalidates_and_protects_in_every_coding() {
    let system = System::start().await;
    let breed = system.make_breed().await;
    let mut now = system.make("/v1/animals", &animal("A1", &breed)).await;
    let path = format!("/v1/animals/{}", now["id"].as_str().unwrap());
    let coded =
        |method: Method, coding: &str| system.request(method, &path).header("accept-encoding", coding);

    let plain = system.get(&path).await.bytes().await.unwrap();
    for coding in CODINGS {
        let get = coded(Method::GET, coding).send().await.unwrap();
        let head = coded(Method::HEAD, coding).send().await.unwrap();
        for answer in [&get, &head] {
            assert_eq!(
                (answer.status().as_u16(), header(answer, "etag")),
                (200, &*tag(&now["version"], coding))
            );
            assert_eq!(header(answer, "content-encoding"), if coding == "identity" { "" } else { coding });
            let varies = answer.headers().get_all("vary").iter().any(|by| by == "Accept-Encoding");
            assert!(varies, "{:?}", answer.headers());
        }
        assert_eq!(header(&get, "content-length"), header(&head, "content-length"));
        assert_eq!(decoded(get).await, plain, "{coding}");
    }
    for had in CODINGS {
        for wanted in CODINGS {
            for method in [Method::GET, Method::HEAD] {
                let request = coded(method, wanted).header("if-none-match", tag(&now["version"], had));
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 304, "had {had}, wanted {wanted}");
                assert!(answer.bytes().await.unwrap().is_empty());
            }
        }
    }
    for had in CODINGS {
        for wanted in CODINGS {
            for method in [Method::PATCH, Method::PUT] {
                let tag_before = tag(&now["version"], had);
                let mut body = animal("A1", &breed);
                body["weight_g"] = json!(now["weight_g"].as_i64().unwrap() + 1);
                let change = || coded(method.clone(), wanted).header("if-match", &tag_before).json(&body);
                let answer = change().send().await.unwrap();
                assert_eq!(answer.status(), 200, "{method} with a tag of {had}");
                let tag_after = header(&answer, "etag").to_owned();
                now = serde_json::from_slice(&decoded(answer).await).unwrap();
                assert_eq!(tag_after, tag(&now["version"], wanted));
                assert_eq!(
                    problem_code(change().header("accept-encoding", "identity").send().await.unwrap()).await,
                    (412, "precondition_failed".to_owned())
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_tags_like_a_record_and_head_never_lies_about_it() {
    let system = System::start().await;
    let breed = system.make_breed().await;
    for n in 0..3 {
        system.make("/v1/animals", &animal(&format!("A{n}"), &breed)).await;
    }
    for path in ["/v1/animals?limit=2", "/v1/animals/metadata", "/v1/animals/stats", "/v1/breeds"] {
        for coding in CODINGS {
            let coded = |method| system.request(method, path).header("accept-encoding", coding);
            let get = coded(Method::GET).send().await.unwrap();
            let head = coded(Method::HEAD).send().await.unwrap();
            assert_eq!((get.status().as_u16(), head.status().as_u16()), (200, 200), "{path}");
            let (tag, length) =
                (header(&get, "etag").to_owned(), get.bytes().await.unwrap().len().to_string());
            // RFC 9110 §8.6: the length of what a GET would bring, or none.
            let said = header(&head, "content-length").to_owned();
            assert!(said.is_empty() || said == length, "{path} {coding}: HEAD says {said}, GET has {length}");
            let again = coded(Method::GET).header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), 304, "{path} {coding}");
            let by_head = header(&head, "etag").to_owned();
            let again = coded(Method::GET).header("if-none-match", by_head).send().await.unwrap();
            assert_eq!(again.status(), 304, "{path} {coding}: the tag that HEAD gave");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_closed_before_the_service_is_asked() {
    let system = System::start().await;
    let seen = async || {
        let metrics =
            reqwest::get(format!("{}/metrics", system.catalog)).await.unwrap().text().await.unwrap();
        metrics.lines().filter(|line| line.contains("route=\"/v1/animals\"")).count()
    };
    let animals = format!("{}/v1/animals", system.base);
    let nobody = system.http.get(&animals).send().await.unwrap();
    assert!(header(&nobody, "www-authenticate").starts_with("Bearer"));
    assert_eq!(problem_code(nobody).await, (401, "unauthenticated".to_owned()));
    let forged = format!("{}x", system.token);
    let refused = system.http.get(&animals).bearer_auth(forged).send().await.unwrap();
    assert_eq!(problem_code(refused).await, (401, "unauthenticated".to_owned()));
    assert_eq!(seen().await, 0);
    assert_eq!(system.get("/v1/animals").await.status(), 200);
    assert!(seen().await > 0);
    // Lists that anyone may read, and keys that anyone may check tokens with.
    for path in ["/v1/breeds", "/v1/species", "/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(
            system.http.get(format!("{}{path}", system.base)).send().await.unwrap().status(),
            200,
            "{path}"
        );
    }
    // The service decides as well: what the door lets through may still be refused.
    let body = json!({"name": "x"});
    let anonymous =
        system.http.post(format!("{}/v1/species", system.catalog)).json(&body).send().await.unwrap();
    assert_eq!(problem_code(anonymous).await, (401, "unauthenticated".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_of_the_service_passes_untouched() {
    let system = System::start().await;
    let breed = system.make_breed().await;
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let mut body = animal("A1", &breed);
    body["sex"] = json!("unknown");
    let send = async |base: &str| {
        let request = system.http.post(format!("{base}/v1/animals")).bearer_auth(&system.token).json(&body);
        let request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        request.header("x-request-id", "asked-by-a-test").send().await.unwrap()
    };
    let (direct, through) = (send(&system.catalog).await, send(&system.base).await);
    for answer in [&direct, &through] {
        assert_eq!(
            (answer.status().as_u16(), header(answer, "content-type")),
            (422, "application/problem+json")
        );
        assert_eq!(header(answer, "x-request-id"), "asked-by-a-test");
    }
    let (direct, through) = (direct.bytes().await.unwrap(), through.bytes().await.unwrap());
    assert_eq!(direct, through);
    let problem: Value = serde_json::from_slice(&through).unwrap();
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["pointer"]),
        (&json!("validation_failed"), &json!("/sex"))
    );
    assert_eq!(problem["trace_id"], trace);
    // Its type is an address on this very gateway.
    let page = system.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(page.json::<Value>().await.unwrap()["code"], "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_joined_document_has_the_catalog_and_every_problem_has_its_page() {
    let system = System::start().await;
    let mut document = Value::Null;
    wait_until("the joined document", PATIENCE, async || {
        let answer = system.get("/openapi.json").await;
        let found = answer.status() == 200;
        document = if found { answer.json().await.unwrap() } else { Value::Null };
        found && document["paths"]["/v1/animals"].is_object()
    })
    .await;
    let own: Value =
        reqwest::get(format!("{}/openapi.json", system.catalog)).await.unwrap().json().await.unwrap();
    let joined = document["paths"].as_object().unwrap();
    for (path, methods) in own["paths"].as_object().unwrap() {
        // Health, metrics and the document itself stay inside.
        let public = path.starts_with("/v1/") || path.starts_with("/.well-known/");
        assert_eq!(joined.contains_key(path), public, "{path}");
        for (method, operation) in methods.as_object().unwrap().iter().filter(|_| public) {
            assert_eq!(
                document["paths"][path][method]["operationId"], operation["operationId"],
                "{method} {path}"
            );
        }
    }
    let of_gateway = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("problems").output().unwrap().stdout;
    let of_catalog = catalog_says(&["problems"], &[]).await;
    let lists: [Vec<Value>; 2] =
        [serde_json::from_slice(&of_gateway).unwrap(), serde_json::from_str(&of_catalog).unwrap()];
    assert!(lists.iter().all(|list| list.len() > 10));
    for problem in lists.iter().flatten() {
        let code = problem["code"].as_str().unwrap();
        let page = system.http.get(format!("{}/problems/{code}", system.base)).send().await.unwrap();
        assert_eq!(page.status(), 200, "{code}");
        assert_eq!(page.json::<Value>().await.unwrap()["status"], problem["status"], "{code}");
    }
    assert_eq!(system.get("/docs/").await.status(), 200);
    assert_eq!(problem_code(system.get("/problems/no_such").await).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_in_flight_fails_when_the_gateway_is_told_to_stop() {
    const WRITES: usize = 6;
    const READS: usize = 6;
    let mut system = System::start().await;
    let breed = system.make_breed().await;
    let known = system.make("/v1/animals", &animal("KNOWN", &breed)).await;
    let path = format!("/v1/animals/{}", known["id"].as_str().unwrap());
    let busy = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with("http_server_active_requests{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).unwrap_or(0)
    };

    // The catalog waits for its database, the gateway for the catalog, the clients for the gateway.
    system.network.stall();
    let mut in_flight = Vec::new();
    for n in 0..WRITES + READS {
        let request = if n < WRITES {
            system.request(Method::POST, "/v1/animals").json(&animal(&format!("A{n}"), &breed))
        } else {
            // Each for itself, or the gateway would ask once for all.
            let path = format!("{path}?cache_bust={n}");
            system.request(Method::GET, &path).header("accept-encoding", "br")
        };
        in_flight.push(tokio::spawn(request.send()));
    }
    let metrics = format!("{}/metrics", system.catalog);
    wait_until("all requests are at the catalog", PATIENCE, async || {
        // The request for the metrics is one more.
        busy(&reqwest::get(&metrics).await.unwrap().text().await.unwrap()) > WRITES + READS
    })
    .await;

    let pid = nix::unistd::Pid::from_raw(i32::try_from(system.gateway.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let probe = format!("{}/readyz", system.admin);
    wait_until("readiness fails", PATIENCE, async || {
        reqwest::get(&probe).await.map_or(true, |answer| answer.status() == 503)
    })
    .await;
    wait_until("no new connections", PATIENCE, async || reqwest::get(&system.base).await.is_err()).await;
    assert!(in_flight.iter().all(|request| !request.is_finished()));
    system.network.restore();

    for (n, request) in in_flight.into_iter().enumerate() {
        let answer = request.await.unwrap().unwrap();
        let expected = if n < WRITES { 201 } else { 200 };
        assert_eq!(answer.status(), expected, "request {n}");
        let record: Value = serde_json::from_slice(&decoded(answer).await).unwrap();
        assert!(record["record"].is_string(), "request {n} is whole: {record}");
    }
    assert!(system.gateway.wait(PATIENCE).await.success());
}
