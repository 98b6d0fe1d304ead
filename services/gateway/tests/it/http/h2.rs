//! RFC 9113 §8: what came by HTTP/2 is as clean as what came by HTTP/1.1 before it goes to an HTTP/1.1 upstream.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::wire::Recorder;
use crate::harness::{ConfigFile, Gateway, PATIENCE, catch_all, gateway};

/// A gateway with a certificate of its own.
struct Secure {
    gateway: Gateway,
    certificate: CertificateDer<'static>,
    _files: [ConfigFile; 2],
}

impl Secure {
    fn to(upstream: SocketAddr) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = [ConfigFile::new(&made.cert.pem()), ConfigFile::new(&made.signing_key.serialize_pem())];
        let tls =
            format!("[http.tls]\ncertificate = {:?}\nprivate_key = {:?}\n", files[0].path(), files[1].path());
        let gateway = gateway(&format!("{tls}{}", catch_all(upstream, "")));
        Self { gateway, certificate: made.cert.der().clone(), _files: files }
    }

    async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.gateway.addr).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn client(&self) -> h2::client::SendRequest<Bytes> {
        let stream = self.connect(&["h2", "http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        client.ready().await.unwrap()
    }
}

/// The answer to a request, its body and its trailers.
async fn ask(
    client: &mut h2::client::SendRequest<Bytes>,
    request: Request<()>,
    body: Option<(&'static str, Option<HeaderMap>)>,
) -> (http::response::Parts, String, Option<HeaderMap>) {
    let (answer, mut sending) = client.send_request(request, body.is_none()).unwrap();
    if let Some((content, trailers)) = body {
        sending.send_data(Bytes::from_static(content.as_bytes()), trailers.is_none()).unwrap();
        if let Some(trailers) = trailers {
            sending.send_trailers(trailers).unwrap();
        }
    }
    let (parts, mut receiving) = timeout(PATIENCE, answer).await.unwrap().unwrap().into_parts();
    let mut text = Vec::new();
    while let Some(data) = receiving.data().await {
        text.extend_from_slice(&data.unwrap());
    }
    let trailers = receiving.trailers().await.unwrap();
    (parts, String::from_utf8(text).unwrap(), trailers)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_agreed_on_by_tls() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"][..], Some("http/1.1")),
        (&["http/1.1", "h2"][..], Some("h2")),
        (&[][..], None),
    ] {
        let stream = secure.connect(offered).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
    }
    let mut stream = secure.connect(&[]).await;
    stream.write_all(b"GET /one HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    // An orderly end: `read_to_string` fails when TLS is not closed properly.
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let seen = upstream.only();
    assert_eq!(seen.field("x-forwarded-proto"), Some("https"));
    assert!(seen.field("forwarded").unwrap().contains("proto=https"), "{}", seen.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_written_anew_for_the_upstream() {
    let upstream = Recorder::answering(
        "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nupgrade: h2c\r\n\
         content-type: image/png\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: abc\r\n\r\n",
    )
    .await;
    let secure = Secure::to(upstream.addr);
    let mut client = secure.client().await;
    let request = Request::post("https://shop.example:8443/a?b=%2e")
        .header("cookie", "a=1")
        .header("cookie", "b=2; c=3")
        .header("te", "trailers")
        .header("trailer", "x-up")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .body(())
        .unwrap();
    let trailers = HeaderMap::from_iter([("x-up".parse().unwrap(), "7".parse().unwrap())]);
    let (answer, text, trailers) = ask(&mut client, request, Some(("hello", Some(trailers)))).await;
    assert_eq!((answer.status, text.as_str()), (StatusCode::OK, "ok"));
    assert_eq!(trailers.unwrap()["x-sum"], "abc");
    for gone in ["connection", "x-hop", "keep-alive", "upgrade", "transfer-encoding"] {
        assert!(!answer.headers.contains_key(gone), "{gone}");
    }
    let seen = upstream.only();
    assert_eq!(seen.line(), "POST /a?b=%2e HTTP/1.1");
    assert_eq!(seen.field("host"), Some(upstream.addr.to_string().as_str()));
    assert_eq!(seen.field("x-forwarded-host"), Some("shop.example:8443"));
    assert_eq!(seen.field("cookie"), Some("a=1; b=2; c=3"), "one line for those who know no other");
    assert_eq!(seen.fields("x-twice"), ["1", "2"]);
    assert_eq!(seen.field("via"), Some("2.0 aldia"));
    assert_eq!((seen.text(), seen.trailers.as_slice()), ("hello", ["x-up: 7".to_owned()].as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_share_a_connection_and_head_has_no_body() {
    let upstream =
        Recorder::answering("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 2\r\n\r\n").await;
    let secure = Secure::to(upstream.addr);
    let mut client = secure.client().await;
    for n in 0..5 {
        let request = Request::head(format!("https://h/{n}")).body(()).unwrap();
        let (answer, text, _) = ask(&mut client, request, None).await;
        assert_eq!((answer.status, text.as_str()), (StatusCode::OK, ""));
        assert_eq!(answer.headers["content-length"], "2");
    }
    assert_eq!(upstream.seen().len(), 5);
}

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields as HPACK literals that no library had a say in.
fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let string = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], string(name), string(value)].concat()).collect()
}

/// How a request ended that was sent byte by byte.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The first byte of the field section; 0x8c is `:status: 400`.
    Answered(u8),
    Reset(u32),
    Closed,
}

async fn send_frames(secure: &Secure, frames: &[Vec<u8>]) -> Outcome {
    let mut stream = secure.connect(&["h2"]).await;
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    let _ = stream.write_all(&[opening, frames.concat()].concat()).await;
    loop {
        let mut head = [0; 9];
        if timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().is_err() {
            return Outcome::Closed;
        }
        let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        stream.read_exact(&mut payload).await.unwrap();
        match head[3] {
            HEADERS => return Outcome::Answered(payload[0]),
            RESET => return Outcome::Reset(u32::from_be_bytes(payload[..4].try_into().unwrap())),
            AWAY => return Outcome::Closed,
            _ => {}
        }
    }
}

const GOOD: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "h")];

