//! Conditions of clients, answered from memory over all codings (RFC 9110 §13, RFC 9111 §4.3.2, `X-D1`).

use super::world::{World, date, is_hit};
use crate::http::wire::Message;

const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

fn tag(version: &str, coding: &str) -> String {
    if coding == "identity" { format!("\"{version}\"") } else { format!("\"{version};{coding}\"") }
}

/// A text that is worth coding, with a tag and a date, in memory.
async fn kept(tag: &str, modified: &str) -> World {
    let world = World::new().await;
    let body = "some words ".repeat(200);
    let head = format!(
        "cache-control: max-age=600\ncontent-type: text/plain\netag: {tag}\nlast-modified: {modified}"
    );
    world.say("/a", &[&format!("200\n{head}\n\n{body}")]);
    world.get("/a").await;
    world
}

async fn conditional(world: &World, method: &str, coding: &str, condition: &str) -> Message {
    let answer = world.ask(method, "/a", &format!("accept-encoding: {coding}\n{condition}")).await;
    assert_eq!(world.asked("/a"), 1, "{method} {coding} {condition}: {}", answer.head);
    assert!(is_hit(&answer), "{}", answer.head);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tag_of_a_version_revalidates_in_every_coding_from_memory() {
    let world = kept("\"v1\"", &date(-1000)).await;
    for known in CODINGS {
        for wanted in CODINGS {
            for method in ["GET", "HEAD"] {
                for weak in ["", "W/"] {
                    let condition = format!("if-none-match: \"other\", {weak}{}\n", tag("v1", known));
                    let answer = conditional(&world, method, wanted, &condition).await;
                    assert_eq!(answer.status(), 304, "{known} {wanted}: {}", answer.head);
                    let told = answer.field("etag").unwrap();
                    let expected =
                        if known == "identity" { tag("v1", "identity") } else { tag("v1", wanted) };
                    assert_eq!(told, expected, "{known} {wanted}");
                    assert!(answer.fields("vary").join(",").to_ascii_lowercase().contains("accept-encoding"));
                    assert!(answer.field("content-encoding").is_none() && answer.body.is_empty());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_gets_the_whole_in_its_coding() {
    let world = kept("\"v1\"", &date(-1000)).await;
    for coding in CODINGS {
        for condition in ["if-none-match: \"v0\"\n", "if-none-match: \"v1;deflate\"\n", "if-none-match: v1\n"]
        {
            let answer = conditional(&world, "GET", coding, condition).await;
            assert_eq!(answer.status(), 200, "{condition}");
            assert_eq!(answer.field("etag"), Some(&*tag("v1", coding)), "{condition}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_version_is_had_by_who_says_star() {
    let world = kept("\"v1\"", &date(-1000)).await;
    assert_eq!(conditional(&world, "GET", "br", "if-none-match: *\n").await.status(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_compared_where_there_is_no_tag_in_the_condition() {
    let modified = date(-1000);
    let world = kept("\"v1\"", &modified).await;
    for (condition, expected) in [
        (format!("if-modified-since: {modified}\n"), 304),
        (format!("if-modified-since: {}\n", date(-500)), 304),
        (format!("if-modified-since: {}\n", date(-1500)), 200),
        ("if-modified-since: yesterday\n".to_owned(), 200),
        (format!("if-none-match: \"v0\"\nif-modified-since: {modified}\n"), 200),
        (format!("if-none-match: \"v1\"\nif-modified-since: {}\n", date(-1500)), 304),
    ] {
        for method in ["GET", "HEAD"] {
            assert_eq!(
                conditional(&world, method, "identity", &condition).await.status(),
                expected,
                "{condition}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_is_compared_with_that_of_the_answer_where_it_has_no_last_modified() {
    let world = World::new().await;
    let made = date(-100);
    world.say("/a", &[&format!("200\ncache-control: max-age=600\ndate: {made}\n\nx")]);
    world.get("/a").await;
    assert_eq!(
        conditional(&world, "GET", "identity", &format!("if-modified-since: {made}\n")).await.status(),
        304
    );
    let earlier = format!("if-modified-since: {}\n", date(-200));
    assert_eq!(conditional(&world, "GET", "identity", &earlier).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_from_memory_has_the_fields_a_200_would_have() {
    let world = World::new().await;
    let head = "cache-control: max-age=600\ncontent-location: /x\nexpires: Fri, 01 Jan 2038 00:00:00 GMT\netag: \"v\"\nvary: x-a";
    world.say("/a", &[&format!("200\n{head}\ncontent-type: text/plain\ncontent-language: de\n\nx")]);
    world.get("/a").await;
    let answer = conditional(&world, "GET", "identity", "if-none-match: \"v\"\n").await;
    for name in ["cache-control", "content-location", "date", "etag", "expires"] {
        assert!(answer.field(name).is_some(), "{name}: {}", answer.head);
    }
    assert!(answer.fields("vary").contains(&"x-a"), "{}", answer.head);
    assert!(
        answer.field("age").is_some() && answer.field("content-length").is_none_or(|length| length != "0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_that_are_for_the_origin_go_there() {
    let world = kept("\"v1\"", &date(-1000)).await;
    for (number, condition) in
        ["if-match: \"v1\"\n", "if-unmodified-since: Sat, 01 Jan 2000 00:00:00 GMT\n"].iter().enumerate()
    {
        let answer = world.ask("GET", "/a", condition).await;
        assert_eq!(world.asked("/a"), number + 2, "{condition}");
        assert!(!is_hit(&answer));
        let name = condition.split(':').next().unwrap();
        assert!(world.seen("/a")[number + 1].field(name).is_some(), "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_on_a_stored_answer_that_is_no_success_are_ignored() {
    let world = World::new().await;
    world.say("/a", &["404\ncache-control: max-age=60\netag: \"v\"\n\nx"]);
    world.get("/a").await;
    assert_eq!(conditional(&world, "GET", "identity", "if-none-match: \"v\"\n").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_with_conditions_fills_the_cache_for_all() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\netag: \"v\"\n\nx"]);
    let first = world.ask("GET", "/a", "if-none-match: \"v\"\n").await;
    assert_eq!((first.status(), first.field("etag")), (304, Some("\"v\"")), "{}", first.head);
    assert!(world.seen("/a")[0].field("if-none-match").is_none(), "the whole is wanted here");
    let second = world.get("/a").await;
    assert!(is_hit(&second) && second.text() == "x", "{}", second.head);
}
