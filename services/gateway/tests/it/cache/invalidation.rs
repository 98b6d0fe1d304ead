//! What writes through the gateway make of what is stored (RFC 9111 §4.4, RFC 9875), and purges.

use super::world::{World, is_hit};

const KEPT: &str = "200\ncache-control: max-age=600\n\n{n}";

/// Which of these addresses are asked for anew, all of them having been stored.
async fn gone(world: &World, targets: &[&str]) -> Vec<String> {
    let mut gone = Vec::new();
    for target in targets {
        if !is_hit(&world.get(target).await) {
            gone.push((*target).to_owned());
        }
    }
    gone
}

async fn fill(world: &World, targets: &[&str]) {
    for target in targets {
        world.say(target, &[KEPT]);
        world.get(target).await;
        assert!(is_hit(&world.get(target).await), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_of_an_unsafe_method_invalidates_its_address() {
    let world = World::new().await;
    for (method, status, invalidates) in [
        ("POST", "201", true),
        ("PUT", "204", true),
        ("PATCH", "200", true),
        ("DELETE", "204", true),
        ("PURGE", "200", true),
        ("POST", "303", true),
        ("POST", "404", false),
        ("PUT", "500", false),
        ("DELETE", "412", false),
        ("OPTIONS", "200", false),
    ] {
        fill(&world, &["/a", "/b"]).await;
        world.say("/a", &[&format!("{status}\ncache-control: no-store\nlocation: /z")]);
        let fields = if method == "OPTIONS" { "" } else { "content-length: 0\n" };
        world.ask(method, "/a", fields).await;
        world.say("/a", &[KEPT]);
        let expected: &[&str] = if invalidates { &["/a"] } else { &[] };
        assert_eq!(gone(&world, &["/a", "/b"]).await, expected, "{method} {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_variants_and_classes_of_the_address_go() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: public, max-age=600\nvary: x-a\n\n{n}"]);
    let requests = ["x-a: 1\n", "x-a: 2\n", "authorization: Basic YQ==\n"];
    for fields in requests {
        assert!(world.is_kept("/a", fields).await);
    }
    world.ask("POST", "/a", "content-length: 0\n").await;
    for fields in requests {
        assert!(!is_hit(&world.ask("GET", "/a", fields).await), "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn location_and_content_location_of_the_same_origin_are_invalidated_too() {
    let world = World::new().await;
    let all = ["/list", "/list?x=1", "/list/new", "/current", "/other"];
    for (fields, expected) in [
        ("location: /list/new", vec!["/list", "/list/new"]),
        ("location: http://h/list/new", vec!["/list", "/list/new"]),
        ("location: list/new#part", vec!["/list", "/list/new"]),
        ("content-location: /current", vec!["/list", "/current"]),
        ("location: /list/new\ncontent-location: /current", vec!["/list", "/list/new", "/current"]),
        ("location: http://elsewhere/list/new", vec!["/list"]),
        ("location: //elsewhere/list/new", vec!["/list"]),
        ("location: https://h/list/new", vec!["/list"]),
        ("location: http://h:81/list/new", vec!["/list"]),
        ("location: mailto:a@h", vec!["/list"]),
    ] {
        fill(&world, &all).await;
        world.say("/list", &[&format!("201\n{fields}\n\nmade")]);
        world.ask("POST", "/list", "content-length: 0\n").await;
        world.say("/list", &[KEPT]);
        assert_eq!(gone(&world, &all).await, expected, "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_asked_for_before_a_write_is_not_stored_after_it() {
    let world = World::new().await;
    let gate = super::world::Gate::new();
    let held = vec![gate.wait(), super::world::Step::Say(KEPT.to_owned())];
    world.script("/a", vec![held, super::world::answer("204"), super::world::answer(KEPT)]);
    let (slow, ()) = tokio::join!(world.get("/a"), async {
        world.wait_until_asked("/a", 1).await;
        assert_eq!(world.ask("PUT", "/a", "content-length: 0\n").await.status(), 204);
        gate.open();
    });
    assert_eq!(slow.text(), "1");
    assert!(super::world::status(&slow).ends_with("detail=invalidated"), "{}", slow.head);
    assert_eq!(world.get("/a").await.text(), "3");
}

const ANIMALS: &str = "200\ncache-control: max-age=600\ncache-groups: \"animals\", \"all\"\n\n{n}";
const FOODS: &str =
    "200\ncache-control: max-age=600\ncache-groups: \"foods\";p=1\ncache-groups: \"all\"\n\n{n}";
const CASED: &str = "200\ncache-control: max-age=600\ncache-groups: \"Animals\"\n\n{n}";

async fn groups() -> World {
    let world = World::new().await;
    for (target, answer) in [
        ("/animals", ANIMALS),
        ("/animals/1", ANIMALS),
        ("/foods", FOODS),
        ("/cased", CASED),
        ("/none", KEPT),
    ] {
        world.say(target, &[answer]);
        assert!(world.is_kept(target, "").await, "{target}");
    }
    world
}

const ALL: [&str; 5] = ["/animals", "/animals/1", "/foods", "/cased", "/none"];

#[tokio::test(flavor = "multi_thread")]
async fn a_write_invalidates_the_groups_it_names() {
    for (named, expected) in [
        ("\"animals\"", vec!["/animals", "/animals/1"]),
        ("\"foods\";x, \"nothing\"", vec!["/foods"]),
        ("\"all\"", vec!["/animals", "/animals/1", "/foods"]),
        ("animals", vec![]),
        ("\"animals\", (", vec![]),
    ] {
        let world = groups().await;
        world.say("/write", &[&format!("200\ncache-group-invalidation: {named}\n\nx")]);
        world.ask("POST", "/write", "content-length: 0\n").await;
        assert_eq!(gone(&world, &ALL).await, expected, "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_method_invalidates_no_groups() {
    let world = groups().await;
    world.say("/read", &["200\ncache-group-invalidation: \"all\"\n\nx"]);
    for method in ["GET", "HEAD", "OPTIONS"] {
        world.ask(method, "/read", "").await;
    }
    assert!(gone(&world, &ALL).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_invalidates_no_groups() {
    let world = groups().await;
    world.say("/write", &["409\ncache-group-invalidation: \"all\"\n\nx"]);
    world.ask("POST", "/write", "content-length: 0\n").await;
    assert!(gone(&world, &ALL).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_one_group_leaves_all_others() {
    let world = groups().await;
    world.purge(&["animals"]).await;
    assert_eq!(gone(&world, &ALL).await, ["/animals", "/animals/1"]);
    // And what was fetched anew belongs to the group again.
    world.purge(&["animals"]).await;
    assert_eq!(gone(&world, &ALL).await, ["/animals", "/animals/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_groups_as_required_are_heeded() {
    let world = World::new().await;
    let names: Vec<String> = (0..32).map(|at| format!("\"{at:0>32}\"")).collect();
    world.say(
        "/a",
        &[&format!("200\ncache-control: max-age=600\ncache-groups: {}\n\n{{n}}", names.join(", "))],
    );
    for name in &names {
        assert!(world.is_kept("/a", "").await);
        world.say("/write", &[&format!("200\ncache-group-invalidation: {name}\n\nx")]);
        world.ask("POST", "/write", "content-length: 0\n").await;
        assert_eq!(gone(&world, &["/a"]).await, ["/a"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_invalidated_during_a_fetch_keeps_its_answer_out() {
    let world = World::new().await;
    let gate = super::world::Gate::new();
    let held = vec![gate.wait(), super::world::Step::Say(ANIMALS.to_owned())];
    world.script("/animals", vec![held, super::world::answer(ANIMALS)]);
    let (slow, ()) = tokio::join!(world.get("/animals"), async {
        world.wait_until_asked("/animals", 1).await;
        world.purge(&["animals"]).await;
        gate.open();
    });
    assert!(super::world::status(&slow).ends_with("detail=invalidated"), "{}", slow.head);
    assert_eq!(world.get("/animals").await.text(), "2");
}
