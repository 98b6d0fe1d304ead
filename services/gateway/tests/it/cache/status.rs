//! `Cache-Status` (RFC 9211): what happened to each request.

use super::world::{Step, World, is_hit, message, status};

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_answer_is_told() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=100\nvary: x-a\netag: \"v\"\n\nx"]);
    world.say(
        "/stale",
        &[
            "200\ncache-control: max-age=10\nage: 20\netag: \"v\"\n\nx",
            "304\netag: \"v\"\ncache-control: max-age=100",
        ],
    );
    world.say("/none", &["200\n\nx"]);
    for (target, method, fields, expected) in [
        ("/a", "GET", "", "aldia; fwd=uri-miss; stored; ttl=100"),
        ("/a", "GET", "", "aldia; hit; ttl=100"),
        ("/a", "HEAD", "", "aldia; hit; ttl=100"),
        ("/a", "GET", "x-a: 1\n", "aldia; fwd=vary-miss; stored; ttl=100"),
        (
            "/a",
            "GET",
            "cache-control: no-cache\n",
            "aldia; fwd=request; stored; ttl=100; detail=request-no-cache",
        ),
        ("/a", "GET", "if-match: \"v\"\n", "aldia; fwd=bypass; detail=conditions"),
        ("/stale", "GET", "", "aldia; fwd=uri-miss; stored; ttl=-10"),
        ("/stale", "GET", "", "aldia; fwd=stale; fwd-status=304; stored; ttl=100"),
        ("/a", "POST", "content-length: 0\n", "aldia; fwd=method; detail=method"),
        ("/none", "HEAD", "", "aldia; fwd=miss; detail=head"),
        ("/none", "GET", "range: bytes=0-0\n", "aldia; fwd=miss; detail=range"),
        ("/none", "GET", "", "aldia; fwd=uri-miss; detail=no-lifetime"),
        ("/none", "GET", "", "aldia; fwd=bypass; detail=uncacheable"),
    ] {
        let told = status(&world.ask(method, target, fields).await);
        // A second may have passed.
        let told = told.replace("ttl=99", "ttl=100").replace("ttl=-11", "ttl=-10");
        assert_eq!(told, expected, "{method} {target} {fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_and_fwd_are_never_both_there() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=1, stale-while-revalidate=60\n\nx"]);
    for _ in 0..20 {
        let told = status(&world.get("/a").await);
        assert!(told.contains("; hit") != told.contains("; fwd="), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_caches_behind_said_stays_in_front_of_ours() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\ncache-status: OriginCache; hit; ttl=1100\n\nx"]);
    for expected in ["fwd=uri-miss", "hit"] {
        let answer = world.get("/a").await;
        let members = answer.fields("cache-status").join(", ");
        assert!(members.starts_with("OriginCache; hit; ttl=1100, aldia; "), "{members}");
        assert!(members.contains(expected), "{members}");
        assert_eq!(
            members.matches("aldia").count(),
            1,
            "what we said of another answer is not kept: {members}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_our_own_are_not_said_to_be_cached() {
    let world = World::new().await;
    world.script("/broken", vec![vec![Step::Close]]);
    let broken = world.get("/broken").await;
    assert_eq!(broken.status(), 502);
    assert!(!is_hit(&broken), "{}", broken.head);
    world.script("/a", vec![vec![Step::Send(message("404\n\nx"))]]);
    let missing = world.ask("GET", "/a", "cache-control: only-if-cached\n").await;
    assert_eq!(missing.status(), 504);
    assert!(!is_hit(&missing), "{}", missing.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_from_the_origin_that_the_client_sees_is_not_told_twice() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            "200\ncache-control: max-age=10\nage: 20\netag: \"v\"\n\nx",
            "304\netag: \"v\"\ncache-control: max-age=100",
        ],
    );
    world.get("/a").await;
    let answer = world.ask("GET", "/a", "if-none-match: \"v\"\n").await;
    assert_eq!(answer.status(), 304);
    assert!(!status(&answer).contains("fwd-status"), "{}", answer.head);
}
