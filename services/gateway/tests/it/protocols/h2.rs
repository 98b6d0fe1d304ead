//! HTTP/2 by prior knowledge (RFC 9113 §3.3): the exchange as a client sees it, and what a hostile one may do.

use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::adjustable::Adjustable;
use crate::harness::{PATIENCE, catch_all, raw_upstream, read_head};

/// A connection that is served in the background.
pub(super) async fn handshake<S>(stream: S) -> SendRequest<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move {
        // How it ends shows in the requests.
        let _ = connection.await;
    });
    client
}

/// A whole answer.
pub(super) struct Answer {
    parts: http::response::Parts,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn code(&self) -> String {
        assert_eq!(self.parts.headers["content-type"], "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["status"], self.status());
        body["code"].as_str().unwrap().to_owned()
    }
}

pub(super) fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

/// The answer to a request without a body.
pub(super) async fn ask(client: &SendRequest<Bytes>, request: Request<()>) -> Answer {
    let mut client = client.clone().ready().await.unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    whole(timeout(PATIENCE, answer).await.unwrap().unwrap()).await
}

async fn whole(answer: http::Response<RecvStream>) -> Answer {
    let (parts, mut receiving) = answer.into_parts();
    let mut body = Vec::new();
    while let Some(data) = timeout(PATIENCE, receiving.data()).await.unwrap() {
        let data = data.unwrap();
        body.extend_from_slice(&data);
        receiving.flow_control().release_capacity(data.len()).unwrap();
    }
    let trailers = receiving.trailers().await.unwrap();
    Answer { parts, body, trailers }
}

/// Sends content as the windows open.
async fn send(sending: &mut h2::SendStream<Bytes>, mut content: Bytes, last: bool) {
    while !content.is_empty() {
        sending.reserve_capacity(content.len());
        let granted = timeout(PATIENCE, std::future::poll_fn(|cx| sending.poll_capacity(cx))).await.unwrap();
        // A stream that was reset gets no more; the answer says why.
        let Some(Ok(granted)) = granted else { return };
        let piece = content.split_to(granted.min(content.len()));
        if sending.send_data(piece, last && content.is_empty()).is_err() {
            return;
        }
    }
}

fn prior_knowledge(rest: &str) -> Adjustable {
    Adjustable::with(rest, |edge| edge.cleartext_http2 = true)
}

async fn client_of(gateway: &Adjustable) -> SendRequest<Bytes> {
    handshake(TcpStream::connect(gateway.addr).await.unwrap()).await
}

/// Reads to the end of a chunked body; `false` when it does not come.
async fn ends_well(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n0\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => return false,
        }
    }
    true
}

