//! The short way and the long way are one to look at: the same random requests, to a gateway that may answer at once and to one that
//! may not, are answered the same and counted the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;
use test_harness::{TestIssuer, wait_until};

use crate::adjustable::{Adjustable, identity};
use crate::harness::raw_upstream;
use crate::http::wire::{Message, Peer};

/// Connections by default, of one to four requests; `ALDIA_WAYS_CONNECTIONS` says otherwise.
const CONNECTIONS: usize = 400;
const APP: &str = "https://app.example.org";
/// How many answers took the short way.
const AT_ONCE: &str = "gateway_cache_answers_at_once_total{service=\"gateway\"}";
/// How many bodies lie in a file; told once a second.
const IN_FILES: &str = "gateway_cache_body_files{service=\"gateway\"}";
const WAIT: Duration = Duration::from_secs(10);

/// When the upstream made what it says so of: nobody else names that second.
static MADE: LazyLock<String> = LazyLock::new(|| super::world::date(-30));

/// What the upstream says at an address, by its last digit: status, fields, octets of the body.
const SAYS: [(&str, &str, usize); 10] = [
    ("200 OK", "cache-control: max-age=600\r\netag: \"v\"\r\ncontent-type: text/plain\r\n", 900),
    ("200 OK", "cache-control: max-age=600\r\nvary: Accept-Language\r\ncontent-type: text/plain\r\n", 20),
    ("200 OK", "cache-control: no-store\r\n", 20),
    (
        "200 OK",
        "cdn-cache-control: max-age=500\r\ncache-control: no-cache\r\netag: \"v\"\r\naccess-control-allow-origin: *\r\n",
        20,
    ),
    ("404 Not Found", "cache-control: max-age=600\r\ncontent-type: text/plain\r\netag: \"v\"\r\n", 20),
    ("200 OK", "cache-control: max-age=0\r\netag: \"v\"\r\n", 20),
    (
        "200 OK",
        "cache-control: public, max-age=600\r\nlast-modified: Tue, 14 Nov 2023 22:00:00 GMT\r\n",
        50_000,
    ),
    ("204 No Content", "cache-control: public, max-age=600\r\netag: W/\"v\"\r\n", 0),
    (
        "200 OK",
        "cache-control: public, max-age=600\r\nx-api-version: 7\r\nvary: Origin\r\netag: \"v\"\r\n",
        20,
    ),
    ("299 Own", "cdn-cache-control: private, principal, max-age=600\r\ncache-control: private\r\n", 20),
];

/// An upstream that answers by nothing but the request.
async fn upstream() -> SocketAddr {
    raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        while let Some(request) = peer.message().await {
            let target = request.line().split(' ').nth(1).unwrap().to_owned();
            let digit = target.bytes().rfind(u8::is_ascii_digit).map_or(0, |digit| digit - b'0');
            let (status, fields, length) = SAYS[usize::from(digit)];
            let language = request.fields("accept-language").join(",");
            let mut body = format!("{target} {language}").repeat(length);
            body.truncate(length);
            let fields =
                if digit % 3 == 0 { format!("date: {}\r\n{fields}", *MADE) } else { fields.to_owned() };
            let validated = request.fields("if-none-match").contains(&"\"v\"") && fields.contains("\"v\"");
            let answer = match () {
                () if validated => format!("HTTP/1.1 304 X\r\n{fields}\r\n"),
                () if length == 0 => format!("HTTP/1.1 {status}\r\n{fields}\r\n"),
                () if request.line().starts_with("HEAD") => {
                    format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n")
                }
                () => format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}"),
            };
            peer.send(answer).await;
        }
    })
    .await
}

