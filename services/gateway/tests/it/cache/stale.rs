//! Stale answers: while they are validated, and in place of errors (RFC 5861); and immutable ones (RFC 8246).

use super::world::{Gate, Step, World, is_hit, message, status};

const IN_WINDOW: &str =
    "200\ncache-control: max-age=10, stale-while-revalidate=600\nage: 20\netag: \"v1\"\n\nold";
const NEW: &str = "200\ncache-control: max-age=600\netag: \"v2\"\n\nnew";

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_goes_out_at_once_with_one_validation_behind_it() {
    let world = World::new().await;
    let gate = Gate::new();
    world.script(
        "/a",
        vec![vec![Step::Send(message(IN_WINDOW))], vec![gate.wait(), Step::Send(message(NEW))]],
    );
    world.get("/a").await;
    // The upstream is held: none of these can have waited for it.
    for _ in 0..20 {
        let answer = world.get("/a").await;
        assert!(is_hit(&answer) && answer.text() == "old", "{}", answer.head);
        assert!(status(&answer).contains("ttl=-"), "{}", answer.head);
    }
    world.wait_until_asked("/a", 2).await;
    assert_eq!(world.asked("/a"), 2);
    assert_eq!(world.seen("/a")[1].field("if-none-match"), Some("\"v1\""));
    gate.open();
    world.until("/a", |answer| answer.text() == "new").await;
    assert_eq!(world.asked("/a"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_it_is_validated_first() {
    let world = World::new().await;
    world.say(
        "/a",
        &["200\ncache-control: max-age=10, stale-while-revalidate=5\nage: 20\netag: \"v1\"\n\nold", NEW],
    );
    world.get("/a").await;
    assert_eq!(world.get("/a").await.text(), "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn must_revalidate_closes_both_windows() {
    let world = World::new().await;
    for (number, directive) in
        ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"].iter().enumerate()
    {
        let target = format!("/{number}");
        let windows = "stale-while-revalidate=600, stale-if-error=600";
        let first =
            format!("200\ncache-control: max-age=10, {windows}, {directive}\nage: 20\netag: \"v1\"\n\nold");
        world.say(&target, &[&first, "503\n\nbusy"]);
        world.get(&target).await;
        assert_eq!(world.get(&target).await.status(), 503, "{directive}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_wants_it_fresh_does_not_get_it_stale() {
    let world = World::new().await;
    for (number, directives) in ["max-age=30", "min-fresh=1", "no-cache"].iter().enumerate() {
        let target = format!("/{number}");
        world.say(&target, &[IN_WINDOW, NEW]);
        world.get(&target).await;
        let answer = world.ask("GET", &target, &format!("cache-control: {directives}\n")).await;
        assert_eq!(answer.text(), "new", "{directives}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validation_that_fails_leaves_what_is_stored_for_its_window() {
    let world = World::new().await;
    world.script(
        "/a",
        vec![
            vec![Step::Send(message(IN_WINDOW))],
            vec![Step::Send(message("503\n\nbusy"))],
            vec![Step::Close],
        ],
    );
    world.get("/a").await;
    for times in 2..6 {
        let answer = world.get("/a").await;
        assert!(is_hit(&answer) && answer.text() == "old", "{}", answer.head);
        world.wait_until_asked("/a", times).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_in_the_window_does_not_store_an_empty_body() {
    let world = World::new().await;
    world.say("/a", &[IN_WINDOW, NEW]);
    world.get("/a").await;
    let head = world.ask("HEAD", "/a", "").await;
    assert_eq!(head.field("etag"), Some("\"v1\""), "{}", head.head);
    world.wait_until_asked("/a", 2).await;
    let answer = world.until("/a", |answer| answer.field("etag") == Some("\"v2\"")).await;
    assert_eq!(answer.text(), "new", "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_in_the_window_validates_the_whole() {
    let world = World::new().await;
    world.say("/a", &[IN_WINDOW, NEW]);
    world.get("/a").await;
    let part = world.ask("GET", "/a", "range: bytes=0-0\n").await;
    assert_eq!((part.status(), part.text()), (206, "o"));
    world.wait_until_asked("/a", 2).await;
    assert_eq!(world.seen("/a")[1].field("range"), None);
    assert_eq!(world.until("/a", |answer| answer.text() == "new").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_stands_in_for_an_error() {
    let world = World::new().await;
    let first = "200\ncache-control: max-age=10, stale-if-error=600\nage: 20\netag: \"v1\"\n\nold";
    for (number, failure) in ["500", "502", "503", "504", "close"].into_iter().enumerate() {
        let target = format!("/{number}");
        let second =
            if failure == "close" { Step::Close } else { Step::Send(message(&format!("{failure}\n\nno"))) };
        world.script(&target, vec![vec![Step::Send(message(first))], vec![second]]);
        world.get(&target).await;
        let answer = world.get(&target).await;
        assert_eq!((answer.status(), answer.text()), (200, "old"), "{failure}: {}", answer.head);
        let told = status(&answer);
        assert!(told.starts_with("aldia; fwd=stale") && told.ends_with("detail=if-error"), "{told}");
        assert!(answer.field("age").unwrap().parse::<u64>().unwrap() >= 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_errors_are_the_origins_word() {
    let world = World::new().await;
    let first = "200\ncache-control: max-age=10, stale-if-error=600\nage: 20\netag: \"v1\"\n\nold";
    for (number, failure) in [404, 410, 403, 501].into_iter().enumerate() {
        let target = format!("/{number}");
        world.say(&target, &[first, &format!("{failure}\n\nno")]);
        world.get(&target).await;
        assert_eq!(world.get(&target).await.status(), failure);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_window_ends() {
    let world = World::new().await;
    world.say(
        "/a",
        &["200\ncache-control: max-age=10, stale-if-error=5\nage: 20\netag: \"v1\"\n\nold", "503\n\nno"],
    );
    world.get("/a").await;
    assert_eq!(world.get("/a").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_ask_for_a_stale_answer_in_place_of_an_error() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=10\nage: 20\netag: \"v1\"\n\nold", "503\n\nno"]);
    world.get("/a").await;
    assert_eq!(world.get("/a").await.status(), 503);
    let answer = world.ask("GET", "/a", "cache-control: stale-if-error=600\n").await;
    assert_eq!((answer.status(), answer.text()), (200, "old"), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_answer_is_validated_only_when_it_is_stale_or_a_client_insists() {
    let world = World::new().await;
    for (number, (age, fields, from_memory)) in [
        (50, "cache-control: max-age=0\n", true),
        (50, "", true),
        (50, "cache-control: no-cache\n", false),
        (150, "", false),
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("/{number}");
        world.say(
            &target,
            &[&format!("200\ncache-control: max-age=100, immutable\nage: {age}\netag: \"v\"\n\nx")],
        );
        world.get(&target).await;
        let answer = world.ask("GET", &target, fields).await;
        assert_eq!(is_hit(&answer), from_memory, "{age} {fields:?}: {}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_agreed_with_the_upstream_holds_where_its_answers_say_nothing() {
    let world = World::with_upstream("stale_while_revalidate_secs = 600\nstale_if_error_secs = 600").await;
    let gate = Gate::new();
    let plain = "200\ncache-control: max-age=10\nage: 20\netag: \"v1\"\n\nold";
    world.script("/a", vec![vec![Step::Send(message(plain))], vec![gate.wait(), Step::Send(message(NEW))]]);
    world.get("/a").await;
    for _ in 0..20 {
        let answer = world.get("/a").await;
        assert!(is_hit(&answer) && answer.text() == "old", "{}", answer.head);
    }
    world.wait_until_asked("/a", 2).await;
    gate.open();
    world.until("/a", |answer| answer.text() == "new").await;
    assert_eq!(world.asked("/a"), 2, "one request for all of them");

    // It says that it wants none of it while it is validated; of errors it says nothing.
    let strict = "200\ncache-control: max-age=10, stale-while-revalidate=0\nage: 20\netag: \"v1\"\n\nold";
    world.say("/b", &[strict, "503\n\nbusy"]);
    world.get("/b").await;
    let answer = world.get("/b").await;
    assert_eq!((answer.status(), answer.text()), (200, "old"), "{}", answer.head);
    assert!(status(&answer).ends_with("detail=if-error"), "{}", answer.head);

    for (number, directive) in ["must-revalidate", "proxy-revalidate", "no-cache"].iter().enumerate() {
        let target = format!("/{number}");
        let first = format!("200\ncache-control: max-age=10, {directive}\nage: 20\netag: \"v1\"\n\nold");
        world.say(&target, &[&first, "503\n\nbusy"]);
        world.get(&target).await;
        assert_eq!(world.get(&target).await.status(), 503, "{directive}");
    }
}
