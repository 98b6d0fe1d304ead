//! Random requests of different people, against an upstream that answers each with what is his alone, under random fields that
//! forbid sharing it: nobody ever sees what belongs to somebody else (G-D5).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use test_harness::{TEST_AUDIENCE, TestIssuer};
use tokio::task::JoinSet;

use crate::harness::{Gateway, catch_all, gateway, raw_upstream};
use crate::http::wire::{Message, Peer};

/// How many by default; `ALDIA_PRINCIPALS_REQUESTS` says otherwise, and the promise is held for 1000000.
const REQUESTS: usize = 30_000;
const CLIENTS: usize = 16;
const PEOPLE: [&str; 5] = ["anna", "bert", "carl", "dora", "emil"];
const ADDRESSES: usize = 24;

/// Fields under which an answer may be one person's, whatever he is known by.
const PERSONAL: [&str; 12] = [
    "cache-control: private, max-age=60",
    "cache-control: Private",
    "cache-control: max-age=60, private=\"x y\"",
    "cache-control: public, max-age=60\r\ncdn-cache-control: private, max-age=60",
    "cache-control: no-store",
    "cdn-cache-control: private, principal, max-age=60",
    "cdn-cache-control: principal, private, max-age=60, stale-while-revalidate=60",
    "cache-control: public, max-age=60\r\ncdn-cache-control: private, principal, max-age=60, immutable",
    "cdn-cache-control: private, principal, max-age=1\r\nage: 9\r\ncache-control: public, max-age=999",
    "cache-control: public, max-age=60\r\nvary: *",
    "cache-control: public, max-age=60\r\nset-cookie: who=me",
    "pragma: no-cache",
];
/// Fields under which it is for all.
const COMMON: [&str; 5] = [
    "cache-control: public, max-age=60",
    "cache-control: s-maxage=60",
    "cdn-cache-control: public, max-age=60",
    "cdn-cache-control: public, max-age=1, stale-while-revalidate=60\r\nage: 9",
    "cache-control: max-age=60, must-revalidate",
];

/// Who asks, as far as the upstream can tell.
struct Asker {
    /// By the gateway's word, or by the token itself.
    token: Option<String>,
    cookie: Option<String>,
    header: Option<String>,
}

