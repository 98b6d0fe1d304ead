//! Parts of a stored whole, and its head (RFC 9111 §3.3, RFC 9110 §9.3.2, §14).

use super::world::{World, date, is_hit, status};

const BODY: &str = "0123456789";

async fn kept() -> World {
    let world = World::new().await;
    let head = format!(
        "cache-control: max-age=600\netag: \"v\"\nlast-modified: {}\ncontent-type: text/x",
        date(-1000)
    );
    world.say("/a", &[&format!("200\n{head}\n\n{BODY}")]);
    world.get("/a").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_cut_from_a_stored_whole() {
    let world = kept().await;
    for (range, expected) in [
        ("bytes=0-3", Ok(("0123", "bytes 0-3/10"))),
        ("bytes=4-", Ok(("456789", "bytes 4-9/10"))),
        ("bytes=-3", Ok(("789", "bytes 7-9/10"))),
        ("bytes=-30", Ok(("0123456789", "bytes 0-9/10"))),
        ("bytes=8-99999999999999999999999", Ok(("89", "bytes 8-9/10"))),
        ("BYTES=0-0", Ok(("0", "bytes 0-0/10"))),
        ("bytes=10-", Err(416)),
        ("bytes=-0", Err(416)),
        ("bytes=3-1", Err(200)),
        ("bytes=x", Err(200)),
        ("lines=0-1", Err(200)),
        ("bytes=0-0,2-3", Err(200)),
    ] {
        let answer = world.ask("GET", "/a", &format!("range: {range}\n")).await;
        assert!(is_hit(&answer) && world.asked("/a") == 1, "{range}: {}", answer.head);
        match expected {
            Ok((part, content_range)) => {
                assert_eq!((answer.status(), answer.text()), (206, part), "{range}");
                assert_eq!(answer.field("content-range"), Some(content_range), "{range}");
                for name in ["etag", "date", "cache-control"] {
                    assert!(answer.field(name).is_some(), "{range}: {name}");
                }
            }
            Err(416) => {
                assert_eq!(
                    (answer.status(), answer.field("content-range")),
                    (416, Some("bytes */10")),
                    "{range}"
                );
            }
            Err(status) => assert_eq!((answer.status(), answer.text()), (status, BODY), "{range}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn if_range_gives_a_part_of_the_same_representation_only() {
    let world = World::new().await;
    let modified = date(-1000);
    world.say(
        "/a",
        &[&format!("200\ncache-control: max-age=600\netag: \"v\"\nlast-modified: {modified}\n\n{BODY}")],
    );
    world.say("/weak", &[&format!("200\ncache-control: max-age=600\netag: W/\"v\"\n\n{BODY}")]);
    world.get("/a").await;
    world.get("/weak").await;
    for (target, validator, expected) in [
        ("/a", "\"v\"".to_owned(), 206),
        ("/a", "\"w\"".to_owned(), 200),
        ("/a", "W/\"v\"".to_owned(), 200),
        ("/a", modified.clone(), 206),
        ("/a", date(-500), 200),
        ("/a", date(-1500), 200),
        ("/weak", "W/\"v\"".to_owned(), 200),
    ] {
        let answer = world.ask("GET", target, &format!("range: bytes=0-0\nif-range: {validator}\n")).await;
        assert_eq!((answer.status(), world.asked(target)), (expected, 1), "{validator}: {}", answer.head);
    }
    // Without Range it means nothing, and a condition comes first.
    assert_eq!(world.ask("GET", "/a", "if-range: \"v\"\n").await.status(), 200);
    assert_eq!(world.ask("GET", "/a", "range: bytes=0-0\nif-none-match: \"v\"\n").await.status(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_one_of_the_uncoded_bytes() {
    let world = World::new().await;
    let body = "some words ".repeat(200);
    world.say(
        "/a",
        &[&format!("200\ncache-control: max-age=600\netag: \"v\"\ncontent-type: text/plain\n\n{body}")],
    );
    world.ask("GET", "/a", "accept-encoding: br\n").await;
    let answer = world.ask("GET", "/a", "accept-encoding: br\nrange: bytes=5-9\n").await;
    assert_eq!((answer.status(), answer.text()), (206, "words"), "{}", answer.head);
    assert_eq!(
        (answer.field("etag"), answer.field("content-encoding")),
        (Some("\"v\""), None),
        "{}",
        answer.head
    );
    // The tag of a coding is no reason for a part of other bytes.
    let other = world.ask("GET", "/a", "range: bytes=5-9\nif-range: \"v;br\"\n").await;
    assert_eq!((other.status(), other.text().len()), (200, body.len()), "{}", other.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_from_a_stored_get() {
    let world = kept().await;
    let get = world.get("/a").await;
    let head = world.ask("HEAD", "/a", "").await;
    assert!(is_hit(&head) && world.asked("/a") == 1, "{}", head.head);
    assert_eq!(head.status(), 200);
    for name in ["content-length", "etag", "last-modified", "content-type", "date", "cache-control", "vary"] {
        assert_eq!(head.fields(name), get.fields(name), "{name}");
    }
    // Range is for GET only.
    assert_eq!(world.ask("HEAD", "/a", "range: bytes=0-0\n").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_in_a_coding_has_its_tag_and_length() {
    let world = World::new().await;
    let body = "some words ".repeat(200);
    world.say(
        "/a",
        &[&format!("200\ncache-control: max-age=600\netag: \"v\"\ncontent-type: text/plain\n\n{body}")],
    );
    let get = world.ask("GET", "/a", "accept-encoding: zstd\n").await;
    let head = world.ask("HEAD", "/a", "accept-encoding: zstd\n").await;
    for name in ["content-encoding", "etag", "vary", "content-length"] {
        assert_eq!(head.fields(name), get.fields(name), "{name}");
    }
    assert_eq!(world.asked("/a"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_what_is_not_stored_passes_and_is_not_stored() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            "206\ncache-control: max-age=60\ncontent-range: bytes 0-0/10\n\n0",
            &format!("200\ncache-control: max-age=60\n\n{BODY}"),
        ],
    );
    let part = world.ask("GET", "/a", "range: bytes=0-0\n").await;
    assert_eq!((part.status(), part.text()), (206, "0"));
    assert!(!status(&part).contains("stored"), "{}", part.head);
    assert_eq!(world.seen("/a")[0].field("range"), Some("bytes=0-0"));
    assert_eq!(world.get("/a").await.text(), BODY);
    assert!(is_hit(&world.ask("GET", "/a", "range: bytes=0-0\n").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_what_is_not_stored_passes_and_is_not_stored() {
    let world = World::new().await;
    world.say("/a", &[&format!("200\ncache-control: max-age=60\n\n{BODY}")]);
    let head = world.ask("HEAD", "/a", "").await;
    assert_eq!((head.status(), head.field("content-length")), (200, Some("10")), "{}", head.head);
    let get = world.get("/a").await;
    assert_eq!((get.text(), is_hit(&get)), (BODY, false), "{}", get.head);
}
