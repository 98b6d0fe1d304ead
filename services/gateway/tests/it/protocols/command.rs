//! The command line: a configuration checked and explained, and a plain proxy out of one file.

use std::process::{Command, Output};

use actix_web::{HttpRequest, HttpResponse, web};
use gateway::config::Config;

use crate::harness::{ConfigFile, binary, catch_all, upstream};

/// Everything that can be said about a configuration.
const RICH: &str = r#"
[http]
bind = "0.0.0.0:443"
workers = 4
drain_secs = 30
keep_alive_secs = 20
header_timeout_ms = 5000
send_timeout_ms = 15000
max_connections = 50000
max_connections_per_address = 100
max_requests_per_connection = 1000
receive_buffer_bytes = 131072
max_head_bytes = 32768
max_fields = 64
[http.tls]
certificate = "/etc/aldia/chain.pem"
private_key = "/etc/aldia/key.pem"
[http.http2]
max_concurrent_streams = 64
max_reset_streams = 10
keep_alive_interval_secs = 0
[admin]
bind = "127.0.0.1:9090"
[limits]
max_concurrent_requests = 500
retry_after_secs = 2
[docs]
enabled = false
[identity]
audience = "aldia"
[[identity.issuers]]
issuer = "https://id.example.org"
[forwarded]
trusted = ["10.0.0.0/8"]
[cors]
allow_origins = ["https://app.example.org", "https://*.example.com"]
allow_credentials = true
allow_methods = ["GET"]
[[rate_limit]]
name = "user"
quota = 600
window_secs = 60
burst = 50
partition = "principal"
[[rate_limit]]
name = "net"
quota = 5
window_secs = 1
partition = "address"
[[rate_limit]]
name = "any"
quota = 10
window_secs = 3600
[upstream.plain]
url = "http://127.0.0.1:8001"
[upstream.shop]
instances = ["http://10.1.0.1:80", "http://10.1.0.2:80"]
connect_timeout_ms = 250
idle_timeout_ms = 2000
max_idle_per_worker = 1
max_requests_per_connection = 10000
max_connection_age_secs = 300
send_buffer_bytes = 65536
retries = 1
[upstream.shop.health]
path = "/readyz"
interval_ms = 1000
timeout_ms = 500
unhealthy_after = 2
healthy_after = 1
start_period_secs = 30
expect_status = 204
[upstream.shop.outlier]
consecutive_failures = 10
max_ejected_percent = 30
[upstream.shop.balance]
max_requests = 200
retry_budget_percent = 10
slow_start_ms = 0
panic_routing = false
[upstream.fragile]
url = "http://127.0.0.1:8002"
retries = 0
[upstream.fragile.outlier]
consecutive_failures = 0
[upstream.fragile.balance]
max_requests = 0
[[route]]
name = "shop"
path = ["/v1/shop", "/v1/shop/*"]
methods = ["GET", "POST"]
upstream = "shop"
rate_limits = ["user", "net"]
cost = 5
body_limit_bytes = 0
min_body_rate = 1024
timeout_ms = 2000
try_timeout_ms = 500
stream_idle_ms = 5000
buffering = "both"
upgrades = []
preserve_host = true
formats = ["image/webp", "image/jpeg"]
compress = false
[[route]]
name = "chat"
path = "/v1/chat"
upstream = "plain"
auth = "optional"
rate_limits = ["any"]
upgrades = ["websocket", "mqtt"]
buffering = "response"
stream_idle_ms = 0
min_body_rate = 0
[[route]]
name = "plain"
path = "/*"
upstream = "plain"
auth = "none"
"#;

