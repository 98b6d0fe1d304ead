//! Who may do what: every operation of the document, asked by everybody.

mod hostile;
mod matrix;
mod world;

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use reqwest::Method;

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

/// What is documented is what there is: every operation and no other.
#[tokio::test]
async fn every_operation_of_the_document_is_in_the_matrix_and_no_other() {
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
                (None, Some(get)) if method == "HEAD" => &[get.as_own(), 404, 405],
                _ => &[404, 405],
            };
            let request = world.request(method, path, Caller::Own).await;
            let status = world.app.send_unchecked(request).await.status.as_u16();
            if !expected.contains(&status) {
                wrong.push(format!("{method} {path}: {status}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.app.stop().await;
}

/// What is said of a route is said once.
#[test]
fn every_route_is_in_the_matrix_once() {
    let mut names: Vec<String> = ROUTES.iter().map(matrix::Route::name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// What is wrong with a refusal.
fn leaks(answer: &Answer) -> Option<&'static str> {
    if answer.status == 401 && !answer.header("www-authenticate").starts_with("Bearer") {
        return Some("a challenge is missing");
    }
    let is_refused = matches!(answer.status.as_u16(), 401 | 403 | 404);
    (is_refused && answer.header("cache-control") != "no-store").then_some("a refusal may be kept")
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Everything that routes change.
async fn changes(conn: &mut AsyncPgConnection) -> i64 {
    let counted = [
        "customer",
        "operator",
        "tariff",
        "slot",
        "announcement",
        "package",
        "package_event",
        "file_upload",
        "pickup_code",
        "wrong_guess",
        "ledger_account",
        "ledger_transfer",
        "payment",
        "waiver",
        "receipt",
        "deadline",
        "notification",
        "claim",
        "outbox",
        "idempotency_key",
    ];
    let versioned = ["customer", "slot", "announcement", "package", "claim"];
    let counts = counted.map(|table| format!("(SELECT count(*) FROM {table})"));
    let versions = versioned.map(|table| format!("(SELECT coalesce(sum(version), 0) FROM {table})"));
    let issued =
        "(SELECT coalesce(sum(extract(epoch FROM issued_at) * 1000), 0) FROM pickup_code)".to_owned();
    let parts: Vec<String> = counts.into_iter().chain(versions).chain([issued]).collect();
    let sql = format!("SELECT ({})::bigint AS number", parts.join(" + "));
    let row: Number = sql_query(&sql).get_result(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    row.number
}