/// A gateway that may answer at once, large bodies from files in `files`, or one that may not.
fn start(issuer: &TestIssuer, upstream: SocketAddr, files: Option<&TempDir>) -> Adjustable {
    let files_dir = files.map_or_else(String::new, |files| format!("files_dir = {:?}\n", files.path()));
    let policy = |name: &str, quota: u32, partition: &str| {
        format!(
            "[[rate_limit]]\nname = {name:?}\nquota = {quota}\nwindow_secs = 86400\npartition = {partition:?}\n"
        )
    };
    let route = |name: &str, more: &str| {
        format!("[[route]]\nname = {name:?}\npath = \"/{name}/*\"\nupstream = \"u\"\n{more}\n")
    };
    let text = identity(issuer)
        + "[cache]\n"
        + &files_dir
        + &format!("[cors]\nallow_origins = [{APP:?}]\nexpose_headers = [\"RateLimit\"]\n")
        + &format!("[upstream.u]\nurl = \"http://{upstream}\"\n")
        + &policy("much", 100_000, "address")
        + &policy("own", 80, "principal")
        + &policy("few", 40, "address")
        + &route("open", "auth = \"none\"")
        + &route("plain", "auth = \"none\"\ncompress = false")
        + &route("formats", "auth = \"none\"\nformats = [\"image/webp\", \"image/jpeg\"]")
        + &route("quota", "auth = \"optional\"\nrate_limits = [\"much\", \"own\"]")
        + &route("few", "auth = \"none\"\nrate_limits = [\"few\"]")
        + &route("token", "auth = \"required\"")
        + &route("never", "auth = \"none\"\ncache = false");
    Adjustable::with(&text, |edge| edge.answer_at_once = files.is_some())
}

struct Asked {
    text: String,
    is_head: bool,
}

/// One line, or none, of those that are given.
fn maybe(random: &mut StdRng, text: &mut String, share: f64, lines: &[&str]) {
    if random.random_bool(share) {
        let _ = write!(text, "{}\r\n", lines.choose(random).unwrap());
    }
}

