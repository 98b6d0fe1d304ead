//! What clients ask of the cache (RFC 9111 §5.2.1, §5.4).

use super::world::{World, is_hit, status};

const FRESH: &str = "200\ncache-control: max-age=100\nage: 50\netag: \"v\"\n\n{n}";
const STALE: &str = "200\ncache-control: max-age=100\nage: 150\netag: \"v\"\n\n{n}";

/// Whether what is stored by `answer` is used for a request with these directives; otherwise what the cache says.
async fn is_used(world: &World, target: &str, answer: &str, fields: &str) -> Result<(), String> {
    world.say(target, &[answer]);
    world.get(target).await;
    let asked = world.ask("GET", target, fields).await;
    assert_eq!(is_hit(&asked), world.asked(target) == 1, "{fields:?}: {}", asked.head);
    if is_hit(&asked) { Ok(()) } else { Err(status(&asked)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn directives_of_the_request_are_honoured() {
    let world = World::new().await;
    let by_request = |detail: &str| format!("aldia; fwd=request; stored; ttl=50; detail={detail}");
    for (number, (answer, directives, expected)) in [
        (FRESH, "max-age=40", Err(by_request("request-max-age"))),
        (FRESH, "max-age=90", Ok(())),
        (FRESH, "min-fresh=40", Ok(())),
        (FRESH, "min-fresh=60", Err(by_request("request-min-fresh"))),
        (FRESH, "no-cache", Err(by_request("request-no-cache"))),
        (FRESH, "max-age=40, max-age=90", Err(by_request("request-max-age"))),
        (FRESH, "max-age=x", Ok(())),
        (FRESH, "x-unknown=1, no-transform", Ok(())),
        (STALE, "max-stale", Ok(())),
        (STALE, "max-stale=90", Ok(())),
        (STALE, "max-stale=10", Err("aldia; fwd=stale; stored; ttl=-50".to_owned())),
        (
            STALE,
            "max-stale=90, max-age=40",
            Err("aldia; fwd=request; stored; ttl=-50; detail=request-max-age".to_owned()),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let found =
            is_used(&world, &format!("/{number}"), answer, &format!("cache-control: {directives}\n")).await;
        // A second may have passed.
        let near = |text: &str| text.replace("ttl=49", "ttl=50").replace("ttl=-51", "ttl=-50");
        assert_eq!(found.map_err(|told| near(&told)), expected, "{directives}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn max_stale_does_not_outweigh_what_the_origin_forbids() {
    let world = World::new().await;
    for (number, directives) in
        ["must-revalidate", "proxy-revalidate", "s-maxage=100", "no-cache"].iter().enumerate()
    {
        let answer = STALE.replace("max-age=100", &format!("max-age=100, {directives}"));
        let used = is_used(&world, &format!("/{number}"), &answer, "cache-control: max-stale\n").await;
        assert!(used.is_err(), "{directives}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pragma_counts_where_there_is_no_cache_control() {
    let world = World::new().await;
    assert!(is_used(&world, "/a", FRESH, "pragma: no-cache\n").await.is_err());
    assert!(is_used(&world, "/b", FRESH, "pragma: no-cache\ncache-control: max-age=90\n").await.is_ok());
    // In an answer it means nothing.
    assert!(is_used(&world, "/c", "200\ncache-control: max-age=9\npragma: no-cache\n\nx", "").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_if_cached_is_answered_from_memory_or_with_504() {
    let world = World::new().await;
    world.say("/none", &[FRESH]);
    world.say("/fresh", &[FRESH]);
    world.say("/stale", &[STALE]);
    world.say("/uncacheable", &["200\n\nx"]);
    for target in ["/fresh", "/stale", "/uncacheable"] {
        world.get(target).await;
    }
    let only = "cache-control: only-if-cached\n";
    assert!(is_hit(&world.ask("GET", "/fresh", only).await));
    for (target, fields) in [
        ("/none", ""),
        ("/stale", ""),
        ("/uncacheable", ""),
        ("/none", "range: bytes=0-0\n"),
        ("/none", "if-match: \"x\"\n"),
    ] {
        let asked = world.asked(target);
        let answer = world.ask("GET", target, &format!("{only}{fields}")).await;
        assert_eq!(
            (answer.status(), world.asked(target)),
            (504, asked),
            "{target} {fields:?}: {}",
            answer.head
        );
    }
    let head = world.ask("HEAD", "/none", only).await;
    assert_eq!((head.status(), world.asked("/none")), (504, 0), "{}", head.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_to_end_reload_brings_the_origins_present_answer_to_all() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    world.get("/a").await;
    assert_eq!(world.ask("GET", "/a", "cache-control: no-cache\n").await.text(), "2");
    let after = world.get("/a").await;
    assert!(is_hit(&after) && after.text() == "2", "{}", after.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn directives_of_the_request_reach_the_origin() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60, x-unknown=\"1\"\netag: \"v\"\n\n{n}"]);
    let fields = "cache-control: no-cache, x-mine=\"2\"\npragma: no-cache\n";
    for times in 1..3 {
        let answer = world.ask("GET", "/a", fields).await;
        let seen = world.seen("/a");
        assert_eq!(seen.len(), times);
        assert_eq!(seen[times - 1].field("cache-control"), Some("no-cache, x-mine=\"2\""));
        assert_eq!(answer.field("cache-control"), Some("max-age=60, x-unknown=\"1\""), "{}", answer.head);
    }
}