fn gateway(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ALDIA_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn what_is_not_as_usual_is_said_in_words() {
    insta::assert_snapshot!(gateway::explain(&Config::parse(RICH).unwrap()));
}

#[test]
fn what_is_as_usual_is_not_said() {
    let text = "[cors]\n[upstream.u]\nurl = \"http://127.0.0.1:1\"\n\
                [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n";
    insta::assert_snapshot!(gateway::explain(&Config::parse(text).unwrap()));
}

#[test]
fn a_listener_without_tls_says_what_it_speaks() {
    let say = |http: &str| {
        let text = format!("[http]\n{http}\n{}", catch_all("127.0.0.1:1".parse().unwrap(), ""));
        gateway::explain(&Config::parse(&text).unwrap())
    };
    assert!(
        say("cleartext_http2 = true").contains("\nspeaks HTTP/2 without TLS to clients that begin with it\n")
    );
    let tls = "[http.tls]\ncertificate = \"c.pem\"\nprivate_key = \"k.pem\"\n[http.http2]\nenabled = false";
    assert!(
        say(tls).contains("\nspeaks TLS with the certificate in c.pem and the key in k.pem; HTTP/1.1 only\n")
    );
    assert!(!say("").contains("HTTP"), "{}", say(""));
    assert!(say("").contains("Forwarded"));
    let unbounded = say("[limits]\nmax_concurrent_requests = 0");
    assert!(unbounded.contains("\nserves any number of requests at once\n"), "{unbounded}");
}

#[test]
fn a_good_file_is_explained() {
    let file = ConfigFile::new(RICH);
    let out = gateway(&["--check", file.path()]);
    assert_eq!((out.status.code(), text(&out.stderr)), (Some(0), ""));
    assert_eq!(text(&out.stdout), gateway::explain(&Config::parse(RICH).unwrap()));
    assert_eq!(gateway(&["check", file.path()]).stdout, out.stdout, "the other way to say it");
}

#[test]
fn every_fault_of_a_file_is_named() {
    let file = ConfigFile::new(
        &RICH
            .replace("allow_origins = [\"https://app.example.org\"", "allow_origins = [\"*\"")
            .replace("rate_limits = [\"any\"]", "rate_limits = [\"none\"]")
            .replace("cost = 5", "cost = 6")
            .replace("upstream = \"shop\"", "upstream = \"shops\"")
            .replace("name = \"net\"", "name = \"user\"")
            .replace("expect_status = 204", "expect_status = 42")
            .replace("keep_alive_secs = 20", "keep_alive_secs = 0"),
    );
    let out = gateway(&["--check", file.path()]);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(78), ""));
    insta::assert_snapshot!(text(&out.stderr));
}

#[test]
fn a_file_that_is_not_there_or_is_no_toml_is_a_fault_of_the_configuration() {
    let out = gateway(&["--check", "/nonexistent/gateway.toml"]);
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stderr).contains("/nonexistent/gateway.toml"), "{}", text(&out.stderr));
    let file = ConfigFile::new("[http\n");
    let out = gateway(&["--check", file.path()]);
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stderr).contains(file.path()), "{}", text(&out.stderr));
}

#[test]
fn without_arguments_it_says_how_to_be_used() {
    let out = gateway(&[]);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(64), ""));
    assert!(text(&out.stderr).contains("gateway --help"), "{}", text(&out.stderr));
    let help = gateway(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for word in ["--check", "serve", "check", "problems"] {
        assert!(text(&help.stdout).contains(word), "{word} in {}", text(&help.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_with_one_route_is_a_plain_proxy() {
    let service = upstream(|app| {
        app.default_service(web::to(async |request: HttpRequest, body: web::Bytes| {
            HttpResponse::Accepted()
                .insert_header(("x-seen", format!("{} {}", request.method(), request.uri())))
                .insert_header((
                    "x-token",
                    request.headers().get("authorization").map_or("", |v| v.to_str().unwrap()),
                ))
                .body(body)
        }));
    });
    let mut gateway = binary(&catch_all(service.addr, ""), &[]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path) in [
        ("GET", "/"),
        ("POST", "/a/b?c=d"),
        ("PUT", "/_x/%C3%A9"),
        ("DELETE", "/v1/animals/1"),
        ("PURGE", "/any"),
    ] {
        let method = method.parse::<reqwest::Method>().unwrap();
        let request = client.request(method.clone(), format!("{}{path}", gateway.base));
        let answer =
            request.header("authorization", "Basic b3duOm93bg==").body("content").send().await.unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.headers()["x-seen"], format!("{method} {path}"));
        assert_eq!(answer.headers()["x-token"], "Basic b3duOm93bg==", "nobody else's business");
        assert_eq!(answer.text().await.unwrap(), "content");
    }
    let ready = client.get(format!("{}/readyz", gateway.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    assert!(gateway.process.terminate(crate::harness::PATIENCE).await.success());
}
