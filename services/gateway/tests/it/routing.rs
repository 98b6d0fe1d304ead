//! Which request goes where, and which goes nowhere.

use actix_web::{HttpRequest, web};

use crate::harness::{gateway, gateway_to, problem_code, upstream};

async fn echo_path(request: HttpRequest) -> String {
    format!("{} {}", request.method(), request.uri())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_route_answers_and_methods_are_kept_apart() {
    let one = upstream(|app| {
        app.default_service(web::to(async || "one"));
    });
    let two = upstream(|app| {
        app.default_service(web::to(async || "two"));
    });
    let gateway = gateway(&format!(
        "[upstream.one]\nurl = \"http://{}\"\n[upstream.two]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"one\"\nauth = \"none\"\n\
         [[route]]\nname = \"animals\"\npath = [\"/v1/animals\", \"/v1/animals/*\"]\nmethods = [\"GET\"]\n\
         upstream = \"two\"\nauth = \"none\"\n",
        one.addr, two.addr
    ));
    for (path, expected) in [
        ("/", "one"),
        ("/v1/animals", "two"),
        ("/v1/animals/1/x", "two"),
        ("/v1/%61nimals", "two"),
        ("/v1/a", "one"),
    ] {
        assert_eq!(gateway.get(path).send().await.unwrap().text().await.unwrap(), expected, "{path}");
    }
    let refused = gateway.post("/v1/animals").send().await.unwrap();
    assert_eq!(refused.headers()["allow"], "GET, HEAD");
    assert_eq!(problem_code(refused).await, (405, "method_not_allowed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_take_turns_and_a_dead_one_is_skipped() {
    let alive = upstream(|app| {
        app.default_service(web::to(async || "alive"));
    });
    let dead = test_harness::free_port();
    let gateway = gateway(&format!(
        "[upstream.u]\ninstances = [\"http://127.0.0.1:{dead}\", \"http://{}\"]\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n",
        alive.addr
    ));
    for _ in 0..4 {
        assert_eq!(gateway.get("/").send().await.unwrap().text().await.unwrap(), "alive");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_a_problem() {
    let one = upstream(|app| {
        app.default_service(web::to(async || "one"));
    });
    let gateway = gateway(&format!(
        "[upstream.one]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"a\"\npath = \"/a\"\nupstream = \"one\"\nauth = \"none\"\n",
        one.addr
    ));
    assert_eq!(problem_code(gateway.get("/b").send().await.unwrap()).await, (404, "not_found".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_sees_the_path_that_was_matched() {
    let echo = upstream(|app| {
        app.default_service(web::to(echo_path));
    });
    let gateway = gateway_to(echo.addr, "");
    let answer = gateway
        .raw("GET /%61b%c3%a4/x%20y?q=%2e%2E&r=%61 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.ends_with("GET /ab%C3%A4/x%20y?q=%2e%2E&r=%61"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_or_message_that_could_be_read_in_two_ways_is_refused() {
    let echo = upstream(|app| {
        app.default_service(web::to(echo_path));
    });
    let gateway = gateway_to(echo.addr, "");
    for target in ["/a/../b", "/a/%2e%2e/b", "/a%2fb", "/a%5cb", "/a%00", "/a//b", "/a/%252e%252e/b", "/a%zz"]
    {
        let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        let answer = gateway.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
        assert!(answer.contains("\"code\":\"ambiguous_target\""), "{target}: {answer}");
    }
    // Some of these are refused by the parser underneath, which has no words for it.
    for (head, code) in [
        ("GET / HTTP/1.1\r\n", ""),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n", ""),
        ("GET / HTTP/1.1\r\nhost: u@a\r\n", "ambiguous_message"),
        ("GET http://a/ HTTP/1.1\r\nhost: b\r\n", ""),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n", ""),
        ("TRACE / HTTP/1.1\r\nhost: a\r\n", "method_not_allowed"),
    ] {
        let answer = gateway.raw(&format!("{head}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{head}: {answer}");
        assert!(answer.contains(&format!("\"code\":\"{code}")) || code.is_empty(), "{head}: {answer}");
    }
}
