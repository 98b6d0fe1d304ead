//! Who may do what: every operation of the document, asked by everyone (the matrix), and the cases in which it matters
//! whose record it is.

mod callers;
pub(crate) mod document;
mod owners;
mod requests;

use std::collections::BTreeSet;

use catalog::model::registry::Registry;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use reqwest::Method;
use test_harness::Database;

use crate::conformance::maker::Maker;
use crate::harness::{Answer, TestApp};
use callers::{Caller, Callers};
use document::Operation;
use requests::{Verdict, request, verdict};

/// The operations that nobody needs a token for, as reviewed: `METHOD path`, one a line.
const PUBLIC_ROUTES: &str = include_str!("public_routes.txt");

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_do_only_what_was_reviewed() {
    let app = TestApp::start().await;
    let document = app.get("/openapi.json", None).await.json();
    let open: Vec<String> = Operation::all(&document)
        .iter()
        .filter(|operation| operation.takes_nobody())
        .map(Operation::name)
        .collect();
    let reviewed: Vec<&str> = PUBLIC_ROUTES.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(open, reviewed, "public_routes.txt lists what the document leaves open");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_admits_exactly_whom_its_declaration_names() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let callers = Callers::start(db).await;
    let maker = Maker::new(&callers.app, callers.session(Caller::Administrator), Registry::default());
    let document = callers.app.get("/openapi.json", None).await.json();
    let operations = Operation::all(&document);
    let mut conn = callers.app.db.connect().await;
    let (mut visited, mut rows, mut wrong) = (BTreeSet::new(), Vec::new(), Vec::new());
    for operation in &operations {
        let mut row = format!("{:<52}", operation.name());
        for caller in Caller::ALL {
            let asked = request(operation, caller, &callers, &maker).await;
            let before = versions(&mut conn).await;
            let answer = callers.app.send(asked).await;
            visited.insert(operation.name());
            row.push_str(&format!("{:>6}", answer.status.as_u16()));
            let verdict = verdict(operation, caller);
            let at = format!("{} as {caller:?}: {}", operation.name(), answer.text());
            wrong.extend(faults(verdict, caller, &answer).into_iter().map(|fault| format!("{fault}: {at}")));
            if verdict != Verdict::Allowed && versions(&mut conn).await != before {
                wrong.push(format!("a refusal changed something: {at}"));
            }
            if operation.method == Method::GET {
                let head = request(&operation.as_head(), caller, &callers, &maker).await;
                let head = callers.app.send(head).await;
                if (head.status, head.body.len()) != (answer.status, 0) {
                    wrong.push(format!("HEAD is answered with {}: {at}", head.status));
                }
            }
        }
        rows.push(row);
    }
    let names: String = Caller::ALL.iter().map(|caller| format!("{:>6}", caller.short())).collect();
    eprintln!("{:<52}{names}\n{}", "", rows.join("\n"));
    eprintln!("{} operations, {} callers", rows.len(), Caller::ALL.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(visited, operations.iter().map(Operation::name).collect(), "every operation is asked for");
    callers.app.stop().await;
}

/// What is wrong with an answer.
fn faults(verdict: Verdict, caller: Caller, answer: &Answer) -> Option<String> {
    let code = || answer.json()["code"].as_str().unwrap_or_default().to_owned();
    match verdict {
        Verdict::Allowed if answer.status.is_success() => None,
        Verdict::Unauthenticated if answer.status.as_u16() == 401 => {
            let challenge = answer.header("www-authenticate");
            let (expected, says) = match caller {
                Caller::Expired => ("token_expired", "error=\"invalid_token\""),
                Caller::Forged => ("unauthenticated", "error=\"invalid_token\""),
                _ => ("unauthenticated", ""),
            };
            let sound = code() == expected && challenge.starts_with("Bearer") && challenge.contains(says);
            (!sound).then(|| format!("{expected} is expected, with a challenge, not {challenge:?}"))
        }
        Verdict::Forbidden if answer.status.as_u16() == 403 && code() == "forbidden" => None,
        other => Some(format!("{other:?} is expected")),
    }
}

#[derive(diesel::QueryableByName)]
struct Versions {
    #[diesel(sql_type = diesel::sql_types::Text)]
    all: String,
}

/// The versions of all models, from the rows that `/metadata` reads.
async fn versions(conn: &mut AsyncPgConnection) -> String {
    let sql = "SELECT string_agg(model || ' ' || version, ', ' ORDER BY model) AS all FROM model_clock";
    let versions: Versions = diesel::sql_query(sql).get_result(conn).await.unwrap();
    versions.all
}
