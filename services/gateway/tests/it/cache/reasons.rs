//! Every reason for not answering from memory, provoked, and told by the private port in the words of `Cache-Status` (G-D4).

use serde_json::{Value, json};

use super::world::{World, status};

/// What the private port says of a request, as `Cache-Status` would: `fwd=…` or `hit`, and the detail.
async fn explained(world: &World, target: &str, fields: &str) -> (String, Option<String>) {
    let url = format!("http://{}/_cache/explain", world.gateway.admin);
    let mut query = vec![("url".to_owned(), format!("http://h{target}"))];
    query.extend(fields.lines().map(|line| ("header".to_owned(), line.to_owned())));
    let told: Value = world.gateway.http.get(url).query(&query).send().await.unwrap().json().await.unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (text(&told["outcome"]).unwrap(), text(&told["detail"]))
}

/// The same from an answer.
fn told(status: &str) -> (String, Option<String>) {
    let parameters: Vec<&str> = status.split("; ").skip(1).collect();
    let detail = parameters.iter().find_map(|parameter| parameter.strip_prefix("detail="));
    (parameters[0].to_owned(), detail.map(|detail| detail.trim_matches('"').to_owned()))
}

async fn purge(world: &World, body: &Value) {
    let url = format!("http://{}/_cache/purge", world.gateway.admin);
    assert_eq!(world.gateway.http.post(url).json(body).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_what_the_next_request_will_be_told() {
    let world = World::new().await;
    world.say(
        "/fresh",
        &["200\ncache-control: max-age=100\nage: 50\nvary: x-a\netag: \"v\"\ncache-groups: \"g\"\n\nx"],
    );
    world.say("/stale", &["200\ncache-control: max-age=10\nage: 20\netag: \"v\"\n\nx"]);
    world.say(
        "/window",
        &["200\ncache-control: max-age=10, stale-while-revalidate=600\nage: 20\netag: \"v\"\n\nx"],
    );
    world.say("/no-cache", &["200\ncache-control: no-cache\netag: \"v\"\n\nx"]);
    world.say("/never", &["200\ncache-control: no-store\n\nx"]);
    let nothing = explained(&world, "/fresh", "").await;
    assert_eq!(nothing, told(&status(&world.get("/fresh").await)));
    assert_eq!(nothing.0, "fwd=uri-miss");
    let cases = [
        ("/fresh", "", "hit", None),
        ("/fresh", "x-a: 1\n", "fwd=vary-miss", None),
        ("/fresh", "cache-control: max-age=10\n", "fwd=request", Some("request-max-age")),
        ("/fresh", "cache-control: min-fresh=90\n", "fwd=request", Some("request-min-fresh")),
        ("/fresh", "cache-control: no-cache\n", "fwd=request", Some("request-no-cache")),
        ("/stale", "", "fwd=stale", None),
        ("/stale", "cache-control: max-stale\n", "hit", None),
        ("/window", "", "hit", None),
        ("/no-cache", "", "fwd=stale", Some("no-cache")),
        ("/never", "", "fwd=bypass", Some("uncacheable")),
    ];
    for (target, fields, outcome, detail) in cases {
        world.get(target).await;
        let before = explained(&world, target, fields).await;
        assert_eq!(before, (outcome.to_owned(), detail.map(str::to_owned)), "{target} {fields:?}");
        let after = told(&status(&world.ask("GET", target, fields).await));
        assert_eq!(before, after, "{target} {fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_what_a_purge_did_in_the_same_words() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=100\netag: \"v\"\ncache-groups: \"g\"\n\nx"]);
    for (body, outcome) in [
        (json!({"groups": ["g"]}), "fwd=stale"),
        (json!({"url": "http://h/a", "soft": true}), "fwd=stale"),
        (json!({"url": "http://h/a"}), "fwd=uri-miss"),
        (json!({"all": true}), "fwd=uri-miss"),
    ] {
        world.get("/a").await;
        purge(&world, &body).await;
        let before = explained(&world, "/a", "").await;
        let after = told(&status(&world.get("/a").await));
        assert_eq!(before, after, "{body}");
        assert_eq!(before.0, outcome, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_not_to_store_is_told() {
    let world = World::with("max_object_bytes = 100\nheuristic = true", "").await;
    let authorized = "authorization: Basic YQ==\n";
    let modified = "last-modified: Sat, 01 Jan 2000 00:00:00 GMT";
    for (answer, fields, detail) in [
        ("206\ncache-control: max-age=60\n\nx".to_owned(), "", "status"),
        ("200\ncache-control: max-age=60\n\nx".to_owned(), "cache-control: no-store\n", "request-no-store"),
        ("200\ncache-control: no-store\n\nx".to_owned(), "", "no-store"),
        ("200\ncache-control: private\n\nx".to_owned(), "", "private"),
        ("200\ncache-control: max-age=60\n\nx".to_owned(), authorized, "authorized"),
        (
            "200\ncache-control: public, max-age=60\nvary: authorization\n\nx".to_owned(),
            authorized,
            "vary-authorization",
        ),
        ("200\ncache-control: max-age=60\nvary: *\n\nx".to_owned(), "", "vary-any"),
        ("200\ncache-control: max-age=60\nset-cookie: a=1\n\nx".to_owned(), "", "set-cookie"),
        (format!("200\n{modified}\n\nx"), "cookie: a=1\n", "cookie"),
        ("302\nlocation: /\n\nx".to_owned(), "", "no-lifetime"),
        ("200\ncache-control: max-age=0\n\nx".to_owned(), "", "nothing-to-reuse"),
        ("200\ncache-control: max-age=60\ncache-groups: a\n\nx".to_owned(), "", "groups"),
        (format!("200\ncache-control: max-age=60\n\n{}", "x".repeat(101)), "", "too-large"),
    ] {
        let target = format!("/{detail}");
        world.say(&target, &[&answer]);
        let found = told(&status(&world.ask("GET", &target, fields).await));
        assert_eq!(found.1.as_deref(), Some(detail), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_lease_everything_passes_and_that_is_told() {
    let origin = super::world::Origin::start().await;
    // Nobody listens there.
    let (redis, nats) = (test_harness::free_port(), test_harness::free_port());
    let rest = super::domain::governed(
        origin.addr,
        "d",
        &format!("redis://127.0.0.1:{redis}"),
        &format!("nats://127.0.0.1:{nats}"),
    );
    let world = World { gateway: crate::harness::gateway(&rest), origin };
    world.say("/a", &["200\ncdn-cache-control: public, max-age=60\ncache-groups: \"g\"\n\n{n}"]);
    for number in ["1", "2", "3"] {
        let answer = world.get("/a").await;
        assert_eq!(answer.text(), number);
        let found = told(&status(&answer));
        assert_eq!(found, ("fwd=bypass".to_owned(), Some("no-lease".to_owned())), "{}", answer.head);
        assert_eq!(explained(&world, "/a", "").await, found);
        assert!(
            answer.field("cdn-cache-control").is_none(),
            "caches that hear of no writes must keep nothing"
        );
    }
}
