//! Pages of other origins (Fetch §3.2), through the gateway: with tokens, quotas and an upstream that has its own ideas.

use actix_web::{HttpResponse, web};
use http::{HeaderMap, Method};
use reqwest::{RequestBuilder, Response};
use test_harness::TestIssuer;

use crate::adjustable::{Adjustable, identity};
use crate::harness::upstream;

const APP: &str = "https://app.example.org";
const STRANGER: &str = "https://evil.example";

/// One route that wants a token, one that has a quota of one request, and an upstream that allows everything to everybody.
fn start(issuer: &TestIssuer, cors: &str) -> Adjustable {
    let service = upstream(|app| {
        app.default_service(web::to(async || {
            HttpResponse::Ok()
                .insert_header(("access-control-allow-origin", "*"))
                .insert_header(("access-control-allow-credentials", "true"))
                .insert_header(("access-control-expose-headers", "x-secret"))
                .body("from the service")
        }));
    });
    let text = identity(issuer)
        + &format!("[cors]\n{cors}\n[upstream.u]\nurl = \"http://{}\"\n", service.addr)
        + "[[rate_limit]]\nname = \"once\"\nquota = 1\nwindow_secs = 3600\n\
           [[route]]\nname = \"private\"\npath = \"/private\"\nupstream = \"u\"\n\
           [[route]]\nname = \"open\"\npath = \"/open\"\nupstream = \"u\"\nauth = \"none\"\n\
           [[route]]\nname = \"few\"\npath = \"/few\"\nupstream = \"u\"\nauth = \"none\"\nrate_limits = [\"once\"]\n";
    Adjustable::start(&text)
}

fn listed(issuer: &TestIssuer) -> Adjustable {
    start(issuer, &format!("allow_origins = [{APP:?}]\nexpose_headers = [\"RateLimit\", \"Retry-After\"]"))
}

fn preflight(gateway: &Adjustable, path: &str, origin: &str) -> RequestBuilder {
    gateway
        .http
        .request(Method::OPTIONS, format!("{}{path}", gateway.base))
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "authorization,if-match")
}