fn compose(random: &mut StdRng, tokens: &[String]) -> Asked {
    let method =
        *["GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "POST"].choose(random).unwrap();
    let route = *["open", "open", "plain", "formats", "quota", "few", "token", "never", "nowhere"]
        .choose(random)
        .unwrap();
    let digit = random.random_range(0..10);
    let target = match random.random_range(0..20) {
        0 => format!("/{route}/%61{digit}"),
        1 => format!("/{route}/a?q=%2F{digit}"),
        2 => format!("http://h/{route}/a{digit}"),
        3 => format!("/{route}//a{digit}"),
        _ => format!("/{route}/a{digit}"),
    };
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", ["h", "H:80"].choose(random).unwrap());
    if random.random_bool(0.5) {
        let _ = write!(text, "authorization: Bearer {}\r\n", tokens.choose(random).unwrap());
    }
    let mut add = |share, lines: &[&str]| maybe(random, &mut text, share, lines);
    add(
        0.3,
        &[
            "accept-encoding: gzip",
            "Accept-Encoding: zstd, br;q=0.5",
            "accept-encoding: identity;q=0",
            "accept-encoding:",
        ],
    );
    add(
        0.25,
        &[
            "if-none-match: \"v\"",
            "if-none-match: W/\"v;zstd\"",
            "if-none-match: \"x\"",
            "if-none-match: *, \"v\"",
        ],
    );
    add(0.1, &["if-modified-since: Tue, 14 Nov 2023 22:00:00 GMT", "if-modified-since: yesterday"]);
    add(0.04, &["if-match: \"v\"", "if-unmodified-since: Tue, 14 Nov 2023 22:00:00 GMT"]);
    add(
        0.08,
        &["range: bytes=0-4", "range: bytes=900000-", "range: lines=1", "if-range: \"v\"\r\nrange: bytes=1-"],
    );
    add(
        0.12,
        &[
            "cache-control: no-cache",
            "cache-control: max-age=0",
            "cache-control: only-if-cached",
            "cache-control: no-store",
            "cache-control: max-stale",
            "pragma: no-cache",
        ],
    );
    add(
        0.2,
        &[
            "accept-language: de",
            "accept-language: de, en;q=0.5",
            "Accept-Language: en\r\naccept-language: fr",
        ],
    );
    add(0.2, &["accept: image/webp", "accept: */*", "accept: image/avif,image/jpeg"]);
    add(0.2, &["origin: https://app.example.org", "origin: https://evil.example", "origin: null"]);
    add(0.1, &["cookie: who=me", "cookie: a=b; c=d"]);
    add(0.1, &["x-request-id: mine.1", "x-request-id: not mine!", "x-request-id: a\r\nx-request-id: b"]);
    add(
        0.1,
        &[
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "traceparent: nonsense",
        ],
    );
    add(
        0.05,
        &[
            "via: 1.1 aldia",
            "via: 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia, 1.1 aldia",
        ],
    );
    add(
        0.05,
        &["te: trailers", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https", "forwarded: host=other"],
    );
    add(
        0.08,
        &[
            "connection: keep-alive",
            "connection: Keep-Alive, x-hop\r\nx-hop: 1",
            "connection: close",
            "upgrade: own\r\nconnection: upgrade",
        ],
    );
    add(0.03, &["expect: 100-continue", "expect: the unexpected", "bad field: 1", "x-obs: \u{e9}"]);
    if method == "POST" || random.random_bool(0.03) {
        text.push_str("content-length: 2\r\n\r\nok");
    } else {
        text.push_str("\r\n");
    }
    Asked { text, is_head: method == "HEAD" }
}

/// Sends them all at once or in pieces; the answers, up to where the connection ends.
async fn exchange(gateway: &Adjustable, asked: &[Asked], cuts: &[usize]) -> Vec<String> {
    let mut peer = Peer::at(gateway.addr).await;
    let text: String = asked.iter().map(|asked| asked.text.as_str()).collect();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        let cut = cut.clamp(from, text.len());
        peer.send(&text.as_bytes()[from..cut]).await;
        tokio::task::yield_now().await;
        from = cut;
    }
    let mut answers = Vec::new();
    for asked in asked {
        let mut answer = loop {
            match peer.head().await {
                Some(interim) if matches!(interim.status(), 100..200) => {}
                Some(answer) => break answer,
                None => return answers,
            }
        };
        peer.body(&mut answer, asked.is_head).await;
        let closes = answer.field("connection") == Some("close");
        answers.push(shown(&answer));
        if closes {
            answers.push(format!("end, and then {} octets", peer.rest().await.len()));
            return answers;
        }
    }
    answers
}

/// An answer without what differs from one to the next: ids that were drawn, and times.
fn shown(answer: &Message) -> String {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in answer.head.lines().skip(1).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let value = match name {
            "x-request-id" if value.len() == 36 => "drawn".to_owned(),
            "x-process-time" | "age" | "retry-after" => "some".to_owned(),
            "date" if value != *MADE => "now".to_owned(),
            "server-timing" => {
                assert!(value.starts_with("total;dur=") && value.contains(", app;dur="), "{value}");
                "some".to_owned()
            }
            "cache-status" => value.split("; ").filter(|part| !part.starts_with("ttl=")).collect(),
            // Units of the large quota come back while the test runs.
            "ratelimit" => {
                let is_time = |part: &&str| part.starts_with("t=") || part.starts_with("r=99");
                let standing =
                    |item: &str| item.split(';').filter(|part| !is_time(part)).collect::<Vec<_>>().join(";");
                value.split(", ").map(standing).collect::<Vec<_>>().join(", ")
            }
            _ => value.to_owned(),
        };
        // Lines of a list say the same as one.
        fields.entry(name.to_owned()).or_default().extend(value.split(", ").map(str::to_owned));
    }
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(mut problem)) => {
            for drawn in ["instance", "request_id", "trace_id"] {
                problem.remove(drawn);
            }
            Value::Object(problem).to_string()
        }
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    format!("{}\n{fields:#?}\n{body}", answer.line())
}