/// An upstream that answers each request, when it is complete, with what it got: the head, then the body if it has a length.
async fn echo() -> std::net::SocketAddr {
    raw_upstream(async |mut stream, _| {
        loop {
            let head = read_head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            let field = |name: &str| {
                head.lines()
                    .filter_map(|line| line.split_once(": "))
                    .find(|(found, _)| *found == name)
                    .map(|(_, value)| value)
            };
            let length = field("content-length").map_or(0, |value| value.parse().unwrap());
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            if field("transfer-encoding").is_some() && !ends_well(&mut stream).await {
                return;
            }
            let answer = [head.as_bytes(), body.as_slice()].concat();
            let start = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(start.as_bytes()).await.unwrap();
            if !head.starts_with("HEAD ") {
                stream.write_all(&answer).await.unwrap();
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_served_on_one_port() {
    let gateway = prior_knowledge(&catch_all(echo().await, ""));
    let client = client_of(&gateway).await;
    let answer = ask(&client, get("http://shop.example/a?b=c")).await;
    assert_eq!(answer.status(), 200);
    let head = answer.text();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    for line in ["x-forwarded-host: shop.example", "x-forwarded-proto: http", "via: 2.0 aldia"] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    assert!(gateway.get("/").send().await.unwrap().text().await.unwrap().contains("via: 1.1 aldia"));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_refused_unless_it_is_allowed() {
    let gateway = Adjustable::start(&catch_all(echo().await, ""));
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 505 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_larger_than_the_windows_pass_both_ways() {
    let gateway = prior_knowledge(&catch_all(echo().await, "body_limit_bytes = 0"));
    let client = client_of(&gateway).await;
    let content: Bytes = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let request = Request::put("http://h/up").header("content-length", content.len()).body(()).unwrap();
    let (answer, mut sending) = client.clone().ready().await.unwrap().send_request(request, false).unwrap();
    send(&mut sending, content.clone(), true).await;
    let answer = whole(timeout(PATIENCE, answer).await.unwrap().unwrap()).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body.starts_with(b"PUT /up HTTP/1.1\r\n"));
    assert!(answer.body.ends_with(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_connection_do_not_wait_for_each_other() {
    const TOGETHER: usize = 20;
    let gate = Arc::new(Semaphore::new(0));
    let (arrive, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let opened = Arc::clone(&gate);
    let addr = raw_upstream(move |mut stream, _| {
        let (gate, arrive) = (Arc::clone(&opened), arrive.clone());
        async move {
            loop {
                let head = read_head(&mut stream).await;
                let Some(path) = head.split(' ').nth(1) else { return };
                if path != "/quick" {
                    arrive.send(()).unwrap();
                    gate.acquire().await.unwrap().forget();
                }
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let gateway = prior_knowledge(&catch_all(addr, ""));
    let client = client_of(&gateway).await;
    let waiting: Vec<_> = (0..TOGETHER)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(
                async move { (number, ask(&client, get(&format!("http://h/{number}"))).await.text()) },
            )
        })
        .collect();
    for _ in 0..TOGETHER {
        timeout(PATIENCE, arrived.recv()).await.unwrap().unwrap();
    }
    assert_eq!(ask(&client, get("http://h/quick")).await.text(), "/quick");
    assert_eq!(gateway.metric("gateway_client_connections").await, 1);
    gate.add_permits(TOGETHER);
    for one in waiting {
        let (number, text) = timeout(PATIENCE, one).await.unwrap().unwrap();
        assert_eq!(text, format!("/{number}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_one_field_for_the_upstream() {
    let gateway = prior_knowledge(&catch_all(echo().await, ""));
    let client = client_of(&gateway).await;
    let request = Request::get("http://h/")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("cookie", "c=3; d=4");
    let head = ask(&client, request.body(()).unwrap()).await.text();
    let cookies: Vec<&str> = head.lines().filter(|line| line.starts_with("cookie")).collect();
    assert_eq!(cookies, ["cookie: a=1; b=2; c=3; d=4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass_both_ways() {
    let addr = raw_upstream(async |mut stream, _| {
        let mut request = read_head(&mut stream).await;
        assert!(request.contains("transfer-encoding: chunked"), "{request}");
        let mut byte = [0; 1];
        while !request.ends_with("\r\nx-sum: 7\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
            request.push(char::from(byte[0]));
        }
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-back\r\n\r\n2\r\nok\r\n0\r\nx-back: 8\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let gateway = prior_knowledge(&catch_all(addr, ""));
    let client = client_of(&gateway).await;
    let request = Request::post("http://h/").header("trailer", "x-sum").body(()).unwrap();
    let (answer, mut sending) = client.clone().ready().await.unwrap().send_request(request, false).unwrap();
    send(&mut sending, Bytes::from_static(b"content"), false).await;
    sending.send_trailers(HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from(7))])).unwrap();
    let answer = whole(timeout(PATIENCE, answer).await.unwrap().unwrap()).await;
    assert_eq!(answer.text(), "ok");
    assert_eq!(answer.trailers.unwrap()["x-back"], "8");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_length_and_no_body() {
    let gateway = prior_knowledge(&catch_all(echo().await, ""));
    let client = client_of(&gateway).await;
    let answer = ask(&client, Request::head("http://h/").body(()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.parts.headers["content-length"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(answer.body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_problems_and_the_connection_goes_on() {
    let gateway = prior_knowledge(&catch_all(echo().await, "body_limit_bytes = 1000").replace("/*", "/a/*"));
    let client = client_of(&gateway).await;
    let nowhere = ask(&client, get("http://h/b")).await;
    assert_eq!((nowhere.status(), nowhere.code().as_str()), (404, "not_found"));
    let ambiguous = ask(&client, get("http://h/a/%2e%2e/b")).await;
    assert_eq!((ambiguous.status(), ambiguous.code().as_str()), (400, "ambiguous_target"));
    // Announced, and not announced.
    for length in [Some(2000), None] {
        let mut request = Request::post("http://h/a/b").body(()).unwrap();
        if let Some(length) = length {
            request.headers_mut().insert("content-length", HeaderValue::from(length));
        }
        let (answer, mut sending) =
            client.clone().ready().await.unwrap().send_request(request, false).unwrap();
        send(&mut sending, Bytes::from(vec![0; 2000]), true).await;
        let answer = whole(timeout(PATIENCE, answer).await.unwrap().unwrap()).await;
        assert_eq!((answer.status(), answer.code().as_str()), (413, "payload_too_large"), "{length:?}");
        assert!(!answer.parts.headers.contains_key("connection"));
    }
    assert_eq!(ask(&client, get("http://h/a/b")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_as_they_are_sent() {
    let (release, mut released) = tokio::sync::watch::channel(0_usize);
    let addr = super::events::source(&mut released).await;
    let gateway = prior_knowledge(&catch_all(addr, ""));
    let client = client_of(&gateway).await;
    let (answer, _) =
        client.clone().ready().await.unwrap().send_request(get("http://h/events"), true).unwrap();
    let mut body = timeout(PATIENCE, answer).await.unwrap().unwrap().into_body();
    for number in 1..=3 {
        release.send_replace(number);
        let event = timeout(PATIENCE, body.data()).await.unwrap().unwrap().unwrap();
        assert_eq!(event, format!("data: {number}\n\n"));
        body.flow_control().release_capacity(event.len()).unwrap();
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn rapid_reset_closes_that_connection_and_others_are_answered() {
    const GOAWAY: u8 = 7;
    const ENHANCE_YOUR_CALM: u32 = 11;
    let gateway = prior_knowledge(&catch_all(echo().await, ""));
    let bystander = client_of(&gateway).await;
    let mut attacker = TcpStream::connect(gateway.addr).await.unwrap();
    let (mut receiving, mut sending) = attacker.split();
    let attack = async {
        let _ = sending.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let _ = sending.write_all(&frame(4, 0, 0, &[])).await;
        // `:method GET`, `:scheme http`, `:path /` and `:authority h`.
        let fields = [0x82, 0x86, 0x84, 0x41, 1, b'h'];
        for number in 0..100_000 {
            let stream = 2 * number + 1;
            let pair = [frame(1, 5, stream, &fields), frame(3, 0, stream, &8_u32.to_be_bytes())].concat();
            if sending.write_all(&pair).await.is_err() {
                return;
            }
        }
    };
    let farewell = async {
        loop {
            let mut head = [0; 9];
            receiving.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            receiving.read_exact(&mut payload).await.ok()?;
            if head[3] == GOAWAY {
                return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
    };
    let (_, reason) = timeout(PATIENCE, async { tokio::join!(attack, farewell) }).await.unwrap();
    assert_eq!(reason, Some(ENHANCE_YOUR_CALM));
    assert_eq!(ask(&bystander, get("http://h/")).await.status(), 200);
    drop(attacker);
    test_harness::wait_until("only the other to be connected", PATIENCE, async || {
        gateway.metric("gateway_client_connections").await == 1
    })
    .await;
}
