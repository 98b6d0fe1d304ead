//! Codings of what is stored: each is made once, is right, and says so (RFC 9110 §8.4, RFC 9530, `X-D1`).

use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::world::{World, is_hit};
use crate::http::wire::Message;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

async fn decoded(answer: &Message) -> Vec<u8> {
    let body = std::io::Cursor::new(answer.body.clone());
    let mut decoder: Pin<Box<dyn AsyncRead + Send>> = match answer.field("content-encoding") {
        Some("gzip") => Box::pin(GzipDecoder::new(body)),
        Some("br") => Box::pin(BrotliDecoder::new(body)),
        Some("zstd") => Box::pin(ZstdDecoder::new(body)),
        _ => Box::pin(body),
    };
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).await.unwrap();
    out
}

fn text(length: usize) -> String {
    (0..length).map(|at| char::from(b'a' + u8::try_from(at * at / 7 % 26).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_coding_is_right_and_the_same_each_time() {
    let world = World::new().await;
    // Below and above what is coded in place.
    for length in [600, 60_000, 300_000] {
        let target = format!("/{length}");
        let body = text(length);
        world.say(
            &target,
            &[&format!("200\ncache-control: max-age=600\ncontent-type: text/plain\netag: \"v\"\n\n{body}")],
        );
        let mut tags = Vec::new();
        for coding in CODINGS {
            let first = world.ask("GET", &target, &format!("accept-encoding: {coding}\n")).await;
            let second = world.ask("GET", &target, &format!("accept-encoding: {coding}\n")).await;
            assert_eq!(second.field("content-encoding"), Some(coding), "{}", second.head);
            assert_eq!(second.field("etag"), Some(&*format!("\"v;{coding}\"")));
            assert_eq!(second.field("content-length"), Some(&*second.body.len().to_string()));
            assert!(first.body == second.body, "{coding} of {length} is made once");
            assert!(decoded(&second).await == body.as_bytes(), "{coding} of {length}");
            assert!(second.body.len() < length, "{coding} of {length}");
            tags.push(second.field("etag").unwrap().to_owned());
        }
        let plain = world.get(&target).await;
        assert!(is_hit(&plain) && plain.text() == body && plain.field("content-encoding").is_none());
        assert_eq!(plain.field("etag"), Some("\"v\""));
        assert_eq!(world.asked(&target), 1);
        let told = world.explain(&target).await;
        let bytes = told["kept"][0]["variants"][0]["bytes"].as_object().unwrap();
        assert_eq!(bytes.len(), 4, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_transformed_is_not() {
    let world = World::new().await;
    let body = text(2000);
    for (number, head) in [
        "cache-control: max-age=600, no-transform\ncontent-type: text/plain",
        "cache-control: max-age=600\ncontent-type: text/plain\ncontent-encoding: x-odd",
        "cache-control: max-age=600\ncontent-type: image/png",
        "cache-control: no-transform\ncdn-cache-control: max-age=600\ncontent-type: text/plain",
        "cdn-cache-control: max-age=600, no-transform\ncontent-type: text/plain",
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("/{number}");
        world.say(&target, &[&format!("200\n{head}\netag: \"v\"\n\n{body}")]);
        for _ in 0..2 {
            let answer = world.ask("GET", &target, "accept-encoding: br\n").await;
            assert!(
                answer.text() == body && answer.field("etag") == Some("\"v\""),
                "{head}: {}",
                answer.head
            );
        }
        assert_eq!(world.asked(&target), 1, "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_stay_with_the_bytes_they_are_of() {
    let world = World::new().await;
    let body = text(2000);
    let digests = "content-digest: sha-256=:AAAA:\nrepr-digest: sha-256=:AAAA:";
    world.say(
        "/a",
        &[&format!(
            "200\ncache-control: max-age=600\ncontent-type: text/plain\netag: \"v\"\n{digests}\n\n{body}"
        )],
    );
    for _ in 0..2 {
        let plain = world.get("/a").await;
        for name in ["content-digest", "repr-digest"] {
            assert_eq!(plain.field(name), Some("sha-256=:AAAA:"), "{name}: {}", plain.head);
        }
        let head = world.ask("HEAD", "/a", "").await;
        assert_eq!(head.field("repr-digest"), Some("sha-256=:AAAA:"), "{}", head.head);
        for coding in CODINGS {
            let coded = world.ask("GET", "/a", &format!("accept-encoding: {coding}\n")).await;
            assert_eq!(coded.field("content-encoding"), Some(coding));
            for name in ["content-digest", "repr-digest"] {
                assert_eq!(coded.field(name), None, "{coding}: {name}");
            }
        }
    }
    // A part has the digest of the representation, but not that of other content.
    let part = world.ask("GET", "/a", "range: bytes=0-9\n").await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.field("content-digest"), None, "{}", part.head);
    assert_eq!(part.field("repr-digest"), Some("sha-256=:AAAA:"), "{}", part.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_tag_stays_weak_in_every_coding() {
    let world = World::new().await;
    world.say(
        "/a",
        &[&format!(
            "200\ncache-control: max-age=600\ncontent-type: text/plain\netag: W/\"v\"\n\n{}",
            text(2000)
        )],
    );
    for coding in CODINGS {
        let answer = world.ask("GET", "/a", &format!("accept-encoding: {coding}\n")).await;
        assert_eq!(answer.field("etag"), Some(&*format!("W/\"v;{coding}\"")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_survive_a_validation_and_go_with_a_new_version() {
    let world = World::new().await;
    let (old, new) = (text(2000), text(3000));
    let head = "cache-control: max-age=10\nage: 20\ncontent-type: text/plain";
    world.say(
        "/a",
        &[
            &format!("200\n{head}\netag: \"v1\"\n\n{old}"),
            "304\netag: \"v1\"\nage: 20",
            &format!("200\ncache-control: max-age=60\ncontent-type: text/plain\netag: \"v2\"\n\n{new}"),
        ],
    );
    for (expected, tag) in
        [(&old, "\"v1;br\""), (&old, "\"v1;br\""), (&new, "\"v2;br\""), (&new, "\"v2;br\"")]
    {
        let answer = world.ask("GET", "/a", "accept-encoding: br\n").await;
        assert!(decoded(&answer).await == expected.as_bytes(), "{}", answer.head);
        assert_eq!(answer.field("etag"), Some(tag));
    }
    assert_eq!(world.asked("/a"), 3);
}
