//! Targeted fields (RFC 9213): `CDN-Cache-Control` speaks to this cache instead of `Cache-Control`.

use super::world::{World, is_hit, status};

/// Whether an answer with these fields is kept, and for how long.
async fn kept(world: &World, target: &str, fields: &str) -> Option<u64> {
    world.say(target, &[&format!("200\n{fields}\n\nx")]);
    let told = status(&world.get(target).await);
    assert_eq!(is_hit(&world.get(target).await), told.contains("; stored"), "{fields}: {told}");
    let ttl = told.split("; ").find_map(|parameter| parameter.strip_prefix("ttl="));
    ttl.filter(|_| told.contains("; stored")).map(|ttl| ttl.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_targeted_field_speaks_instead_of_cache_control_and_expires() {
    let world = World::new().await;
    for (number, (fields, expected)) in [
        ("cache-control: max-age=10\ncdn-cache-control: max-age=100", Some(100)),
        ("cache-control: no-store\ncdn-cache-control: max-age=100", Some(100)),
        ("cache-control: private, max-age=10\ncdn-cache-control: max-age=100", Some(100)),
        ("cache-control: max-age=10\ncdn-cache-control: no-store", None),
        ("cache-control: public, max-age=10\ncdn-cache-control: private, max-age=100", None),
        ("cache-control: s-maxage=10\ncdn-cache-control: max-age=100", Some(100)),
        ("expires: Fri, 01 Jan 2038 00:00:00 GMT\ncdn-cache-control: public", None),
        ("cdn-cache-control: max-age=100", Some(100)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(kept(&world, &format!("/{number}"), fields).await, expected, "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_malformed_targeted_field_is_as_if_it_were_not_there() {
    let world = World::new().await;
    for (number, field) in
        ["", "max-age=100, &", "max-age=100,", "MAX-AGE=100", "max-age=100; ;", "(("].into_iter().enumerate()
    {
        let fields = format!("cache-control: max-age=10\ncdn-cache-control: {field}");
        assert_eq!(kept(&world, &format!("/{number}"), &fields).await, Some(10), "{field:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_targeted_directives_are_of_their_type_or_nothing() {
    let world = World::new().await;
    for (number, (field, expected)) in [
        ("max-age=100;x=1", Some(100)),
        ("max-age=5, max-age=100", Some(100)),
        ("max-age=\"100\"", None),
        ("max-age=100.5", None),
        ("max-age", None),
        ("max-age=-5", None),
        ("max-age=100, unknown=(1 2)", Some(100)),
        ("max-age=100, no-store=?0", Some(100)),
        ("max-age=100, no-store=1", None),
        ("max-age=100, private=?0", Some(100)),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = format!("cdn-cache-control: {field}");
        assert_eq!(kept(&world, &format!("/{number}"), &fields).await, expected, "{field:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_targeted_field_are_one() {
    let world = World::new().await;
    assert_eq!(
        kept(&world, "/a", "cdn-cache-control: max-age=5\ncdn-cache-control: max-age=100").await,
        Some(100)
    );
    assert_eq!(kept(&world, "/b", "cdn-cache-control: max-age=100\ncdn-cache-control: no-store").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_for_other_caches_say_nothing_to_this_one() {
    let world = World::new().await;
    let fields = "cache-control: max-age=10\nacme-cache-control: no-store\nsurrogate-control: max-age=100";
    assert_eq!(kept(&world, "/a", fields).await, Some(10));
    let answer = world.get("/a").await;
    assert_eq!(answer.field("acme-cache-control"), Some("no-store"), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sound_field_of_the_list_speaks() {
    let world = World::with("targeted = [\"Aldia-Cache-Control\", \"CDN-Cache-Control\"]", "").await;
    for (number, (fields, expected)) in [
        ("cdn-cache-control: max-age=5\naldia-cache-control: max-age=100", Some(100)),
        ("cdn-cache-control: max-age=5\naldia-cache-control: &", Some(5)),
        ("cdn-cache-control: max-age=5\naldia-cache-control: no-store", None),
        ("cdn-cache-control: &\naldia-cache-control: &\ncache-control: max-age=7", Some(7)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(kept(&world, &format!("/{number}"), fields).await, expected, "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_required_directives_work_in_a_targeted_field() {
    let world = World::new().await;
    world.say(
        "/revalidate",
        &["200\ncdn-cache-control: max-age=10, must-revalidate\nage: 20\netag: \"v\"\n\n{n}"],
    );
    world.get("/revalidate").await;
    assert!(!is_hit(&world.ask("GET", "/revalidate", "cache-control: max-stale\n").await));
    world.say("/no-cache", &["200\ncdn-cache-control: max-age=10, no-cache\netag: \"v\"\n\n{n}"]);
    world.get("/no-cache").await;
    assert_eq!(world.get("/no-cache").await.text(), "2");
    world.say("/private", &["200\ncdn-cache-control: max-age=10, private=\"x-a\"\nx-a: 1\n\n{n}"]);
    world.get("/private").await;
    let answer = world.get("/private").await;
    assert!(is_hit(&answer) && answer.field("x-a").is_none(), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_behind_this_one_still_see_the_targeted_field() {
    let world = World::new().await;
    world.say("/a", &["200\ncdn-cache-control: max-age=100\ncache-control: no-store\n\nx"]);
    for _ in 0..2 {
        let answer = world.get("/a").await;
        assert_eq!(answer.field("cdn-cache-control"), Some("max-age=100"), "{}", answer.head);
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{}", answer.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_copy_for_each_principal_needs_a_principal() {
    let world = World::new().await;
    // The route does not look at tokens: nobody is known by name.
    let fields = "cdn-cache-control: private, principal, max-age=60";
    world.say("/a", &[&format!("200\n{fields}\n\n{{n}}")]);
    for authorization in ["", "authorization: Bearer x\n"] {
        assert!(!world.is_kept("/a", authorization).await, "{authorization:?}");
    }
}