/// Refused by a stream error, by closing the connection, or with 400.
fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reset(1) | Outcome::Closed | Outcome::Answered(0x8c))
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_fields_are_refused() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    for field in [
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("X-Upper", "1"),
        ("x y", "1"),
        ("x\0", "1"),
        ("x:y", "1"),
        ("", "1"),
        ("x", "a\rb"),
        ("x", "a\nb"),
        ("x", "a\r\nhost: other"),
        ("x", "a\0b"),
        ("x", " a"),
        ("x", "a "),
        ("x", "\ta"),
        ("content-length", "x"),
        ("content-length", "-1"),
        ("content-length", "5"),
        ("host", "other"),
        ("host", "h/path"),
        ("expect", "nonsense"),
    ] {
        let block = literals(&[GOOD.as_slice(), &[field]].concat());
        let outcome = send_frames(&secure, &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)]).await;
        let refused =
            is_refusal(&outcome) || (field.0 == "expect" && matches!(outcome, Outcome::Answered(_)));
        assert!(refused, "{field:?}: {outcome:?}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_control_data_is_refused() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    let [method, scheme, path, authority] = GOOD;
    for fields in [
        &[scheme, path, authority][..],
        &[method, path, authority],
        &[method, scheme, authority],
        &[method, scheme, path],
        &[method, method, scheme, path, authority],
        &[method, scheme, path, path, authority],
        &[method, scheme, path, authority, authority],
        &[("x", "1"), method, scheme, path, authority],
        &[method, scheme, path, ("x", "1"), authority],
        &[method, scheme, path, authority, (":status", "200")],
        &[method, scheme, path, authority, (":unknown", "1")],
        &[(":method", "G T"), scheme, path, authority],
        &[(":method", ""), scheme, path, authority],
        &[(":method", "GET / HTTP/1.1\r\nx: "), scheme, path, authority],
        &[method, (":scheme", "ht tp"), path, authority],
        &[method, scheme, (":path", ""), authority],
        &[method, scheme, (":path", "x"), authority],
        &[method, scheme, (":path", "*"), authority],
        &[method, scheme, (":path", "/a b"), authority],
        &[method, scheme, (":path", "/a\r\nx: 1"), authority],
        &[method, scheme, (":path", "/a/../b"), authority],
        &[method, scheme, (":path", "/a%2fb"), authority],
        &[method, scheme, (":path", "http://other/"), authority],
        &[method, scheme, path, (":authority", "")],
        &[method, scheme, path, (":authority", "u@h")],
        &[method, scheme, path, (":authority", "h/x")],
        &[method, scheme, path, (":authority", "a, b")],
        &[method, scheme, path, (":authority", "h:port")],
        &[method, scheme, path, ("host", "a"), ("host", "b")],
    ] {
        let block = literals(fields);
        let outcome = send_frames(&secure, &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)]).await;
        assert!(is_refusal(&outcome), "{fields:?}: {outcome:?}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_opens_no_tunnel() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    for fields in [
        &[(":method", "CONNECT"), (":authority", "h:443")][..],
        &[
            (":method", "CONNECT"),
            (":authority", "h"),
            (":scheme", "https"),
            (":path", "/"),
            (":protocol", "websocket"),
        ],
    ] {
        let block = literals(fields);
        let outcome = send_frames(&secure, &[frame(HEADERS, END_HEADERS, 1, &block)]).await;
        assert!(!matches!(outcome, Outcome::Answered(0x88)), "{fields:?}: {outcome:?}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_than_announced_is_never_completed() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    for (length, body) in [("5", "abc"), ("2", "abc"), ("0", "abc")] {
        let fields = [&[(":method", "POST")], &GOOD[1..], &[("content-length", length)]].concat();
        let frames =
            [frame(HEADERS, END_HEADERS, 1, &literals(&fields)), frame(0, END_STREAM, 1, body.as_bytes())];
        let outcome = send_frames(&secure, &frames).await;
        assert!(!matches!(outcome, Outcome::Answered(0x88)), "{length} {body}: {outcome:?}");
    }
    assert!(upstream.seen().iter().all(|request| !request.complete), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_are_fields_and_nothing_else() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    for trailer in [("X-Upper", "1"), ("connection", "close"), ("x y", "1"), ("x", "a\r\nb"), ("x", "a\0b")] {
        let outcome = send_frames(&secure, &with_trailer(trailer)).await;
        assert!(!matches!(outcome, Outcome::Answered(0x88)), "{trailer:?}: {outcome:?}");
    }
    assert!(upstream.seen().iter().all(|request| !request.complete), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn control_data_in_trailers_changes_nothing() {
    for trailer in [(":path", "/other"), (":method", "PUT"), (":authority", "other"), (":status", "200")] {
        let upstream = Recorder::start().await;
        let secure = Secure::to(upstream.addr);
        send_frames(&secure, &with_trailer(trailer)).await;
        for request in upstream.seen() {
            assert!(request.line() == "POST / HTTP/1.1" && request.trailers.is_empty(), "{request:?}");
        }
    }
}

/// A whole request with this one trailer.
fn with_trailer(trailer: (&str, &str)) -> [Vec<u8>; 3] {
    let fields = [&[(":method", "POST")], &GOOD[1..]].concat();
    [
        frame(HEADERS, END_HEADERS, 1, &literals(&fields)),
        frame(0, 0, 1, b"abc"),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &literals(&[trailer])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_make_no_message_are_refused() {
    let upstream = Recorder::start().await;
    let secure = Secure::to(upstream.addr);
    let fields = literals(&[&[(":method", "POST")], &GOOD[1..]].concat());
    let opened = frame(HEADERS, END_HEADERS, 1, &fields);
    for frames in [
        // A second header section that does not end the stream.
        vec![
            opened.clone(),
            frame(HEADERS, END_HEADERS, 1, &literals(&[("x", "1")])),
            frame(0, END_STREAM, 1, b""),
        ],
        // Another frame within a header section.
        vec![frame(HEADERS, 0, 1, &fields), frame(0, END_STREAM, 1, b"abc")],
        vec![frame(HEADERS, 0, 1, &fields), frame(HEADERS, END_STREAM | END_HEADERS, 3, &literals(&GOOD))],
        // A promise from a client.
        vec![opened.clone(), frame(5, END_HEADERS, 1, &[&[0, 0, 0, 2], literals(&GOOD).as_slice()].concat())],
        // Content for a stream that is not open, or has ended.
        vec![frame(0, END_STREAM, 1, b"abc")],
        vec![frame(HEADERS, END_HEADERS, 2, &fields)],
    ] {
        let outcome = send_frames(&secure, &frames).await;
        assert!(!matches!(outcome, Outcome::Answered(0x88)), "{frames:?}: {outcome:?}");
    }
    assert!(upstream.seen().iter().all(|request| !request.complete), "{:?}", upstream.seen());
}