/// All that is counted of requests, without how long they took and which way they went.
async fn counted(gateway: &Adjustable) -> Vec<String> {
    let url = format!("http://{}/metrics", gateway.app.admin_addr());
    let all = gateway.http.get(url).send().await.unwrap().text().await.unwrap();
    let of_requests = [
        "http_server_request_duration_seconds_count",
        "http_server_active_requests",
        "gateway_cache_requests_total",
        "gateway_cache_bypass_total",
        "gateway_rejections_total",
        "gateway_refused_messages_total",
        "gateway_upstream_duration_seconds_count",
    ];
    let of_private_port = "route=\"/";
    let mut lines: Vec<String> = all
        .lines()
        .filter(|line| {
            of_requests.iter().any(|name| line.starts_with(name)) && !line.contains(of_private_port)
        })
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

fn connections() -> usize {
    std::env::var("ALDIA_WAYS_CONNECTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(CONNECTIONS)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_answer_and_count_the_same() {
    let issuer = TestIssuer::start();
    let upstream = upstream().await;
    let files = TempDir::new().unwrap();
    let (short, long) = (start(&issuer, upstream, Some(&files)), start(&issuer, upstream, None));
    let mut tokens: Vec<String> = ["anna", "bert"].map(|name| issuer.token(name, &["reader"])).to_vec();
    tokens.push("no.good.token".to_owned());
    let mut random = StdRng::seed_from_u64(11);
    for number in 0..connections() {
        let asked: Vec<Asked> =
            (0..random.random_range(1..5)).map(|_| compose(&mut random, &tokens)).collect();
        let length: usize = asked.iter().map(|asked| asked.text.len()).sum();
        let mut cuts: Vec<usize> =
            (0..random.random_range(0..3)).map(|_| random.random_range(0..length)).collect();
        cuts.sort_unstable();
        let (one, other) = (exchange(&short, &asked, &cuts).await, exchange(&long, &asked, &cuts).await);
        let sent: String = asked.iter().map(|asked| asked.text.as_str()).collect();
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other, "connection {number}:\n{sent}");
        }
        assert_eq!(one.len(), other.len(), "connection {number}:\n{sent}");
    }
    assert_eq!(counted(&short).await, counted(&long).await);
    let at_once = short.metric(AT_ONCE).await;
    assert!(at_once > connections() as u64 / 10, "{at_once}");
    assert_eq!(long.metric(AT_ONCE).await, 0);
    wait_until("bodies lie in files", WAIT, async || short.metric(IN_FILES).await > 0).await;
}

/// What is asked again and again goes the short way: it would be no use otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_hit_takes_the_short_way_whoever_asks() {
    let issuer = TestIssuer::start();
    let files = TempDir::new().unwrap();
    let gateway = start(&issuer, upstream().await, Some(&files));
    let token = issuer.token("anna", &[]);
    let asks = [
        "GET /open/a0 HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
        "GET /open/a0 HTTP/1.1\r\nhost: h\r\nif-none-match: \"v\"\r\n\r\n".to_owned(),
        "GET /open/a0 HTTP/1.1\r\nhost: h\r\naccept-encoding: gzip, br, zstd\r\n\r\n".to_owned(),
        "GET /open/a6 HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\n\r\n".to_owned(),
        "GET /open/a1 HTTP/1.1\r\nhost: h\r\naccept-language: de\r\norigin: https://app.example.org\r\n\r\n"
            .to_owned(),
        format!("GET /token/a6 HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\r\n"),
        format!("GET /quota/a6 HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\r\n"),
    ];
    for ask in &asks {
        let before = gateway.metric(AT_ONCE).await;
        let mut peer = Peer::at(gateway.addr).await;
        for _ in 0..4 {
            peer.send(ask).await;
            peer.answer().await;
        }
        let after = gateway.metric(AT_ONCE).await;
        assert!(after >= before + 3, "{before} {after} {ask}");
    }
}

/// A write, a purge, a lapse of its lifetime: the short way sees no more than the long one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_not_answered_at_once() {
    let issuer = TestIssuer::start();
    let files = TempDir::new().unwrap();
    let gateway = start(&issuer, upstream().await, Some(&files));
    let mut peer = Peer::at(gateway.addr).await;
    let mut status = async || {
        peer.send("GET /open/a0 HTTP/1.1\r\nhost: h\r\n\r\n").await;
        super::world::status(&peer.answer().await).split("; ").nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!([status().await, status().await], ["fwd=uri-miss", "hit"]);
    for body in [serde_json::json!({ "all": true }), serde_json::json!({ "url": "http://h/open/a0" })] {
        let url = format!("http://{}/_cache/purge", gateway.app.admin_addr());
        let purged = gateway.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(purged.status(), 200, "{body}");
        assert_ne!(status().await, "hit", "{body}");
        assert_eq!(status().await, "hit", "{body}");
    }
}
