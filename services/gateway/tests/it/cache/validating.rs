//! Asking the origin whether what is stored still holds (RFC 9111 §3.2, §4.3).

use super::world::{Step, World, date, is_hit, message, status};

/// Stale as soon as it comes.
const STALE: &str = "200\ncache-control: max-age=10\nage: 20\netag: \"v1\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stale_is_not_used_without_asking() {
    let world = World::new().await;
    world.say("/a", &[&format!("{STALE}\n{{n}}")]);
    assert_eq!(world.get("/a").await.text(), "1");
    let second = world.get("/a").await;
    assert_eq!(second.text(), "2");
    assert!(status(&second).starts_with("aldia; fwd=stale"), "{}", second.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cache_is_validated_each_time() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            "200\ncache-control: no-cache, max-age=60\netag: \"v\"\n\nx",
            "304\ncache-control: no-cache\netag: \"v\"",
        ],
    );
    world.get("/a").await;
    for times in 2..5 {
        let answer = world.get("/a").await;
        assert_eq!((answer.status(), answer.text(), world.asked("/a")), (200, "x", times));
        assert!(status(&answer).contains("fwd=stale; fwd-status=304"), "{}", answer.head);
        assert!(status(&answer).contains("detail=no-cache"), "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validation_sends_the_stored_validators_and_no_others() {
    let world = World::new().await;
    let modified = date(-1000);
    world.say("/a", &[&format!("{STALE}last-modified: {modified}\n\nx")]);
    world.say("/b", &[&format!("200\ncache-control: max-age=10\nage: 20\nlast-modified: {modified}\n\nx")]);
    world.say("/c", &["200\ncache-control: max-age=10\nage: 20\netag: W/\"weak\"\n\nx"]);
    for target in ["/a", "/b", "/c"] {
        world.get(target).await;
        let fields =
            "if-none-match: \"theirs\"\nif-modified-since: Sat, 01 Jan 2000 00:00:00 GMT\nrange: bytes=0-0\n";
        world.ask("GET", target, fields).await;
    }
    let sent = |target: &str, name: &str| {
        let seen = world.seen(target);
        seen[1].fields(name).first().map(|value| (*value).to_owned())
    };
    assert_eq!(sent("/a", "if-none-match").as_deref(), Some("\"v1\""));
    assert_eq!(sent("/a", "if-modified-since").as_deref(), Some(&*modified));
    assert_eq!(sent("/b", "if-none-match"), None);
    assert_eq!(sent("/b", "if-modified-since").as_deref(), Some(&*modified));
    assert_eq!(sent("/c", "if-none-match").as_deref(), Some("W/\"weak\""));
    for target in ["/a", "/b", "/c"] {
        assert_eq!(sent(target, "range"), None, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_freshens_what_is_stored() {
    let world = World::new().await;
    let now = date(0);
    world.say(
        "/a",
        &[
            &format!("{STALE}x-old: 1\nx-both: old\nx-both: older\ncontent-type: text/plain\n\nbody"),
            &format!("304\netag: \"v1\"\ndate: {now}\ncache-control: max-age=60\nx-both: new\nx-new: 1\ncontent-length: 4\nset-cookie: a=1"),
        ],
    );
    world.get("/a").await;
    let validated = world.get("/a").await;
    assert_eq!((validated.status(), validated.text()), (200, "body"), "{}", validated.head);
    let answer = world.get("/a").await;
    assert!(is_hit(&answer) && world.asked("/a") == 2, "{}", answer.head);
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.fields("x-both"), ["new"]);
    for (name, value) in [
        ("x-old", "1"),
        ("x-new", "1"),
        ("cache-control", "max-age=60"),
        ("content-type", "text/plain"),
        ("content-length", "4"),
        ("date", &*now),
    ] {
        assert_eq!(answer.field(name), Some(value), "{name}");
    }
    assert!(answer.field("set-cookie").is_none(), "{}", answer.head);
    assert!(answer.field("age").unwrap().parse::<u64>().unwrap() < 20, "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_describe_the_stored_bytes_are_not_updated() {
    let world = World::with("", "compress = false").await;
    world.say(
        "/a",
        &[
            &format!("{STALE}content-encoding: x-odd\n\nbody"),
            "304\netag: \"v1\"\ncache-control: max-age=60\ncontent-length: 99\ncontent-encoding: br\ncontent-range: bytes 0-1/9",
        ],
    );
    world.get("/a").await;
    world.get("/a").await;
    let answer = world.get("/a").await;
    assert!(is_hit(&answer), "{}", answer.head);
    assert_eq!(answer.field("content-length"), Some("4"));
    assert_eq!(answer.field("content-encoding"), Some("x-odd"));
    assert_eq!(answer.field("content-range"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_about_another_version_updates_nothing() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            &format!("{STALE}x-of: v1\n\nold"),
            "304\netag: \"v2\"\ncache-control: max-age=600\nx-of: v2",
            "200\ncache-control: max-age=60\netag: \"v2\"\nx-of: v2\n\nnew",
        ],
    );
    world.get("/a").await;
    let answer = world.get("/a").await;
    let later = world.get("/a").await;
    for answer in [&answer, &later] {
        let mixed = answer.status() == 200 && answer.text() == "old";
        assert!(!mixed, "{}", answer.head);
    }
    assert_eq!((later.status(), later.text(), later.field("x-of")), (200, "new", Some("v2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_answer_takes_the_place_of_the_old() {
    let world = World::new().await;
    world.say(
        "/a",
        &[&format!("{STALE}x-old: 1\n\nold"), "200\ncache-control: max-age=60\netag: \"v2\"\n\nnew"],
    );
    world.get("/a").await;
    for _ in 0..2 {
        let answer = world.get("/a").await;
        assert_eq!(
            (answer.text(), answer.field("x-old"), answer.field("etag")),
            ("new", None, Some("\"v2\""))
        );
    }
    assert_eq!(world.asked("/a"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_origin_is_passed_on_and_keeps_what_is_stored() {
    let world = World::new().await;
    world.say(
        "/a",
        &[&format!("{STALE}\nx"), "500\n\nbroken", "304\netag: \"v1\"\ncache-control: max-age=60"],
    );
    world.get("/a").await;
    assert_eq!(world.get("/a").await.status(), 500);
    assert_eq!(world.get("/a").await.text(), "x");
    assert_eq!(world.seen("/a")[2].field("if-none-match"), Some("\"v1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_that_takes_back_the_permission_ends_the_reuse() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            &format!("{STALE}\nx"),
            "304\netag: \"v1\"\ncache-control: no-store",
            "200\ncache-control: no-store\n\n{n}",
        ],
    );
    world.get("/a").await;
    assert_eq!(world.get("/a").await.text(), "x");
    assert_eq!(world.get("/a").await.text(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_copy_is_as_old_gets_the_304_of_the_origin() {
    let world = World::new().await;
    world.say("/a", &[&format!("{STALE}\nx"), "304\netag: \"v1\"\ncache-control: max-age=60"]);
    world.get("/a").await;
    let answer = world.ask("GET", "/a", "if-none-match: \"v1\"\n").await;
    assert_eq!((answer.status(), answer.field("etag")), (304, Some("\"v1\"")), "{}", answer.head);
    let whole = world.get("/a").await;
    assert!(is_hit(&whole) && whole.text() == "x", "{}", whole.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_an_older_copy_gets_the_whole_after_a_validation() {
    let world = World::new().await;
    world.say("/a", &[&format!("{STALE}\nx"), "304\netag: \"v1\"\ncache-control: max-age=60"]);
    world.get("/a").await;
    let answer = world.ask("GET", "/a", "if-none-match: \"v0\"\n").await;
    assert_eq!((answer.status(), answer.text()), (200, "x"), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_brings_another_version_ends_the_stored_one() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            "200\ncache-control: max-age=60\netag: \"v1\"\n\nold",
            "200\ncache-control: max-age=60\netag: \"v2\"\n\nnewer",
        ],
    );
    world.get("/a").await;
    // Asked for by a client that wants the origin's own word.
    let head = world.ask("HEAD", "/a", "cache-control: no-cache\n").await;
    assert_eq!(head.field("etag"), Some("\"v2\""), "{}", head.head);
    let answer = world.get("/a").await;
    assert_eq!(answer.text(), "newer", "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_cannot_be_reached_is_no_reason_to_use_what_must_be_validated() {
    let world = World::new().await;
    for (number, directives) in
        ["max-age=10, must-revalidate", "s-maxage=10", "max-age=10, proxy-revalidate", "no-cache"]
            .iter()
            .enumerate()
    {
        let target = format!("/{number}");
        let first =
            format!("200\ncache-control: {directives}, stale-if-error=600\nage: 20\netag: \"v\"\n\nx");
        world.script(&target, vec![vec![Step::Send(message(&first))], vec![Step::Close]]);
        world.get(&target).await;
        let answer = world.get(&target).await;
        assert_eq!(answer.status(), 502, "{directives}: {}", answer.head);
    }
}