/// All that concerns other origins, sorted.
fn shown(headers: &HeaderMap) -> Vec<String> {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut lines: Vec<_> =
        ours.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn varies(answer: &Response) -> bool {
    let lines = answer.headers().get_all("vary").iter().map(|line| line.to_str().unwrap());
    lines.flat_map(|line| line.split(',')).any(|name| name.trim().eq_ignore_ascii_case("origin"))
}

fn allowed() -> Vec<String> {
    vec![
        format!("access-control-allow-origin: {APP}"),
        "access-control-expose-headers: RateLimit, Retry-After".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_needs_no_token_and_no_quota() {
    let issuer = TestIssuer::start();
    let gateway = listed(&issuer);
    for path in ["/private", "/open", "/few", "/few", "/few"] {
        let answer = preflight(&gateway, path, APP).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], APP);
        assert_eq!(headers["access-control-allow-methods"], "GET, HEAD, POST, PUT, PATCH, DELETE");
        let names = headers["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
        for name in ["authorization", "if-match"] {
            assert!(names.split(", ").any(|listed| listed == name), "{name} in {names}");
        }
        assert_eq!(headers["access-control-max-age"], "600");
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert!(!headers.contains_key("ratelimit"));
        assert!(varies(&answer));
        assert!(answer.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_are_no_preflight_go_the_common_way() {
    let issuer = TestIssuer::start();
    let gateway = listed(&issuer);
    let options = |path: &str| gateway.http.request(Method::OPTIONS, format!("{}{path}", gateway.base));
    assert_eq!(options("/private").header("origin", APP).send().await.unwrap().status(), 401);
    let answer = options("/open").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "from the service"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_can_read_every_answer_also_a_refusal() {
    let issuer = TestIssuer::start();
    let gateway = listed(&issuer);
    for (path, status) in [("/open", 200), ("/private", 401), ("/nowhere", 404), ("/few", 200), ("/few", 429)]
    {
        let answer = gateway.get(path).header("origin", APP).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(shown(answer.headers()), allowed(), "{path} {status}: what the upstream says is replaced");
        assert!(varies(&answer), "{path}");
    }
    let token = issuer.token("mara", &[]);
    let answer = gateway.get("/private").bearer_auth(token).header("origin", APP).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), shown(answer.headers())), (200, allowed()));
    // The gateway's own pages too.
    let page = gateway.get("/problems").header("origin", APP).send().await.unwrap();
    assert_eq!((page.status().as_u16(), shown(page.headers())), (200, allowed()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_is_allowed_nothing() {
    let issuer = TestIssuer::start();
    let gateway = listed(&issuer);
    for origin in [STRANGER, "null", "http://app.example.org", "https://app.example.org.evil.example"] {
        let answer = preflight(&gateway, "/open", origin).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), shown(answer.headers())), (204, vec![]), "{origin}");
        for (path, status) in [("/open", 200), ("/private", 401), ("/nowhere", 404)] {
            let answer = gateway.get(path).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), status, "CORS keeps no request away");
            assert_eq!(shown(answer.headers()), Vec::<String>::new(), "{origin} {path}");
            assert!(varies(&answer), "a cache must not give this to the right origin");
        }
    }
    let without = gateway.get("/open").send().await.unwrap();
    assert_eq!(shown(without.headers()), Vec::<String>::new());
    assert!(varies(&without));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_may_read_what_is_for_everybody() {
    let issuer = TestIssuer::start();
    let gateway = start(&issuer, "allow_origins = [\"*\"]\nexpose_headers = []");
    for request in [gateway.get("/open"), gateway.get("/open").header("origin", STRANGER)] {
        let answer = request.send().await.unwrap();
        assert_eq!(shown(answer.headers()), ["access-control-allow-origin: *"]);
        assert!(!varies(&answer), "the same for all");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_the_upstreams_word_stands() {
    let issuer = TestIssuer::start();
    let gateway = start(&issuer, "");
    let answer = gateway.get("/open").header("origin", STRANGER).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["access-control-expose-headers"], "x-secret");
    let preflight = preflight(&gateway, "/open", APP).send().await.unwrap();
    assert_eq!(preflight.text().await.unwrap(), "from the service", "passed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_for_named_origins() {
    let issuer = TestIssuer::start();
    let gateway =
        start(&issuer, &format!("allow_origins = [{APP:?}]\nallow_credentials = true\nexpose_headers = []"));
    let answer = gateway.get("/open").header("origin", APP).send().await.unwrap();
    assert_eq!(
        shown(answer.headers()),
        ["access-control-allow-credentials: true".to_owned(), format!("access-control-allow-origin: {APP}")]
    );
    let text = "[cors]\nallow_origins = [\"*\"]\nallow_credentials = true\nmax_age_secs = 100000\n\
                [upstream.u]\nurl = \"http://127.0.0.1:1\"\n\
                [[route]]\nname = \"a\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n";
    let config = gateway::config::Config::parse(text).unwrap();
    let refused = gateway::Gateway::build(&config, &telemetry::metrics::Metrics::new("test"));
    let message = refused.err().unwrap().to_string();
    assert!(
        message.contains("cors.allow_origins: must not be `*` when allow_credentials is true"),
        "{message}"
    );
    assert!(message.contains("cors.max_age_secs: must be at most 86400"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_holds_from_the_reload_on() {
    let service = upstream(|app| {
        app.default_service(web::to(async || "served"));
    });
    let text = |origin: &str| {
        format!("[cors]\nallow_origins = [{origin:?}]\n{}", crate::harness::catch_all(service.addr, ""))
    };
    let gateway = Adjustable::start(&text(APP));
    let may = async |origin: &str| {
        let answer = gateway.get("/").header("origin", origin).send().await.unwrap();
        answer.headers().contains_key("access-control-allow-origin")
    };
    assert_eq!((may(APP).await, may(STRANGER).await), (true, false));
    gateway.reload(&text(STRANGER));
    assert_eq!((may(APP).await, may(STRANGER).await), (false, true));
}
