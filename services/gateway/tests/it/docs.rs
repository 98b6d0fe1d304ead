//! The joined document, the pages, and the problems.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use test_harness::wait_until;

use crate::harness::{Gateway, PATIENCE, gateway, gateway_to, problem_code, upstream, upstream_at};

fn document(path: &str, kind: &str, code: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "one", "version": "1"},
        "servers": [{"url": "http://inside:1"}],
        "paths": {
            path: {"get": {"responses": {"200": {"description": "d", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}}}}},
            "/livez": {"get": {"responses": {}}},
        },
        "components": {"schemas": {"Item": {"type": kind}}},
        "x-problem-types": [{"code": code, "status": 409, "title": "A title", "doc": "What <to> do."}],
    })
}

fn service(bind: &str, document: Value) -> crate::harness::Upstream {
    upstream_at(bind, move |app| {
        let document = document.clone();
        app.route(
            "/openapi.json",
            web::get().to(move |request: HttpRequest| {
                let unchanged = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"d\"");
                let answer = if unchanged {
                    HttpResponse::NotModified().finish()
                } else {
                    HttpResponse::Ok().insert_header(("etag", "\"d\"")).json(&document)
                };
                async move { answer }
            }),
        );
    })
}

async fn joined(gateway: &Gateway, ready: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    wait_until("the joined document", PATIENCE, async || {
        let answer = gateway.get("/openapi.json").send().await.unwrap();
        if answer.status() != 200 {
            return false;
        }
        found = answer.json().await.unwrap();
        ready(&found)
    })
    .await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_joined_and_a_missing_service_is_named_until_it_comes() {
    let one = service("127.0.0.1:0", document("/v1/a", "object", "a_problem"));
    let port = test_harness::free_port();
    let late = format!("127.0.0.1:{port}");
    let route = |name: &str, path: &str| {
        format!("[[route]]\nname = \"{name}\"\npath = \"{path}\"\nupstream = \"{name}\"\nauth = \"none\"\n")
    };
    let gateway = gateway(&format!(
        "[docs]\ntitle = \"all\"\n[upstream.one]\nurl = \"http://{}\"\nopenapi = \"/openapi.json\"\n\
         [upstream.two]\nurl = \"http://{late}\"\nopenapi = \"/openapi.json\"\n{}{}",
        one.addr,
        route("one", "/v1/a"),
        route("two", "/v1/b/*"),
    ));
    let first = joined(&gateway, |_| true).await;
    assert_eq!(first["x-unavailable"], json!(["two"]));
    assert_eq!(first["paths"].as_object().unwrap().keys().collect::<Vec<_>>(), ["/v1/a"]);

    let _two = service(&late, document("/v1/b/{id}", "string", "b_problem"));
    let all = joined(&gateway, |document| document.get("x-unavailable").is_none()).await;
    assert_eq!(all["openapi"], "3.1.0");
    assert_eq!(all["info"]["title"], "all");
    assert_eq!(all["servers"], json!([{"url": "/"}]));
    assert_eq!(all["paths"].as_object().unwrap().keys().collect::<Vec<_>>(), ["/v1/a", "/v1/b/{id}"]);
    assert_eq!(all["components"]["schemas"]["two.Item"]["type"], "string");

    // Every problem type of every service and of the gateway has a page.
    let listed: Vec<Value> = gateway.get("/problems").send().await.unwrap().json().await.unwrap();
    let codes: Vec<&str> = listed.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    for code in ["a_problem", "b_problem", "not_found", "upstream_unavailable"] {
        assert!(codes.contains(&code), "{code}");
    }
    for problem in &listed {
        let path = problem["type"].as_str().unwrap();
        let page = gateway.get(path).send().await.unwrap();
        assert_eq!(page.json::<Value>().await.unwrap(), *problem);
        let page = gateway.get(path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.text().await.unwrap().contains(problem["code"].as_str().unwrap()));
    }
    let page = gateway.get("/problems/a_problem").header("accept", "text/html").send().await.unwrap();
    assert!(page.text().await.unwrap().contains("What &lt;to&gt; do."));
    assert_eq!(problem_code(gateway.get("/problems/x").send().await.unwrap()).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_had_outlives_its_service_and_is_validated() {
    let one = service("127.0.0.1:0", document("/v1/a", "object", "a_problem"));
    let gateway = gateway(&format!(
        "[docs]\nrefresh_secs = 1\n[upstream.u]\nurl = \"http://{}\"\nopenapi = \"/openapi.json\"\n\
         [[route]]\nname = \"a\"\npath = \"/v1/a\"\nupstream = \"u\"\nauth = \"none\"\n",
        one.addr
    ));
    joined(&gateway, |_| true).await;
    one.handle.stop(false).await;
    let answer = gateway.get("/openapi.json").header("accept-encoding", "br").send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.ends_with(";br\""), "{tag}");
    assert_eq!(answer.headers()["content-encoding"], "br");
    let again = gateway.get("/openapi.json").header("accept-encoding", "br").header("if-none-match", &tag);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"].to_str().unwrap(), tag);
    let head = gateway.http.head(format!("{}/openapi.json", gateway.base)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let refused = gateway.post("/openapi.json").send().await.unwrap();
    assert_eq!(problem_code(refused).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_any_document_was_had_there_is_none() {
    let port = test_harness::free_port();
    let gateway = gateway(&format!(
        "[upstream.u]\nurl = \"http://127.0.0.1:{port}\"\nopenapi = \"/openapi.json\"\n\
         [[route]]\nname = \"a\"\npath = \"/v1/a\"\nupstream = \"u\"\nauth = \"none\"\n",
    ));
    let answer = gateway.get("/openapi.json").send().await.unwrap();
    assert_eq!(problem_code(answer).await, (503, "openapi_unavailable".to_owned()));
    // The gateway's own problems are there all the same.
    assert_eq!(gateway.get("/problems/openapi_unavailable").send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_page_needs_nothing_from_elsewhere() {
    let one = upstream(|_| {});
    let gateway = gateway_to(one.addr, "");
    let moved = gateway.get("/docs").send().await.unwrap();
    assert_eq!((moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()), (308, "/docs/"));
    let page = gateway.get("/docs/").send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = page.text().await.unwrap();
    let assets: Vec<&str> = page
        .split(['"', '\''])
        .filter(|text| [".js", ".css", ".png"].iter().any(|end| text.ends_with(end)))
        .collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        assert!(!asset.contains("//"), "{asset}");
        let answer = gateway.get(&format!("/docs/{}", asset.trim_start_matches("./"))).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{asset}");
        assert!(
            answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'")
        );
    }
    let start = gateway.get("/docs/swagger-initializer.js").send().await.unwrap().text().await.unwrap();
    assert!(start.contains("/openapi.json") && start.contains("\"validatorUrl\": \"none\""), "{start}");
    assert!(!start.contains("http://") && !start.contains("https://"), "{start}");
}
