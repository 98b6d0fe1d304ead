//! Who may do what: every route that is registered, asked by everybody; and nothing is registered that is not asked here.

mod matrix;
mod registered;
mod world;

use diesel_async::AsyncPgConnection;
use reqwest::Method;

use crate::fixtures::number_on;
use crate::harness::Answer;
use matrix::{Caller, ROUTES};
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_exactly_whom_it_should() {
    let world = World::start().await;
    let mut outside = world.app.db.connect().await;
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for route in ROUTES {
        let mut row = format!("{:<52}", route.name());
        for (caller, expected) in route.expected() {
            let request = world.request(route.method, route.path, caller).await;
            let before = changes(&mut outside).await;
            let answer = world.app.send(request).await;
            let at = format!("{} as {caller:?}: {}", route.name(), answer.text());
            row.push_str(&format!("{:>6}", answer.status.as_u16()));
            if answer.status.as_u16() != expected {
                wrong.push(format!("{expected} is expected: {at}"));
            }
            wrong.extend(leaks(&answer).map(|fault| format!("{fault}: {at}")));
            if !answer.status.is_success() && changes(&mut outside).await != before {
                wrong.push(format!("a refusal changed something: {at}"));
            }
        }
        rows.push(row);
    }
    eprintln!("{:<52}{:?}\n{}", "", Caller::ALL, rows.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.app.stop().await;
}

/// `HEAD` stands beside `GET` or nowhere, and answers as it does; no other method of a path is let through.
#[tokio::test]
async fn no_other_method_is_known() {
    let world = World::start().await;
    let mut wrong = Vec::new();
    for path in matrix::paths() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let known = |name: &str| ROUTES.iter().find(|route| route.path == path && route.method == name);
            let expected: &[u16] = match (known(method), known("GET")) {
                (Some(_), _) => continue,
                (None, Some(get)) if method == "HEAD" => &[get.as_member(), 405],
                _ => &[404, 405],
            };
            let request = world.request(method, path, Caller::Member).await;
            let status = world.app.send_unchecked(request).await.status.as_u16();
            if !expected.contains(&status) {
                wrong.push(format!("{method} {path}: {status}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.app.stop().await;
}

#[test]
fn every_path_that_is_registered_is_in_the_matrix_and_no_other() {
    let registered = registered::paths();
    assert!(registered.len() > 20, "they are read from the sources: {registered:?}");
    assert_eq!(registered, matrix::paths());
}

/// What is documented is what there is: every method of the matrix and no other.
#[tokio::test]
async fn every_route_is_documented_and_nothing_else() {
    let app = crate::harness::Harness::start().await;
    let request = app.request(Method::GET, "/openapi.json", None);
    let document = app.send(request).await.expect(200).json();
    let mut documented: Vec<String> =
        openapi_parts::operations(&document).into_iter().map(|(name, _)| name).collect();
    let mut routes: Vec<String> = ROUTES.iter().map(matrix::Route::name).collect();
    documented.sort();
    routes.sort();
    assert_eq!(documented, routes);
    app.stop().await;
}

/// What is said of a route is said once, and of methods that there are.
#[test]
fn every_route_is_in_the_matrix_once() {
    let mut names: Vec<String> = ROUTES.iter().map(matrix::Route::name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(ROUTES.iter().all(|route| Method::from_bytes(route.method.as_bytes()).is_ok()));
}

/// What is wrong with a refusal.
fn leaks(answer: &Answer) -> Option<&'static str> {
    if answer.status == 401 && !answer.header("www-authenticate").starts_with("Bearer") {
        return Some("a challenge is missing");
    }
    let is_refused = matches!(answer.status.as_u16(), 401 | 403 | 404);
    (is_refused && answer.header("cache-control") != "no-store").then_some("a refusal may be kept")
}

/// Everything that routes change.
async fn changes(conn: &mut AsyncPgConnection) -> i64 {
    let tables = [
        "gym",
        "member",
        "person",
        "follow",
        "close_friend",
        "block",
        "media",
        "story",
        "story_view",
        "story_reaction",
        "story_reply",
        "story_report",
        "highlight",
        "highlight_item",
        "outbox",
        "idempotency_key",
    ];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
    let sql = format!(
        "SELECT ({counts} + (SELECT coalesce(sum(seq), 0) FROM feed_clock) + (SELECT coalesce(sum(version), 0) FROM story) \
         + (SELECT coalesce(sum(version), 0) FROM highlight) + (SELECT coalesce(sum(version), 0) FROM gym))::bigint AS number"
    );
    number_on(conn, &sql).await
}
