//! Large bodies both ways, through the real binary, with an eye on its memory.

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use test_harness::wait_until;
use tokio::sync::mpsc;

use crate::harness::{PATIENCE, binary, catch_all, gateway_to, problem_code, upstream};

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 1024;
/// Far below the 64 MiB that pass, far above what buffers need.
const MOST_GROWTH_KIB: u64 = 16 * 1024;

fn chunks() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::iter((0..CHUNKS).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); CHUNK]))))
}

/// Counts and hashes what comes.
async fn digest(mut body: impl futures_util::Stream<Item = Bytes> + Unpin) -> String {
    let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
    while let Some(chunk) = body.next().await {
        length += chunk.len();
        hasher.update(&chunk);
    }
    format!("{length} {}", hasher.finalize().to_hex())
}

fn expected() -> String {
    let mut hasher = blake3::Hasher::new();
    for n in 0..CHUNKS {
        hasher.update(&vec![u8::try_from(n % 251).unwrap(); CHUNK]);
    }
    format!("{} {}", CHUNK * CHUNKS, hasher.finalize().to_hex())
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_megabytes_pass_both_ways_in_bounded_memory() {
    let service = upstream(|app| {
        app.route(
            "/down",
            web::get().to(async || HttpResponse::Ok().content_type("image/png").streaming(chunks())),
        )
        .route(
            "/text",
            web::get().to(async || HttpResponse::Ok().content_type("text/plain").streaming(chunks())),
        )
        .route(
            "/up",
            web::post()
                .to(async |body: web::Payload| digest(Box::pin(body.map(|chunk| chunk.unwrap()))).await),
        );
    });
    let gateway = binary(&catch_all(service.addr, "body_limit_bytes = 0"), &[]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("{}{path}", gateway.base);
    // One request of each kind first, so that what is allocated once is not counted.
    http.get(url("/none")).send().await.unwrap();
    let before = peak_kib(gateway.process.id());

    let down = http.get(url("/down")).send().await.unwrap();
    let down = Box::pin(down.bytes_stream().map(|chunk| chunk.unwrap()));
    assert_eq!(digest(down).await, expected());

    let up = http.post(url("/up")).body(reqwest::Body::wrap_stream(chunks())).send().await.unwrap();
    assert_eq!(up.text().await.unwrap(), expected());

    let sized = http.post(url("/up")).header("content-length", CHUNK * CHUNKS);
    let sized = sized.body(reqwest::Body::wrap_stream(chunks())).send().await.unwrap();
    assert_eq!(sized.text().await.unwrap(), expected());

    let text = http.get(url("/text")).header("accept-encoding", "zstd").send().await.unwrap();
    assert_eq!(text.headers()["content-encoding"], "zstd");
    assert!(text.bytes().await.unwrap().len() < 1_000_000);

    let grown = peak_kib(gateway.process.id()) - before;
    assert!(grown < MOST_GROWTH_KIB, "{grown} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_stops_the_upstream_too() {
    let (sender, mut made) = mpsc::unbounded_channel();
    let service = upstream(move |app| {
        let sender = sender.clone();
        app.default_service(web::to(move || {
            let sender = sender.clone();
            async move {
                HttpResponse::Ok().streaming(chunks().inspect(move |_| {
                    let _ = sender.send(());
                }))
            }
        }));
    });
    let gateway = gateway_to(service.addr, "");
    let mut answer = gateway.get("/").send().await.unwrap();
    answer.chunk().await.unwrap();
    // The upstream makes chunks until every buffer on the way is full, and then no more.
    let mut count = 0;
    wait_until("the upstream to rest", PATIENCE, async || {
        let before = count;
        while made.try_recv().is_ok() {
            count += 1;
        }
        count == before
    })
    .await;
    assert!(count < CHUNKS / 2, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let service = upstream(|app| {
        app.default_service(web::to(async |mut body: web::Payload| {
            let mut length = 0;
            while let Some(Ok(chunk)) = body.next().await {
                length += chunk.len();
            }
            length.to_string()
        }));
    });
    let gateway = gateway_to(service.addr, "body_limit_bytes = 100000");
    let announced = gateway.post("/").body(vec![0; 100_001]).send().await.unwrap();
    assert_eq!(problem_code(announced).await, (413, "payload_too_large".to_owned()));
    let allowed = gateway.post("/").body(vec![0; 100_000]).send().await.unwrap();
    assert_eq!(allowed.text().await.unwrap(), "100000");

    let chunk = "x".repeat(0xffff);
    let mut request =
        String::from("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    for _ in 0..3 {
        request.push_str(&format!("ffff\r\n{chunk}\r\n"));
    }
    request.push_str("0\r\n\r\n");
    let refused = gateway.raw(&request).await;
    assert!(refused.starts_with("HTTP/1.1 413 ") && refused.contains("payload_too_large"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_begin_before_the_request_has_ended() {
    let service = upstream(|app| {
        app.default_service(web::to(async |body: web::Payload| {
            HttpResponse::Ok().content_type("image/png").streaming(body)
        }));
    });
    let gateway = gateway_to(service.addr, "");
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let mut receiver = receiver;
    let body = stream::poll_fn(move |cx| receiver.poll_recv(cx)).map(Ok::<_, std::io::Error>);
    sender.send(Bytes::from_static(b"ping")).unwrap();
    let mut answer = gateway.post("/").body(reqwest::Body::wrap_stream(body)).send().await.unwrap();
    for _ in 0..3 {
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "ping");
        sender.send(Bytes::from_static(b"ping")).unwrap();
    }
    drop(sender);
    assert_eq!(answer.text().await.unwrap(), "ping");
}