impl Asker {
    fn of(request: &Message, people: &[(String, &'static str)]) -> Self {
        let authorization = request.fields("authorization").first().copied();
        let known =
            |value: &str| people.iter().find(|(token, _)| value.ends_with(token)).map(|(_, name)| *name);
        let text = |name: &str| request.fields(name).first().map(|value| (*value).to_owned());
        Self {
            token: authorization.map(|value| known(value).unwrap_or("nobody").to_owned()),
            cookie: text("cookie").map(|value| value.trim_start_matches("who=").to_owned()),
            header: text("x-who"),
        }
    }
}

/// Fields and the person the body is for: `all`, or somebody that the fields keep it for.
fn choose(random: &mut StdRng, asker: &Asker) -> (String, String) {
    match random.random_range(0..8) {
        0 | 1 => ((*COMMON.choose(random).unwrap()).to_owned(), "all".to_owned()),
        // Kept apart by what it was selected by.
        2 => {
            let who = asker.cookie.clone().unwrap_or_else(|| "none".to_owned());
            ("cache-control: public, max-age=60\r\nvary: cookie".to_owned(), format!("cookie={who}"))
        }
        3 => {
            let who = asker.header.clone().unwrap_or_else(|| "none".to_owned());
            (
                "cache-control: public, max-age=60\r\nvary: accept-encoding, x-who".to_owned(),
                format!("header={who}"),
            )
        }
        4 => {
            let who = asker.token.clone().unwrap_or_else(|| "none".to_owned());
            ("cache-control: public, max-age=60\r\nvary: Authorization".to_owned(), format!("token={who}"))
        }
        // Nothing said of sharing: for all without credentials, else only for who asked.
        5 => match &asker.token {
            Some(who) => ("cache-control: max-age=60".to_owned(), format!("token={who}")),
            None => ("cache-control: max-age=60".to_owned(), "all".to_owned()),
        },
        _ => {
            let fields = (*PERSONAL.choose(random).unwrap()).to_owned();
            let part =
                |kind: &str, who: &Option<String>| format!("{kind}={}", who.as_deref().unwrap_or("none"));
            let parts =
                [part("token", &asker.token), part("cookie", &asker.cookie), part("header", &asker.header)];
            // A copy for each principal is for whoever has that token, by whatever cookie.
            let shown =
                if fields.contains("principal") && asker.token.is_some() { &parts[..1] } else { &parts[..] };
            (fields, shown.join("&"))
        }
    }
}

/// An upstream that answers with whom the answer is for.
async fn upstream(people: Arc<Vec<(String, &'static str)>>, asked: Arc<AtomicUsize>) -> std::net::SocketAddr {
    raw_upstream(move |stream, number| {
        let (people, asked) = (Arc::clone(&people), Arc::clone(&asked));
        async move {
            let mut random = StdRng::seed_from_u64(number as u64);
            let mut peer = Peer::new(stream);
            while let Some(request) = peer.message().await {
                asked.fetch_add(1, Ordering::Relaxed);
                let asker = Asker::of(&request, &people);
                let (fields, whose) = choose(&mut random, &asker);
                // Sometimes worth coding.
                let filler = if random.random_bool(0.2) { " ".repeat(800) } else { " ".to_owned() };
                let body = format!("for {whose}{filler}");
                let tag = format!("etag: \"{whose}\"");
                if request.fields("if-none-match").contains(&format!("\"{whose}\"").as_str())
                    && random.random_bool(0.8)
                {
                    peer.send(format!("HTTP/1.1 304 X\r\n{fields}\r\n{tag}\r\n\r\n")).await;
                    continue;
                }
                let head = format!(
                    "content-type: text/plain\r\ncontent-length: {}\r\n{fields}\r\n{tag}",
                    body.len()
                );
                let body = if request.line().starts_with("HEAD") { "" } else { &body };
                peer.send(format!("HTTP/1.1 200 X\r\n{head}\r\n\r\n{body}")).await;
            }
        }
    })
    .await
}

/// One client's request, and who he is.
struct Sent {
    text: String,
    is_head: bool,
    token: &'static str,
    cookie: &'static str,
    header: &'static str,
    /// Whether the body can be read as it is.
    whole: bool,
}

fn compose(random: &mut StdRng, people: &[(String, &'static str)]) -> Sent {
    let is_head = random.random_bool(0.15);
    let mut text = format!(
        "{} /{}/{} HTTP/1.1\r\nhost: h\r\n",
        if is_head { "HEAD" } else { "GET" },
        if random.random_bool(0.3) { "blind" } else { "known" },
        random.random_range(0..ADDRESSES)
    );
    let (mut token, mut cookie, mut header, mut whole) = ("none", "none", "none", true);
    if random.random_bool(0.6) {
        let (value, name) = people.choose(random).unwrap();
        token = name;
        let _ = write!(text, "authorization: Bearer {value}\r\n");
    }
    if random.random_bool(0.4) {
        cookie = *PEOPLE.choose(random).unwrap();
        let _ = write!(text, "cookie: who={cookie}\r\n");
    }
    if random.random_bool(0.4) {
        header = *PEOPLE.choose(random).unwrap();
        let _ = write!(text, "x-who: {header}\r\n");
    }
    if random.random_bool(0.2) {
        whole = false;
        text.push_str(
            ["accept-encoding: br\r\n", "accept-encoding: gzip\r\n", "range: bytes=0-40\r\n"]
                .choose(random)
                .unwrap(),
        );
    }
    if random.random_bool(0.2) {
        let other = PEOPLE.choose(random).unwrap();
        let condition = match random.random_range(0..4) {
            0 => format!("if-none-match: \"token={other}\", \"all\"\r\n"),
            1 => "if-none-match: *\r\n".to_owned(),
            2 => "if-modified-since: Fri, 01 Jan 2038 00:00:00 GMT\r\n".to_owned(),
            _ => format!("if-range: \"token={other}\"\r\nrange: bytes=0-\r\n"),
        };
        text.push_str(&condition);
    }
    if random.random_bool(0.15) {
        let wishes =
            ["no-cache", "max-stale", "only-if-cached", "max-age=0", "no-store", "stale-if-error=60"];
        let _ = write!(text, "cache-control: {}\r\n", wishes.choose(random).unwrap());
    }
    text.push_str("\r\n");
    Sent { text, is_head, token, cookie, header, whole }
}

/// Nothing in the answer speaks of anybody but the one who asked.
fn check(sent: &Sent, answer: &Message) {
    let body = String::from_utf8_lossy(&answer.body);
    let tag = answer.fields("etag").first().copied().unwrap_or_default().to_owned();
    let tag = tag.trim_matches('"');
    let tag = tag.split(';').next().unwrap();
    let mut spoken = vec![tag.to_owned()];
    if sent.whole && !sent.is_head && answer.status() == 200 {
        spoken.push(body.trim().trim_start_matches("for ").to_owned());
    }
    for whose in spoken.iter().flat_map(|spoken| spoken.split('&')) {
        let allowed = match whose.split_once('=') {
            Some(("token", who)) => who == sent.token,
            Some(("cookie", who)) => who == sent.cookie,
            Some(("header", who)) => who == sent.header,
            _ => matches!(whose, "all" | ""),
        };
        // What a coding or a part makes of a body, its tag tells.
        assert!(allowed, "{}\nwas answered\n{}{body}", sent.text, answer.head);
    }
}

fn requests() -> usize {
    static REQUESTS_WANTED: LazyLock<usize> = LazyLock::new(|| {
        let said = std::env::var("ALDIA_PRINCIPALS_REQUESTS").ok();
        said.and_then(|text| text.parse().ok()).unwrap_or(REQUESTS)
    });
    *REQUESTS_WANTED
}

fn start(issuer: &TestIssuer, upstream: std::net::SocketAddr) -> Gateway {
    let identity = format!(
        "[identity]\naudience = \"{TEST_AUDIENCE}\"\n[[identity.issuers]]\nissuer = \"{}\"\njwks_url = \"{}\"\n",
        issuer.issuer(),
        issuer.jwks_url()
    );
    // On one route tokens are looked at, on the other they are not.
    let routes = catch_all(upstream, "").replace("auth = \"none\"", "auth = \"optional\"")
        + "[[route]]\nname = \"blind\"\npath = \"/blind/*\"\nupstream = \"u\"\nauth = \"none\"\n";
    gateway(&format!("[cache]\n{identity}{routes}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_is_somebody_elses() {
    let issuer = TestIssuer::start();
    let people: Vec<(String, &'static str)> =
        PEOPLE.iter().map(|name| (issuer.token(name, &[]), *name)).collect();
    let (people, asked) = (Arc::new(people), Arc::new(AtomicUsize::new(0)));
    let upstream = upstream(Arc::clone(&people), Arc::clone(&asked)).await;
    let gateway = start(&issuer, upstream);
    let hits = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mut peer = Peer::to(&gateway).await;
        let (people, hits) = (Arc::clone(&people), Arc::clone(&hits));
        clients.spawn(async move {
            let mut random = StdRng::seed_from_u64(7_000 + client as u64);
            for _ in 0..requests() / CLIENTS {
                let sent = compose(&mut random, &people);
                peer.send(&sent.text).await;
                let answer = if sent.is_head { peer.answer_to_head().await } else { peer.answer().await };
                assert!(
                    matches!(answer.status(), 200 | 206 | 304 | 416 | 504),
                    "{}{}",
                    sent.text,
                    answer.head
                );
                check(&sent, &answer);
                if super::world::is_hit(&answer) {
                    hits.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    // It would be no proof if nothing were kept.
    let (hits, asked) = (hits.load(Ordering::Relaxed), asked.load(Ordering::Relaxed));
    assert!(hits > requests() / 10 && asked > requests() / 20, "{hits} hits, {asked} forwarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_for_each_principal_is_kept_and_is_his_alone() {
    let issuer = TestIssuer::start();
    let (anna, bert) = (issuer.token("anna", &[]), issuer.token("bert", &[]));
    let promoted = issuer.token("anna", &["admin"]);
    let people =
        Arc::new(vec![(anna.clone(), "anna"), (bert.clone(), "bert"), (promoted.clone(), "promoted")]);
    let asked = Arc::new(AtomicUsize::new(0));
    let (known, counted) = (Arc::clone(&people), Arc::clone(&asked));
    let upstream = raw_upstream(move |stream, _| {
        let (people, asked) = (Arc::clone(&known), Arc::clone(&counted));
        async move {
            let mut peer = Peer::new(stream);
            while let Some(request) = peer.message().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let who = Asker::of(&request, &people).token.unwrap_or_else(|| "nobody".to_owned());
                let fields = "cdn-cache-control: private, principal, max-age=60\r\ncache-control: private";
                peer.send(format!(
                    "HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {}\r\n\r\n{who}",
                    who.len()
                ))
                .await;
            }
        }
    })
    .await;
    let gateway = start(&issuer, upstream);
    let ask = async |token: &str| {
        let answer = gateway.get("/known/mine").bearer_auth(token).send().await.unwrap();
        answer.text().await.unwrap()
    };
    for _ in 0..3 {
        for (token, name) in people.iter() {
            assert_eq!(ask(token).await, *name);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3, "each was fetched once");
    // Who is not known by name gets the upstream's own word, each time.
    for _ in 0..2 {
        assert_eq!(gateway.get("/known/mine").send().await.unwrap().text().await.unwrap(), "nobody");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}
