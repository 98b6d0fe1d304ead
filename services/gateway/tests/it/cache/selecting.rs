//! Which stored answer a request may have: its address, and what `Vary` names (RFC 9111 §2, §4.1).

use super::world::{World, is_hit, status};

#[tokio::test(flavor = "multi_thread")]
async fn another_address_has_another_answer() {
    let world = World::new().await;
    for target in ["/a", "/a?x=1", "/a?x=2", "/a/", "/A", "/a?"] {
        world.say(target, &[&format!("200\ncache-control: max-age=60\n\n{target}")]);
    }
    for _ in 0..2 {
        for target in ["/a", "/a?x=1", "/a?x=2", "/a/", "/A"] {
            assert_eq!(world.get(target).await.text(), target);
        }
    }
    assert_eq!(world.asked("/a?x=1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_has_another_answer() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    for (host, number) in
        [("one", "1"), ("two", "2"), ("one", "1"), ("two:81", "3"), ("two", "2"), ("ONE", "1")]
    {
        let mut peer = crate::http::wire::Peer::to(&world.gateway).await;
        peer.send(format!("GET /a HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert_eq!(peer.answer().await.text(), number, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ways_to_write_one_path_are_one_address() {
    let world = World::new().await;
    world.say("/a~b", &["200\ncache-control: max-age=60\n\n{n}"]);
    assert_eq!(world.get("/a~b").await.text(), "1");
    let answer = world.get("/a%7Eb").await;
    assert!(is_hit(&answer), "{}", answer.head);
}

/// Pairs of request fields, and whether the answer to the first is used for the second.
#[tokio::test(flavor = "multi_thread")]
async fn all_fields_that_vary_names_must_match() {
    let world = World::new().await;
    for (number, (vary, first, second, same)) in [
        ("accept-language", "accept-language: de\n", "accept-language: de\n", true),
        ("accept-language", "accept-language: de\n", "accept-language: en\n", false),
        ("accept-language", "accept-language: de\n", "", false),
        ("accept-language", "", "accept-language: de\n", false),
        ("accept-language", "", "", true),
        ("Accept-Language", "accept-language: de, en;q=0.5\n", "accept-language: en; q=0.50 , DE\n", true),
        ("accept-language", "accept-language: de\n", "accept-language: de;q=0.9\n", false),
        ("accept-language, x-b", "accept-language: de\nx-b: 1\n", "accept-language: de\nx-b: 2\n", false),
        ("accept-language, x-b", "accept-language: de\nx-b: 1\n", "x-b: 1\naccept-language: de\n", true),
        ("x-a", "x-a: 1\nx-a: 2\n", "x-a: 1, 2\n", true),
        ("x-a", "x-a: 1 \n", "x-a:   1\n", true),
        ("x-a", "x-a: a\n", "x-a: A\n", false),
        ("x-a", "x-a:\n", "", false),
        ("x-a, x-b", "x-a: 1\nx-b: 2\n", "x-a: 1, x-b: 2\n", false),
        ("cookie", "cookie: a=1\n", "cookie: a=2\n", false),
        ("x-a", "x-other: 1\n", "x-other: 2\n", true),
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("/{number}");
        world.say(&target, &[&format!("200\ncache-control: max-age=60\nvary: {vary}\n\n{{n}}")]);
        world.ask("GET", &target, first).await;
        let other = world.ask("GET", &target, second).await;
        assert_eq!(is_hit(&other), same, "{vary}: {first:?} and {second:?}: {}", other.head);
        if !same {
            assert!(status(&other).contains("fwd=vary-miss"), "{}", other.head);
            // Both are kept, side by side.
            assert_eq!(world.ask("GET", &target, first).await.text(), "1", "{vary}");
            assert_eq!(world.ask("GET", &target, second).await.text(), "2", "{vary}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_match_the_newest_is_used() {
    let world = World::new().await;
    world.say(
        "/a",
        &[
            "200\ncache-control: max-age=60\nvary: x-a\n\nby x-a",
            "200\ncache-control: max-age=60\nvary: x-b\n\nby x-b",
        ],
    );
    world.ask("GET", "/a", "x-a: 1\nx-b: 1\n").await;
    world.ask("GET", "/a", "x-a: 2\nx-b: 1\n").await;
    let both = world.ask("GET", "/a", "x-a: 1\nx-b: 1\n").await;
    assert!(is_hit(&both) && both.text() == "by x-b", "{}", both.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_vary_one_answer_is_for_all_request_fields() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    for fields in ["", "accept: text/html\n", "cookie: a=1\n", "user-agent: x\n", "accept-encoding: br\n"] {
        assert_eq!(world.ask("GET", "/a", fields).await.text(), "1", "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_variants_stays_within_its_bound() {
    let world = World::with("max_variants = 4", "").await;
    world.say("/a", &["200\ncache-control: max-age=60\nvary: x-a\n\n{n}"]);
    world.say("/b", &["200\ncache-control: max-age=60\n\nb"]);
    world.get("/b").await;
    for value in 0..200 {
        world.ask("GET", "/a", &format!("x-a: {value}\n")).await;
    }
    let told = world.explain("/a").await;
    assert!(told["kept"][0]["variants"].as_array().unwrap().len() <= 4, "{told}");
    assert!(is_hit(&world.get("/b").await), "another address does not suffer");
    assert!(world.is_kept("/a", "x-a: honest\n").await, "and the flood keeps nobody else out");
    let metrics =
        world.gateway.http.get(format!("http://{}/metrics", world.gateway.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("gateway_cache_variants_capped")).unwrap();
    assert!(line.rsplit(' ').next().unwrap().parse::<u64>().unwrap() >= 196, "{line}");
}

/// S-D8: what an address may come in is for the configuration to say, not for clients.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_no_more_variants_than_its_route_has_formats() {
    let formats = ["image/avif", "image/webp", "image/jpeg"];
    let world = World::with("", &format!("formats = {formats:?}")).await;
    world.say("/a", &["200\ncache-control: max-age=60\nvary: accept\n\n{n}"]);
    let types = ["image/avif", "image/webp", "image/jpeg", "image/png", "image/*", "*/*", "text/html", "x"];
    for number in 0..300_usize {
        let [one, other] = [number % types.len(), number / types.len() % types.len()].map(|at| types[at]);
        let accepted = format!("{one};q=0.{:03}, {other};v={number}, x/{number}", number * 7 % 1000);
        world.ask("GET", "/a", &format!("accept: {accepted}\n")).await;
    }
    let asked: Vec<String> =
        world.seen("/a").iter().map(|request| request.fields("accept").join(" and ")).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(formats.iter().all(|format| asked.iter().any(|asked| asked == format)), "{asked:?}");
    let told = world.explain("/a").await;
    assert_eq!(told["kept"][0]["variants"].as_array().unwrap().len(), 3, "{told}");
    // An explanation goes by the same: whoever names no type has the last.
    assert_eq!(told["outcome"], "hit", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_that_nobody_can_use_any_more_make_room() {
    let world = World::with("max_variants = 2", "").await;
    // Stale as soon as they come, and without permission to be used so.
    world.say("/a", &["200\ncache-control: max-age=10\nage: 20\netag: \"v\"\nvary: x-a\n\n{n}"]);
    for value in 0..4 {
        world.ask("GET", "/a", &format!("x-a: {value}\n")).await;
    }
    world.say("/a", &["200\ncache-control: max-age=60\nvary: x-a\n\n{n}"]);
    world.ask("GET", "/a", "x-a: honest\n").await;
    let answer = world.ask("GET", "/a", "x-a: honest\n").await;
    assert!(is_hit(&answer), "stale variants keep a fresh one out: {}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_encoding_makes_no_variants_where_codings_are_made_here() {
    let world = World::new().await;
    let body = "word ".repeat(400);
    let answer =
        format!("200\ncache-control: max-age=60\ncontent-type: text/plain\nvary: accept-encoding\n\n{body}");
    world.say("/a", &[&answer]);
    for coding in ["br", "gzip", "zstd", "identity", "gzip;q=0.5, br;q=0.1", "x"] {
        world.ask("GET", "/a", &format!("accept-encoding: {coding}\n")).await;
    }
    assert_eq!(world.asked("/a"), 1);
    assert_eq!(world.explain("/a").await["kept"][0]["variants"].as_array().unwrap().len(), 1);
    // Elsewhere it does.
    let world = World::with("", "compress = false").await;
    world.say("/a", &[&answer]);
    for coding in ["br", "gzip", "br"] {
        world.ask("GET", "/a", &format!("accept-encoding: {coding}\n")).await;
    }
    assert_eq!(world.asked("/a"), 2);
}
