//! What is stored and what is not (RFC 9111 §3, §5.2.2).

use super::world::{World, date, is_hit, request, status};
use crate::http::wire::{Message, Peer};

/// Each answer under an address of its own: whether it is kept, and the word for why not.
async fn judges(world: &World, cases: &[(&str, Result<(), &str>)]) {
    for (number, (answer, expected)) in cases.iter().enumerate() {
        let target = format!("/{number}");
        world.say(&target, &[answer]);
        let first = world.get(&target).await;
        let second = world.get(&target).await;
        let told = status(&first);
        match expected {
            Ok(()) => {
                assert!(told.contains("; stored"), "{answer:?}: {told}");
                assert!(is_hit(&second) && world.asked(&target) == 1, "{answer:?}: {}", second.head);
                assert_eq!(second.body, first.body, "{answer:?}");
            }
            Err(why) => {
                assert!(told.ends_with(&format!("; detail={why}")), "{answer:?}: {told}");
                assert!(!told.contains("; stored"), "{answer:?}: {told}");
                assert!(!is_hit(&second) && world.asked(&target) == 2, "{answer:?}: {}", second.head);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_forbids_storing_is_obeyed() {
    let world = World::new().await;
    judges(
        &world,
        &[
            ("200\ncache-control: max-age=60\n\nx", Ok(())),
            ("200\ncache-control: no-store, max-age=60\n\nx", Err("no-store")),
            ("200\ncache-control: No-Store, max-age=60\n\nx", Err("no-store")),
            ("200\ncache-control: max-age=60\ncache-control: no-store\n\nx", Err("no-store")),
            ("200\ncache-control: private, max-age=60\n\nx", Err("private")),
            ("200\ncache-control: max-age=60, PRIVATE\n\nx", Err("private")),
            ("200\ncache-control: private=x y, max-age=60\n\nx", Err("private")),
            ("200\ncache-control: max-age=60\nset-cookie: a=1\n\nx", Err("set-cookie")),
            ("200\ncache-control: max-age=60\nvary: *\n\nx", Err("vary-any")),
            ("200\ncache-control: max-age=60\nvary: accept, *\n\nx", Err("vary-any")),
            ("200\ncache-control: max-age=60\ncache-groups: (\n\nx", Err("groups")),
            ("200\ncache-control: max-age=0\n\nx", Err("nothing-to-reuse")),
            ("200\n\nx", Err("no-lifetime")),
            ("200\netag: \"v\"\n\nx", Err("no-lifetime")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_are_stored_as_they_may_be() {
    let world = World::new().await;
    judges(
        &world,
        &[
            ("204\ncache-control: max-age=60", Ok(())),
            ("301\ncache-control: max-age=60\nlocation: /a\n\nx", Ok(())),
            ("302\ncache-control: max-age=60\nlocation: /a\n\nx", Ok(())),
            ("404\ncache-control: max-age=60\n\nx", Ok(())),
            ("410\ncache-control: max-age=60\n\nx", Ok(())),
            ("500\ncache-control: max-age=60\n\nx", Ok(())),
            ("299\ncache-control: max-age=60\n\nx", Ok(())),
            ("206\ncache-control: max-age=60\ncontent-range: bytes 0-0/2\n\nx", Err("status")),
            ("304\ncache-control: max-age=60\netag: \"v\"", Err("status")),
            ("428\ncache-control: max-age=60\n\nx", Err("status")),
            ("429\ncache-control: max-age=60\n\nx", Err("status")),
            ("431\ncache-control: max-age=60\n\nx", Err("status")),
            ("511\ncache-control: max-age=60\n\nx", Err("status")),
            ("404\n\nx", Err("no-lifetime")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn must_understand_is_for_who_understands_the_status() {
    let world = World::new().await;
    judges(
        &world,
        &[
            ("200\ncache-control: must-understand, no-store, max-age=60\n\nx", Ok(())),
            ("299\ncache-control: must-understand, no-store, max-age=60\n\nx", Err("status")),
            ("299\ncache-control: must-understand, max-age=60\n\nx", Err("status")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_directives_change_nothing() {
    let world = World::new().await;
    judges(
        &world,
        &[
            ("200\ncache-control: max-age=60, principal, x-y=\"private, no-store\"\n\nx", Ok(())),
            ("200\ncache-control: community=\"UCI\", max-age=60\n\nx", Ok(())),
            ("200\ncache-control: private, community=\"UCI\", max-age=60\n\nx", Err("private")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_store_of_the_request_keeps_its_answer_out() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    let first = world.ask("GET", "/a", "cache-control: no-store\n").await;
    assert!(status(&first).contains("detail=request-no-store"), "{}", first.head);
    let second = world.get("/a").await;
    assert_eq!((second.text(), is_hit(&second)), ("2", false), "{}", second.head);
    assert!(is_hit(&world.get("/a").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_other_methods_are_not_stored_for_get() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    for method in ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] {
        let fields = if matches!(method, "HEAD" | "OPTIONS") { "" } else { "content-length: 0\n" };
        let told = status(&world.ask(method, "/a", fields).await);
        assert!(!told.contains("stored"), "{method}: {told}");
    }
    let asked = world.asked("/a");
    let answer = world.get("/a").await;
    assert!(!is_hit(&answer) && world.asked("/a") == asked + 1, "{}", answer.head);
    // And once it is stored, none of them is answered from it but HEAD.
    for method in ["POST", "OPTIONS", "QUERY"] {
        let asked = world.asked("/a");
        let fields = if method == "OPTIONS" { "" } else { "content-length: 0\n" };
        let answer = world.ask(method, "/a", fields).await;
        assert!(!is_hit(&answer) && world.asked("/a") == asked + 1, "{method}: {}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_authorized_request_is_shared_only_if_it_says_so() {
    let world = World::new().await;
    let alice = "authorization: Basic YWxpY2U6YQ==\n";
    let bob = "authorization: Basic Ym9iOmI=\n";
    for (number, (directives, shared)) in [
        ("max-age=60", false),
        ("max-age=60, private", false),
        ("max-age=60, public", true),
        ("s-maxage=60", true),
        ("max-age=60, must-revalidate", true),
        ("max-age=60, proxy-revalidate", false),
        ("max-age=60, public=\"x\"", false),
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("/{number}");
        world.say(&target, &[&format!("200\ncache-control: {directives}\n\n{{n}}")]);
        world.ask("GET", &target, alice).await;
        let other = world.ask("GET", &target, bob).await;
        assert_eq!(is_hit(&other), shared, "{directives}: {}", other.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_for_nobody_in_particular_is_not_given_to_the_authorized_unasked() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    world.get("/a").await;
    let answer = world.ask("GET", "/a", "authorization: Basic YWxpY2U6YQ==\n").await;
    assert_eq!(answer.text(), "2", "{}", answer.head);
    assert_eq!(world.get("/a").await.text(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_named_by_private_or_no_cache_are_left_out() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60, private=\"x-user, set-cookie\"\nx-user: anna\nset-cookie: a=1\nx-other: 1\n\nx"]);
    world.say("/b", &["200\ncache-control: max-age=60, no-cache=\"x-user\"\nx-user: anna\nx-other: 1\n\nx"]);
    for target in ["/a", "/b"] {
        assert!(world.is_kept(target, "").await, "{target}");
        let answer = world.get(target).await;
        assert_eq!(answer.field("x-other"), Some("1"), "{}", answer.head);
        assert!(answer.field("x-user").is_none() && answer.field("set-cookie").is_none(), "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_other_fields_are_stored_and_come_back_as_they_were() {
    let world = World::new().await;
    let lines =
        "x-unheard-of: 1\nx-twice: a\nx-twice: b, c\nlink: </a>; rel=next\ncontent-language: de\nserver: o";
    world.say("/a", &[&format!("200\ncache-control: max-age=60\n{lines}\n\nx")]);
    let first = world.get("/a").await;
    let second = world.get("/a").await;
    for name in ["x-unheard-of", "x-twice", "link", "content-language", "server", "cache-control"] {
        assert_eq!(first.fields(name), second.fields(name), "{name}");
        assert!(!second.fields(name).is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_connection_and_of_proxies_are_not_stored() {
    let world = World::new().await;
    world.say(
        "/a",
        &["200\ncache-control: max-age=60\nconnection: x-hop\nx-hop: 1\nkeep-alive: timeout=9\n\
           proxy-authenticate: Basic\nproxy-authentication-info: x\n\nx"],
    );
    assert!(world.is_kept("/a", "").await);
    let answer = world.get("/a").await;
    for name in ["x-hop", "keep-alive", "proxy-authenticate", "proxy-authentication-info"] {
        assert!(answer.field(name).is_none(), "{name}: {}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn date_and_via_of_the_origin_stay() {
    let world = World::new().await;
    let made = date(-5);
    world.say("/a", &[&format!("200\ncache-control: max-age=60\ndate: {made}\n\nx")]);
    world.get("/a").await;
    let answer = world.get("/a").await;
    assert!(is_hit(&answer));
    assert_eq!(answer.field("date"), Some(&*made), "{}", answer.head);
    assert_eq!(answer.fields("via").len(), 1, "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_without_cache_stores_nothing() {
    let world = World::with("", "cache = false").await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    for number in ["1", "2"] {
        let answer = world.get("/a").await;
        assert_eq!(answer.text(), number);
        assert!(answer.field("cache-status").is_none(), "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_a_body_are_passed_on() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\n\n{n}"]);
    let mut answers: Vec<Message> = Vec::new();
    for _ in 0..2 {
        let mut peer = Peer::to(&world.gateway).await;
        peer.send(request("GET", "/a", "content-length: 1\n") + "x").await;
        answers.push(peer.final_answer().await);
    }
    assert_eq!(answers[1].text(), "2");
    assert!(status(&answers[1]).contains("detail=not-plain"), "{}", answers[1].head);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_one_exchange_is_not_said_of_others() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=60\nserver-timing: db;dur=7\nx-request-id: theirs\n\nx"]);
    let first = world.get("/a").await;
    let second = world.ask("GET", "/a", "x-request-id: mine-0123456789\n").await;
    assert!(is_hit(&second), "{}", second.head);
    assert!(first.fields("server-timing").join(",").contains("db;dur=7"), "{}", first.head);
    assert!(!second.fields("server-timing").join(",").contains("db;dur=7"), "{}", second.head);
    assert_eq!(second.field("x-request-id"), Some("mine-0123456789"), "{}", second.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_get_their_own_permission() {
    let cors = "[cors]\nallow_origins = [\"https://one.example\", \"https://two.example\"]\n";
    let world = World::with(&format!("\n{cors}"), "").await;
    world.say("/a", &["200\ncache-control: max-age=60\n\nx"]);
    for origin in ["https://one.example", "https://two.example", "https://one.example"] {
        let answer = world.ask("GET", "/a", &format!("origin: {origin}\n")).await;
        assert_eq!(answer.field("access-control-allow-origin"), Some(origin), "{}", answer.head);
    }
    assert!(world.get("/a").await.field("access-control-allow-origin").is_none());
    let foreign = world.ask("GET", "/a", "origin: https://evil.example\n").await;
    assert!(foreign.field("access-control-allow-origin").is_none(), "{}", foreign.head);
    assert_eq!(world.asked("/a"), 1);
}
