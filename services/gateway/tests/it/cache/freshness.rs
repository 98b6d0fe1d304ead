//! How long an answer is fresh, and how old it is (RFC 9111 §4.2, §5.1, §5.3).

use super::world::{World, date, is_hit, status};

/// The lifetime that an answer with these fields has when it comes, by `Cache-Status`; `None` if it is not kept.
async fn ttl(world: &World, target: &str, fields: &str) -> Option<i64> {
    // A validator, so that also what is stale at once is kept.
    world.say(target, &[&format!("200\netag: \"v\"\n{fields}\n\nx")]);
    let told = status(&world.get(target).await);
    let stored = told.contains("; stored");
    let ttl = told.split("; ").find_map(|parameter| parameter.strip_prefix("ttl="));
    ttl.filter(|_| stored).map(|ttl| ttl.parse().unwrap())
}

async fn lasts(world: &World, cases: &[(String, Option<i64>)]) {
    for (number, (fields, expected)) in cases.iter().enumerate() {
        let found = ttl(world, &format!("/{number}"), fields).await;
        // Dates have whole seconds, and a second may end on the way.
        let near = match (found, expected) {
            (Some(found), Some(expected)) => (expected - found).abs() <= 2,
            (found, expected) => found == *expected,
        };
        assert!(near, "{fields:?}: {found:?} instead of {expected:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_particular_lifetime_counts() {
    let world = World::new().await;
    let (now, later) = (date(0), date(300));
    lasts(
        &world,
        &[
            ("cache-control: max-age=100".to_owned(), Some(100)),
            ("cache-control: max-age=100, s-maxage=200".to_owned(), Some(200)),
            ("cache-control: s-maxage=50, max-age=100".to_owned(), Some(50)),
            (format!("date: {now}\nexpires: {later}"), Some(300)),
            (format!("date: {now}\nexpires: {later}\ncache-control: max-age=100"), Some(100)),
            (format!("date: {now}\nexpires: {later}\ncache-control: s-maxage=100"), Some(100)),
            (format!("date: {now}\nexpires: {later}\ncache-control: public"), Some(300)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_has_expired() {
    let world = World::new().await;
    let (now, later) = (date(0), date(300));
    lasts(
        &world,
        &[
            (format!("date: {now}\nexpires: 0"), Some(0)),
            (format!("date: {now}\nexpires: -1"), Some(0)),
            (format!("date: {now}\nexpires: tomorrow"), Some(0)),
            (format!("date: {now}\nexpires: {now}"), Some(0)),
            (format!("date: {now}\nexpires: {}", later.replace("GMT", "CET")), Some(0)),
            (format!("date: {now}\nexpires: {later}\nexpires: {now}"), Some(0)),
            ("cache-control: max-age=abc".to_owned(), Some(0)),
            ("cache-control: max-age=-1".to_owned(), Some(0)),
            ("cache-control: max-age=1.5".to_owned(), Some(0)),
            ("cache-control: max-age=60, max-age=600".to_owned(), Some(0)),
            ("cache-control: max-age=60\ncache-control: max-age=600".to_owned(), Some(0)),
            (format!("date: {now}\nexpires: {later}\ncache-control: max-age=abc"), Some(0)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_a_lifetime_are_read_generously() {
    let world = World::new().await;
    let (now, later) = (date(0), date(300));
    lasts(
        &world,
        &[
            ("cache-control: max-age=\"100\"".to_owned(), Some(100)),
            ("Cache-Control: MAX-AGE=100".to_owned(), Some(100)),
            ("cache-control: ,, max-age=100 ,".to_owned(), Some(100)),
            ("cache-control: public\ncache-control: max-age=100".to_owned(), Some(100)),
            ("cache-control: x=\"max-age=5\", max-age=100".to_owned(), Some(100)),
            (format!("date: {now}\nexpires: {}", later.to_uppercase().replace("GMT", "gmt")), Some(300)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_too_great_are_the_greatest() {
    let world = World::new().await;
    for (number, seconds) in ["2147483648", "4294967296", "99999999999999999999999"].into_iter().enumerate() {
        let target = format!("/{number}");
        let found = ttl(&world, &target, &format!("cache-control: max-age={seconds}")).await;
        assert_eq!(found, Some(1 << 31), "{seconds}");
        assert!(is_hit(&world.get(&target).await), "{seconds}");
    }
    world.say("/old", &["200\ncache-control: max-age=60\netag: \"v\"\nage: 99999999999999999999\n\nx"]);
    assert!(!world.is_kept("/old", "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_it_came_with_counts() {
    let world = World::new().await;
    let then = date(-40);
    lasts(
        &world,
        &[
            ("cache-control: max-age=100\nage: 30".to_owned(), Some(70)),
            (format!("cache-control: max-age=100\ndate: {then}"), Some(60)),
            (format!("cache-control: max-age=100\nage: 30\ndate: {then}"), Some(60)),
            (format!("cache-control: max-age=100\nage: 70\ndate: {then}"), Some(30)),
            (format!("cache-control: max-age=100\ndate: {}", date(500)), Some(100)),
            ("cache-control: max-age=100\nage: 30, 60".to_owned(), Some(70)),
            ("cache-control: max-age=100\nage: 30\nage: 60".to_owned(), Some(70)),
            ("cache-control: max-age=100\nage: old".to_owned(), Some(100)),
            ("cache-control: max-age=100\nage: -5".to_owned(), Some(100)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_memory_says_its_age() {
    let world = World::new().await;
    world.say("/a", &["200\ncache-control: max-age=100\nage: 30\n\nx"]);
    world.get("/a").await;
    let answer = world.get("/a").await;
    assert!(is_hit(&answer));
    let age: u64 = answer.field("age").unwrap().parse().unwrap();
    assert!((30..60).contains(&age), "{}", answer.head);
    let grown = world.until("/a", |answer| answer.field("age").unwrap().parse::<u64>().unwrap() > age).await;
    assert!(is_hit(&grown), "{}", grown.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_date_is_the_time_of_receipt() {
    let world = World::new().await;
    let found = ttl(&world, "/a", &format!("expires: {}", date(100))).await.unwrap();
    assert!((98..=100).contains(&found), "{found}");
    let answer = world.get("/a").await;
    assert!(is_hit(&answer));
    let made = httpdate::parse_http_date(answer.field("date").unwrap()).unwrap();
    assert!(made.elapsed().unwrap_or_default() < crate::harness::PATIENCE, "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_guessed_unless_the_operator_says_so() {
    let plain = World::new().await;
    let modified = format!("last-modified: {}", date(-1000));
    assert_eq!(ttl(&plain, "/a", &modified).await, None);
    let guessing = World::with("heuristic = true", "").await;
    lasts(
        &guessing,
        &[
            (modified.clone(), Some(100)),
            (format!("{modified}\ncache-control: max-age=7"), Some(7)),
            (format!("{modified}\ndate: {}\nexpires: {}", date(0), date(9)), Some(9)),
            (format!("last-modified: {}", date(-100_000_000)), Some(86_400)),
        ],
    )
    .await;
    guessing.say("/302", &[&format!("302\n{modified}\nlocation: /\n\nx")]);
    assert!(!guessing.is_kept("/302", "").await, "not cacheable by its status");
    guessing.say("/cookie", &[&format!("200\n{modified}\n\nx")]);
    assert!(
        !guessing.is_kept("/cookie", "cookie: a=1\n").await,
        "what may be one person's is not guessed about"
    );
}
