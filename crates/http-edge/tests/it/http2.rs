//! HTTP/2, spoken by the h2 client over cleartext.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{Connection, SendRequest};
use http::Request;
use http_edge::{EdgeConfig, Http2Config};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, until};

fn cleartext() -> EdgeConfig {
    EdgeConfig { cleartext_http2: true, workers: 1, ..EdgeConfig::default() }
}

type Client = SendRequest<Bytes>;

async fn handshake(edge: &Edge) -> (Client, Connection<TcpStream, Bytes>) {
    let stream = TcpStream::connect(edge.addr).await.unwrap();
    h2::client::handshake(stream).await.unwrap()
}

async fn connect(edge: &Edge) -> Client {
    let (client, connection) = handshake(edge).await;
    drop(tokio::spawn(connection));
    client
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://a.example{path}")).body(()).unwrap()
}

async fn body_of(response: h2::client::ResponseFuture) -> Result<String, h2::Error> {
    let mut body = timeout(PATIENCE, response).await.unwrap()?.into_body();
    let mut text = Vec::new();
    while let Some(data) = timeout(PATIENCE, body.data()).await.unwrap() {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        text.extend_from_slice(&data);
    }
    Ok(String::from_utf8(text).unwrap())
}

async fn ask(client: &Client, path: &str) -> Result<String, h2::Error> {
    let mut client = client.clone().ready().await?;
    body_of(client.send_request(get(path), true)?.0).await
}

#[tokio::test]
async fn prior_knowledge_is_taken_where_it_is_configured() {
    let edge = Edge::with(cleartext());
    let client = connect(&edge).await;
    assert!(ask(&client, "/peer").await.unwrap().ends_with(" false true"));
    assert_eq!(ask(&client, "/early").await.unwrap(), "final");
    // HTTP/1.1 goes on beside it.
    assert_eq!(edge.connect().get("/").body, "hello");
}

#[test]
fn prior_knowledge_is_refused_where_it_is_not() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.answer().status(), 505);
}

#[tokio::test]
async fn a_body_goes_up_and_down() {
    let edge = Edge::with(cleartext());
    let mut client = connect(&edge).await.ready().await.unwrap();
    let request = Request::post("http://a.example/echo").body(()).unwrap();
    let (response, mut upload) = client.send_request(request, false).unwrap();
    upload.send_data(Bytes::from(vec![b'x'; 3 * 1024 * 1024]), true).unwrap();
    assert_eq!(body_of(response).await.unwrap().len(), 3 * 1024 * 1024);
}

#[tokio::test]
async fn a_reset_stream_cancels_its_request() {
    let edge = Edge::with(cleartext());
    let mut client = connect(&edge).await.ready().await.unwrap();
    let (response, mut stream) = client.send_request(get("/hang"), true).unwrap();
    while edge.probe.under_way.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    stream.send_reset(Reason::CANCEL);
    drop(response);
    while edge.probe.under_way.load(SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&client, "/").await.unwrap(), "hello");
}

#[tokio::test]
async fn a_panic_ends_its_stream_and_nothing_else() {
    let edge = Edge::with(cleartext());
    let client = connect(&edge).await;
    assert!(ask(&client, "/panic").await.is_err());
    assert_eq!(ask(&client, "/").await.unwrap(), "hello");
}

/// A GET of `/hang` on the stream.
fn headers_frame(stream: u32) -> Vec<u8> {
    // :method GET and :scheme http from the static table, then :path and :authority as literals (RFC 7541).
    let block = b"\x82\x86\x04\x05/hang\x01\x01a";
    let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 0x5];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(block);
    frame
}

fn reset_frame(stream: u32) -> Vec<u8> {
    let mut frame = vec![0, 0, 4, 3, 0];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 8]);
    frame
}

const BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The error code of the GOAWAY that ends the connection, if one came before the end.
fn goaway(stream: &mut std::net::TcpStream) -> Option<u32> {
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == 7 {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    None
}

#[tokio::test]
async fn rapid_reset_closes_the_connection_and_harms_nobody() {
    let edge = Edge::with(cleartext());
    let bystander = connect(&edge).await;
    let mut attacker = edge.connect();
    attacker.send(BEGINNING);
    for round in 0..1000 {
        let streams = (0..100).map(|number| 2 * (100 * round + number) + 1);
        let frames: Vec<u8> =
            streams.flat_map(|stream| [headers_frame(stream), reset_frame(stream)].concat()).collect();
        if attacker.stream.write_all(&frames).is_err() {
            break;
        }
    }
    assert_eq!(goaway(&mut attacker.stream), Some(Reason::ENHANCE_YOUR_CALM.into()));
    assert_eq!(ask(&bystander, "/").await.unwrap(), "hello");
    assert!(edge.probe.started.load(SeqCst) < 1000);
    until("no request is left", || edge.probe.under_way.load(SeqCst) == 0);
}

/// The slow kind: every request is let run before it is reset, so that h2 sees nothing amiss.
#[test]
fn a_connection_that_cancels_nearly_everything_is_closed() {
    let edge = Edge::with(cleartext());
    let mut attacker = edge.connect();
    attacker.send(BEGINNING);
    let mut cancelled = 0;
    while edge.probe.closed.load(SeqCst) == 0 {
        let stream = 2 * cancelled + 1;
        let _gone = attacker.stream.write_all(&headers_frame(stream));
        until("the request runs, or no more is taken", || {
            edge.probe.under_way.load(SeqCst) == 1 || edge.probe.closed.load(SeqCst) == 1
        });
        let _gone = attacker.stream.write_all(&reset_frame(stream));
        until("it is cancelled", || edge.probe.under_way.load(SeqCst) == 0);
        cancelled += 1;
        assert!(cancelled < 1000, "never stopped");
    }
    assert!(cancelled >= 200, "{cancelled} are not many");
    assert_eq!(edge.connect().get("/").body, "hello");
}

#[tokio::test]
async fn streams_beyond_the_limit_wait() {
    let http2 = Http2Config { max_concurrent_streams: 2, ..Http2Config::default() };
    let edge = Edge::with(EdgeConfig { http2, ..cleartext() });
    let client = connect(&edge).await;
    // The server's settings have arrived with the first answer.
    assert_eq!(ask(&client, "/").await.unwrap(), "hello");
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client, "/wait").await.unwrap() })
        })
        .collect();
    for done in 0..4 {
        while edge.probe.started.load(SeqCst) < 3 + done.min(2) {
            tokio::task::yield_now().await;
        }
        assert!(edge.probe.under_way.load(SeqCst) <= 2);
        edge.probe.gate.add_permits(1);
    }
    for one in asked {
        assert_eq!(timeout(PATIENCE, one).await.unwrap().unwrap(), "waited");
    }
}

#[tokio::test]
async fn a_stream_whose_client_takes_nothing_is_reset_and_others_go_on() {
    let edge = Edge::with(EdgeConfig { send_timeout_ms: 200, ..cleartext() });
    let stream = TcpStream::connect(edge.addr).await.unwrap();
    // There is room on the connection, and little on each stream.
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1024 * 1024);
    let (client, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
    drop(tokio::spawn(connection));
    let mut ready = client.clone().ready().await.unwrap();
    let (response, _) = ready.send_request(get("/endless"), true).unwrap();
    let mut body = timeout(PATIENCE, response).await.unwrap().unwrap().into_body();
    let ended = timeout(PATIENCE, async {
        loop {
            // The window is never opened again.
            if let Err(error) = body.data().await.unwrap() {
                break error;
            }
        }
    });
    assert!(ended.await.unwrap().is_reset());
    until("the body is dropped", || edge.probe.under_way.load(SeqCst) == 0);
    assert_eq!(ask(&client, "/").await.unwrap(), "hello");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let edge = Edge::with(EdgeConfig { keep_alive_secs: 1, ..cleartext() });
    let (client, connection) = handshake(&edge).await;
    let driver = tokio::spawn(connection);
    assert_eq!(ask(&client, "/").await.unwrap(), "hello");
    timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    until("it is counted out", || edge.probe.closed.load(SeqCst) == 1);
}

#[tokio::test]
async fn a_drain_answers_what_is_under_way_and_takes_nothing_new() {
    let mut edge = Edge::with(cleartext());
    let (client, connection) = handshake(&edge).await;
    let driver = tokio::spawn(connection);
    let under_way = tokio::spawn({
        let client = client.clone();
        async move { ask(&client, "/wait").await.unwrap() }
    });
    while edge.probe.under_way.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    edge.handle.drain();
    while client.clone().ready().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    edge.probe.gate.add_permits(1);
    assert_eq!(timeout(PATIENCE, under_way).await.unwrap().unwrap(), "waited");
    timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    edge.until_stopped().await;
}
